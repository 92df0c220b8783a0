"""Child processes that never outlive this one, not even when it is killed."""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Account:
    """The user a child runs as when the parent is root."""

    uid: int
    gid: int


def spawn(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    folder: Path,
    output: IO[bytes] | int,
    errors: IO[bytes] | int = subprocess.STDOUT,
    account: Account | None = None,
    farewell: signal.Signals = signal.SIGTERM,
    keep_open: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; on Linux it gets `farewell` once the calling thread is gone.

    Raises OSError when the program cannot be executed.
    """
    with warnings.catch_warnings():
        # From 3.12 on a fork beside other threads is warned of; what runs before exec takes no lock.
        warnings.simplefilter("ignore", DeprecationWarning)
        return subprocess.Popen(  # noqa: S603  (every command is ours)
            [str(part) for part in command],
            env=dict(env),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            pass_fds=keep_open,
            start_new_session=True,
            umask=0o077,
            preexec_fn=_before_exec(farewell),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def stop(
    running: Sequence[subprocess.Popen[bytes]], *, ask: signal.Signals = signal.SIGTERM, patience: float = 10
) -> None:
    """Ask all of them politely and once, then kill their whole groups."""
    for child in running:
        if child.poll() is None:
            child.send_signal(ask)
    wait_until(lambda: all(child.poll() is not None for child in running), seconds=patience)
    for child in running:
        with suppress(ProcessLookupError, PermissionError):  # nobody is left in it
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def wait_until(happened: Callable[[], bool], *, seconds: float, pause: float = 0.05) -> bool:
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def below(pid: int) -> dict[int, str]:
    """The processes that this one is the parent of, with what they call themselves; none where /proc is not there."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):  # it ended meanwhile
            if int((process / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found[int(process.name)] = (process / "cmdline").read_text(errors="replace").replace("\0", " ")
    return found


def _before_exec(farewell: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def prepare() -> None:
        # A core file would hold embeddings and photos in the clear.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(farewell), 0, 0, 0)
            if os.getppid() != parent:  # the parent died before the line above took effect
                os._exit(1)

    return prepare
