"""The child can do nothing but decode, and whatever becomes of it the parent goes on."""

import io
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from unittest.mock import Mock

import pytest
from django.conf import Settings
from django.core.management import CommandError, call_command
from django.test import Client
from PIL import Image

from matching.decoding import frames, parsing, sandbox
from matching.decoding.limits import HARVEST, SELFIE, Limits
from matching.errors import Busy, PhotoRejected, Unconfined
from matching.photos import decoder_pool
from matching.photos.decoder_pool import Child, Pool
from matching.types import PhotoFault, Pixels
from tests.matching.conftest import set_matching
from tests.matching.photos.test_decode_photo import progressive

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes system calls away")


def photo(side: int = 200) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((side, side), 60).convert("RGB").save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def started() -> Iterator[list[Pool]]:
    pools: list[Pool] = []
    yield pools
    for one in pools:
        one.stop()


def a_pool(started: list[Pool], *, limits: Limits = SELFIE, size: int = 1) -> Pool:
    started.append(Pool(limits, size))
    return started[-1]


def test_its_faults_are_those_of_the_portal() -> None:
    assert {PhotoFault(name) for name in frames.FAULTS} <= set(PhotoFault)
    assert set(frames.FAULTS) == set(parsing.Fault.__args__)  # type: ignore[attr-defined]


def test_one_child_serves_photo_after_photo(started: list[Pool]) -> None:
    one = a_pool(started)
    shapes = {one.decode(photo(side), side=0, wait=1).shape for side in (100, 200, 300)}
    assert shapes == {(100, 100, 3), (200, 200, 3), (300, 300, 3)}
    assert len(one.pids()) == 1


def test_a_reduced_photo_is_the_reduced_whole(started: list[Pool]) -> None:
    one = a_pool(started)
    assert one.decode(photo(400), side=100, wait=1).shape == (100, 100, 3)
    assert one.decode(photo(100), side=400, wait=1).shape == (100, 100, 3)


@LINUX
def test_it_has_neither_network_nor_files_and_bounded_memory(started: list[Pool]) -> None:
    held = a_pool(started).confinement()
    assert "filter" in held.network
    assert held.files == "filter"
    assert held.memory


# A child of the real kind, but that the kernel grants it no filter.
UNFILTERED = f"""
import json, sys
for name in [name for name in sys.modules if name.partition(".")[0] == "matching"]:
    del sys.modules[name]
sys.path.insert(0, {str(decoder_pool.ROOT)!r})
from matching.decoding import child, sandbox
from matching.decoding.limits import Limits
sandbox.filter_calls = lambda: False
given = json.loads(sys.argv[1])
child.main(Limits(**{{**given, "formats": tuple(given["formats"])}}))
"""


@pytest.fixture
def no_filter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "matching" / "decoding"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    (package / "child.py").write_text(UNFILTERED)
    monkeypatch.setattr(decoder_pool, "ROOT", tmp_path)


@LINUX
@pytest.mark.usefixtures("no_filter")
def test_a_child_without_a_filter_is_given_no_photo(started: list[Pool]) -> None:
    one = a_pool(started)
    with pytest.raises(Unconfined, match="UNCONFINED_DECODER=1"):
        one.start()
    with pytest.raises(Unconfined):
        one.decode(photo(), side=0, wait=1)
    assert one.pids() == []


@LINUX
@pytest.mark.usefixtures("no_filter")
def test_who_accepts_the_risk_is_served_and_still_told(started: list[Pool]) -> None:
    one = Pool(SELFIE, 1, unconfined=True)
    started.append(one)
    assert one.decode(photo(), side=0, wait=1).shape == (200, 200, 3)
    assert one.held is not None
    assert not one.held.is_filtered


@LINUX
@pytest.mark.django_db
@pytest.mark.usefixtures("no_filter")
def test_the_portal_refuses_to_start_without_one(
    settings: Settings, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_pool, "_pools", {})
    try:
        assert client.get("/healthz").json()["decoder"] is None
        with pytest.raises(CommandError, match="cannot be confined here"):
            call_command("face_pack", stdout=io.StringIO())
        set_matching(settings, UNCONFINED_DECODER="1")
        call_command("face_pack", stdout=io.StringIO())
        assert client.get("/healthz").json()["decoder"] is False
    finally:
        decoder_pool.stop()


FORBIDDEN = {
    "a socket": "import socket; socket.socket()",
    "a file": "open('/etc/hostname')",
    "a file to write": "open('/tmp/written', 'w')",
    "a program": "import os; os.execv('/bin/true', ['true'])",
    "a process": "import os; os.fork()",
    "a signal": "import os; os.kill(os.getppid(), 0)",
    "executable memory": "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)",
    "higher limits": "import resource; resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
}


@LINUX
@pytest.mark.parametrize("wish", FORBIDDEN)
def test_what_a_parser_taken_over_would_want_is_refused(wish: str) -> None:
    code = textwrap.dedent(f"""
        import mmap, resource, socket
        from dataclasses import replace
        from matching.decoding import sandbox
        from matching.decoding.limits import SELFIE
        sandbox.confine(SELFIE)
        try:
            exec({FORBIDDEN[wish]!r})
        except (PermissionError, ValueError):
            raise SystemExit(7)
    """)
    assert subprocess.run([sys.executable, "-c", code], cwd=decoder_pool.ROOT, check=False).returncode == 7


@LINUX
def test_threads_still_work_in_it() -> None:
    code = "from matching.decoding import sandbox, limits; import threading; sandbox.confine(limits.SELFIE);"
    code += "t = threading.Thread(target=int); t.start(); t.join(); raise SystemExit(7)"
    assert subprocess.run([sys.executable, "-c", code], cwd=decoder_pool.ROOT, check=False).returncode == 7


@LINUX
def test_it_sees_no_secret_and_no_account(started: list[Pool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "not for the child")
    one = a_pool(started)
    one.confinement()
    process = Path("/proc") / str(one.pids()[0])
    assert b"not for the child" not in (process / "environ").read_bytes()
    if os.geteuid() == 0:
        assert f"Uid:\t{sandbox.NOBODYS}\t" in (process / "status").read_text()


def seconds_for(started: list[Pool], content: bytes) -> float:
    """How long this machine takes for a photo, with ample time."""
    one = a_pool(started, limits=replace(HARVEST, seconds=100))
    one.start()
    begun = time.monotonic()
    one.decode(content, side=0, wait=1)
    return time.monotonic() - begun


def test_a_photo_that_takes_too_long_is_refused_and_the_next_one_read(started: list[Pool]) -> None:
    slow = progressive(parsing.MOST_SCANS, side=7000)
    needed = seconds_for(started, slow)
    one = a_pool(started, limits=replace(HARVEST, seconds=needed / 4))
    one.start()
    begun = time.monotonic()
    with pytest.raises(PhotoRejected) as caught:
        one.decode(slow, side=0, wait=0)
    assert caught.value.fault is PhotoFault.TOO_MUCH_WORK
    assert time.monotonic() - begun < needed * 3 / 4
    one.start()
    assert one.decode(photo(), side=0, wait=0).shape == (200, 200, 3)


def test_a_child_that_hangs_is_replaced_before_the_visitor_gives_up(started: list[Pool]) -> None:
    one = a_pool(started)
    one.decode(photo(), side=0, wait=1)
    (hung,) = one.pids()
    os.kill(hung, signal.SIGSTOP)
    begun = time.monotonic()
    with pytest.raises(PhotoRejected):
        one.decode(photo(), side=0, wait=1)
    assert time.monotonic() - begun < 5
    assert one.decode(photo(), side=0, wait=1).shape == (200, 200, 3)
    assert one.pids() != [hung]


@LINUX
def test_a_photo_that_needs_too_much_memory_is_refused_and_the_next_one_read(started: list[Pool]) -> None:
    one = a_pool(started, limits=replace(SELFIE, memory=120_000_000))
    with pytest.raises(PhotoRejected) as caught:
        one.decode(photo(4000), side=0, wait=1)
    assert caught.value.fault is PhotoFault.TOO_MUCH_WORK
    assert one.decode(photo(), side=0, wait=1).shape == (200, 200, 3)


def test_a_child_that_died_between_photos_costs_nobody_their_photo(started: list[Pool]) -> None:
    one = a_pool(started)
    one.decode(photo(), side=0, wait=1)
    (first,) = one.pids()
    os.kill(first, signal.SIGKILL)
    assert one.decode(photo(), side=0, wait=1).shape == (200, 200, 3)
    assert one.pids() != [first]


def test_a_child_is_replaced_after_so_many_photos(started: list[Pool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_pool, "PHOTOS_A_LIFE", 2)
    one = a_pool(started)
    seen = set()
    for _ in range(6):
        one.decode(photo(), side=0, wait=1)
        seen |= set(one.pids())
    assert len(seen) == 3


@contextmanager
def occupied(one: Pool) -> Iterator[Future[Pixels]]:
    """A photo is with its only child, which gets no further until the end."""
    one.start()
    (child,) = one.pids()
    os.kill(child, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(one.decode, photo(), side=0, wait=1)
        while one.is_free:
            time.sleep(0.01)
        try:
            yield reading
        finally:
            os.kill(child, signal.SIGCONT)


def test_who_finds_every_child_taken_is_told_so(started: list[Pool]) -> None:
    one = a_pool(started, limits=replace(SELFIE, seconds=60))
    with occupied(one) as first, pytest.raises(Busy):
        one.decode(photo(), side=0, wait=0.05)
    assert first.result().shape == (200, 200, 3)


def test_waiting_and_decoding_have_one_deadline(started: list[Pool], monkeypatch: pytest.MonkeyPatch) -> None:
    """And a photo that was cut off because it had waited is not called a bad one."""
    monkeypatch.setattr(decoder_pool, "MAY_LACK", 0.5)
    one = a_pool(started, limits=replace(SELFIE, seconds=2))
    one.start()
    (hung,) = one.pids()
    with ThreadPoolExecutor(1) as threads:
        with one.child(time.monotonic() + 1):
            os.kill(hung, signal.SIGSTOP)
            begun = time.monotonic()
            waiting = threads.submit(one.decode, photo(), side=0, wait=1.9)
            time.sleep(1)
        with pytest.raises(Busy):
            waiting.result()
    assert time.monotonic() - begun < 2.8


def test_a_child_that_is_still_starting_is_kept(started: list[Pool]) -> None:
    one = a_pool(started, limits=replace(SELFIE, seconds=0.01))
    with pytest.raises(Busy):
        one.decode(photo(), side=0, wait=0)
    starting = one.pids()
    one.start()
    assert len(starting) == 1
    assert one.pids() == starting


def test_what_one_photo_left_unread_is_no_answer_to_the_next(
    started: list[Pool], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = a_pool(started)
    with monkeypatch.context() as patched:
        patched.setattr(Child, "_pixels", Mock(side_effect=MemoryError))
        with pytest.raises(MemoryError):
            one.decode(photo(100), side=0, wait=1)
    assert one.pids() == []
    assert one.decode(photo(300), side=0, wait=1).shape == (300, 300, 3)


def answer(kind: int, width: int, height: int, body: bytes = b"") -> str:
    return repr(frames.ANSWER.pack(kind, width, height) + body)


@pytest.fixture
def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Start children that run this instead, after they greeted and were asked: a child taken over may do anything."""

    def written(code: str) -> None:
        package = tmp_path / "matching" / "decoding"
        package.mkdir(parents=True)
        greeting = b'{"network": "filter", "files": "filter", "memory": true}'
        hello = repr(frames.GREETING.pack(len(greeting)) + greeting)
        for folder in (package.parent, package):
            (folder / "__init__.py").touch()
        (package / "child.py").write_text(f"import os, time\nos.write(0, {hello}); os.read(0, 10**6)\n{code}\n")
        monkeypatch.setattr(decoder_pool, "ROOT", tmp_path)

    return written


@pytest.mark.parametrize(
    "said",
    [
        answer(frames.PIXELS, 0, 5),
        answer(frames.PIXELS, 60_000, 60_000),
        answer(frames.SEE_THROUGH, 60_000, 60_000),
        answer(frames.PIXELS, 4_000_000_000, 1),
        answer(frames.PIXELS, 200, 200, b"too few"),
        answer(frames.FAULT, 99, 0),
        answer(77, 1, 1),
        "b'short'",
        "b''",
    ],
)
def test_an_answer_out_of_bounds_is_not_believed(said: str, pretend: Callable[[str], None]) -> None:
    pretend(f"os.write(0, {said})")
    taken_over = Child(replace(SELFIE, seconds=1))
    try:
        taken_over.confinement(until=time.monotonic() + 30)
        with pytest.raises(decoder_pool.Broken):
            taken_over.decode(b"a photo", side=0, until=time.monotonic() + 1)
    finally:
        taken_over.stop()


def test_an_answer_that_drips_is_cut_off(started: list[Pool], pretend: Callable[[str], None]) -> None:
    drop = repr(bytes(1))
    pretend(f"os.write(0, {answer(frames.PIXELS, 200, 200)})\nwhile True: time.sleep(0.0005); os.write(0, {drop})")
    one = a_pool(started, limits=replace(SELFIE, seconds=1))
    one.start()
    begun = time.monotonic()
    with pytest.raises(PhotoRejected):
        one.decode(photo(), side=0, wait=0)
    assert time.monotonic() - begun < 2


def in_a_fork(answers: "SimpleQueue[tuple[tuple[int, ...], list[int]]]") -> None:
    ours = decoder_pool.of(SELFIE)
    answers.put((ours.decode(photo(), side=0, wait=1).shape, ours.pids()))
    decoder_pool.stop()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_has_children_of_its_own() -> None:
    ours = decoder_pool.of(SELFIE)
    ours.decode(photo(), side=0, wait=1)
    before = ours.pids()
    answers: SimpleQueue[tuple[tuple[int, ...], list[int]]] = multiprocessing.get_context("fork").SimpleQueue()
    forked = multiprocessing.get_context("fork").Process(target=in_a_fork, args=(answers,), daemon=True)
    forked.start()
    shape, theirs = answers.get()
    forked.join()
    assert shape == (200, 200, 3)
    assert not set(theirs) & set(before)
    assert ours.decode(photo(), side=0, wait=1).shape == (200, 200, 3)
    assert ours.pids() == before


ORPHANS = """
import sys, time
from matching.decoding import limits
from matching.photos import decoder_pool
one = decoder_pool.of(limits.SELFIE)
one.start()
print(one.pids()[0], flush=True)
time.sleep(60)
"""


@LINUX
@pytest.mark.parametrize("farewell", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_its_parent(farewell: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ORPHANS], cwd=decoder_pool.ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = Path("/proc") / parent.stdout.readline().strip()
        assert child.exists()
        parent.send_signal(farewell)
    deadline = time.monotonic() + 5
    while child.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not child.exists()
