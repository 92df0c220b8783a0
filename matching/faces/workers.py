"""Reading photos on every core. Imports no models: a spawned process has no Django app registry."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

from matching.errors import Busy, PhotoRejected
from matching.faces import find_faces
from matching.faces.find_faces import Reading
from matching.faces.packs import Pack
from matching.types import PhotoFault

WORTH_A_POOL = 4  # photos; below it starting processes costs more than it saves


def read(content: bytes, pack: Pack) -> Reading | str:
    try:
        return find_faces.read_harvested(content, pack)
    except PhotoRejected as rejected:
        # What the models tripped over is for whoever runs them to look into.
        cause = rejected.__cause__
        return f"{rejected.fault.value} ({type(cause).__name__})" if cause else rejected.fault.value
    except Busy:
        return PhotoFault.TOO_MUCH_WORK.value


@contextmanager
def workers(photos: int) -> Iterator[Executor | None]:
    """A process for each core; none where there is too little to do or this process may have no children."""
    cores = os.cpu_count() or 1
    if photos < WORTH_A_POOL or cores < 2 or multiprocessing.current_process().daemon:
        yield None
        return
    # Spawned, not forked: a fork would share the database connection.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(cores, mp_context=context, initializer=live_and_die_with_parent)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def live_and_die_with_parent() -> None:
    """Ctrl-C reaches the whole group, and the parent alone decides how to stop; killed, it takes us along."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "1"  # there is a process for each core
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=exit_after_parent, daemon=True).start()


def exit_after_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
