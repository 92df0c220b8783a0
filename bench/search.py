"""Exact search and sweep beside what else searches exactly, on this machine, in this run.

`python -m bench.search [--scale N] [--long]`. Faces are synthetic: random directions, one in many beside a probe.
The index is PostgreSQL's own, filled by its one door. Every method answers the same questions in turn, five times;
the figures are medians. Before anything is timed, what the portal finds is compared with brute force.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import django
import faiss
import numpy as np
from django.core.management import call_command
from numpy.typing import NDArray

from bench.rows import Row, alone, beside, median
from portal.local.embedded import Cluster

if TYPE_CHECKING:
    from matching.index.sweep import EmbeddingBlock

PROJECT = Path(__file__).resolve().parent.parent
DIM = 512
PROBES = 256
NEAR = 0.6  # half of the probes are as near as this to a face
AT_LEAST = 0.30
ROUNDS = 5
SMALLEST = 10_000
LARGE = 10_000_000
BATCH = 20_000  # faces admitted at a time
FACES_AN_IMAGE = 4
CHECKED = 16  # probes compared with brute force in double precision
SWEEP_TARGET = 0.8  # of the GEMM limit
SINGLES = 1_000_000  # faces of which the peer's product is taken
BLOCK = 8192  # faces multiplied at a time by the peer, and in memory

Rows32 = NDArray[np.float32]
Rows16 = NDArray[np.float16]
Method = Callable[[], object]


@dataclass(frozen=True)
class World:
    """The faces of the index once more, for the peers."""

    halves: Rows16  # (n, DIM)
    probes: Rows32  # (PROBES, DIM), as stored

    def __len__(self) -> int:
        return len(self.halves)


def measure(scale: int = 1_000_000) -> list[Row]:
    """In a process of its own, since it works on a database of its own."""
    command = [sys.executable, "-m", "bench.search", "--json", "--scale", str(scale)]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, check=True, text=True)  # noqa: S603  (ours)
    return [Row(**row) for row in json.loads(done.stdout.splitlines()[-1])]


def main() -> None:
    asked = argparse.ArgumentParser(description="Exact search and sweep beside their peers.")
    asked.add_argument("--scale", type=int, default=1_000_000, help="faces at most")
    asked.add_argument("--long", action="store_true", help="up to ten million faces")
    asked.add_argument("--json", action="store_true", help="for the runner")
    given = asked.parse_args()
    with database():
        rows = grown(LARGE if given.long else given.scale)
    if given.json:
        print(json.dumps([asdict(row) for row in rows]))  # noqa: T201  (the runner reads it)
        return
    for row in rows:
        beside_it = "" if row.ratio is None else f"  {row.peer}: {row.peer_value:.4g}, ratio {row.ratio:.2f}"
        print(f"{row.name}: {row.value:.4g} {row.unit}{beside_it}  {row.note}")  # noqa: T201  (a command)


@contextmanager
def database() -> Iterator[None]:
    """An empty database with the portal's tables, and Django set up on it."""
    with tempfile.TemporaryDirectory(prefix="takedown-bench-") as name:
        folder = Path(name)
        cluster = Cluster(folder / "postgresql")
        try:
            cluster.start()
            url = cluster.superuser_url("postgres")
            os.environ.update(dict.fromkeys(("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_REGULATOR_URL"), url))
            os.environ.update(
                SECRET_KEY=secrets.token_urlsafe(32),
                DJANGO_SETTINGS_MODULE="portal.settings",
                KEY_STORE=str(folder / "keys"),
                IMAGE_STORE=f"file://{folder / 'images'}",
                DEMO="1",
            )
            django.setup()
            call_command("migrate", verbosity=0)
            yield
        finally:
            cluster.destroy()


def grown(scale: int) -> list[Row]:
    """From ten thousand faces upwards, ten times as many at each step; the peers at the last."""
    rows: list[Row] = []
    with tempfile.TemporaryFile() as file:
        halves = np.memmap(file, np.float16, "w+", shape=(scale, DIM))
        there = 0
        for size in sizes(scale):
            halves[there:size] = faces(size - there, seed=size)
            admit(halves[there:size])
            there = size
            world = World(halves[:size], probes_for(halves[:size]))
            check(world)
            rows += growth(world)
        return rows + bytes_a_face(scale) + searches(world) + sweeps(world)


def sizes(scale: int) -> list[int]:
    steps = [SMALLEST * 10**step for step in range(10)]
    return [size for size in steps if size < scale] + [scale]


def faces(count: int, *, seed: int) -> Rows16:
    random = np.random.default_rng(seed)
    made = np.empty((count, DIM), np.float16)
    for start in range(0, count, BATCH):
        part = made[start : start + BATCH]
        part[:] = unit(random.standard_normal((len(part), DIM), dtype=np.float32))
    return made


def unit(rows: Rows32) -> Rows32:
    normal: Rows32 = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return normal


def probes_for(halves: Rows16) -> Rows32:
    """Half of them near a face, half of them near none."""
    random = np.random.default_rng(1)
    probes = unit(random.standard_normal((PROBES, DIM), dtype=np.float32))
    chosen = halves[random.integers(0, len(halves), PROBES // 2)].astype(np.float32)
    probes[::2] = unit(NEAR * chosen + np.sqrt(1 - NEAR**2) * probes[::2])
    stored: Rows32 = probes.astype(np.float16).astype(np.float32)
    return stored


def admit(rows: Rows16) -> None:
    from matching.harvest import admission  # noqa: PLC0415
    from matching.index.protocol import FaceRows  # noqa: PLC0415

    with admission.one_harvest():
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH].astype(np.float32)
            ids = [uuid4() for _ in range(-(-len(part) // FACES_AN_IMAGE))]
            arrivals = [
                admission.Arrival(one, admission.digest(one.bytes), f"https://a.example/{one}", "a.example", DAY)
                for one in ids
            ]
            owners = [ids[n // FACES_AN_IMAGE] for n in range(len(part))]
            boxes = np.tile(np.array([1, 1, 9, 9], np.int32), (len(part), 1))
            admission.admit(arrivals, FaceRows(owners, boxes, np.ones(len(part), np.float32), part))


DAY = date(2026, 3, 14)


def check(world: World) -> None:
    """That search and sweep find, for some probes, exactly what comparing every pair in double precision finds."""
    some = world.probes[:CHECKED]
    expected = brute_force(world.halves, some)
    swept = index().sweep(list(some[:, None]), at_least=[AT_LEAST] * CHECKED)
    for probe, similarities, hits in zip(some, expected, swept, strict=True):
        assert [hit.similarity for hit in hits] == similarities
        assert index().search(probe[None], at_least=AT_LEAST) == hits


def brute_force(halves: Rows16, probes: Rows32) -> list[list[float]]:
    found: list[list[float]] = [[] for _ in probes]
    for start in range(0, len(halves), BATCH):
        products = halves[start : start + BATCH].astype(np.float64) @ probes.T.astype(np.float64)
        for column, similarities in enumerate(found):
            similarities += products[products[:, column] >= AT_LEAST, column].tolist()
    return [sorted(similarities, reverse=True) for similarities in found]


def index() -> Any:
    from matching.index import store  # noqa: PLC0415

    return store()


def growth(world: World) -> list[Row]:
    timed = alternating({"search": search(world, 1), "sweep": sweep(world)})
    return [
        alone(f"search, {len(world):,} faces, 1 probe", 1000 * timed["search"], "ms"),
        alone(f"sweep, {len(world):,} faces, {PROBES} probes", timed["sweep"], "s"),
    ]


def bytes_a_face(count: int) -> list[Row]:
    from django.db import connection  # noqa: PLC0415  (the settings exist only once the database runs)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_table_size(relid)), sum(pg_indexes_size(relid))"
            " FROM pg_partition_tree('matching_face') WHERE isleaf"
        )
        heap, indexes = cursor.fetchone()
    return [
        alone("bytes a face, table", float(heap) / count, "bytes", note=f"{DIM} dimensions"),
        alone("bytes a face, its two indexes", float(indexes) / count, "bytes"),
    ]


def searches(world: World) -> list[Row]:
    """Milliseconds a probe, ours beside the plain scan, FAISS and the time it takes to read the bytes at all.

    A peer in memory that would take more than half of it is left out.
    """
    rows = []
    peers = {name: peer for name, peer, size in in_memory() if len(world) * DIM * size < memory() / 2}
    for start in range(0, len(world), BATCH):
        part = world.halves[start : start + BATCH].astype(np.float32)
        for peer in peers.values():
            peer.train(part)
            peer.add(part)
    for count in (1, 16, 64):
        methods = {"ours": search(world, count), "plain": plain_scan(world, min(count, 4))}
        methods |= {name: nearest(peer, world, count) for name, peer in peers.items()}
        timed = alternating(methods | {"bandwidth": bandwidth(world)})
        timed["plain"] *= count / min(count, 4)
        ours = 1000 * timed["ours"] / count
        for name, peer in PEERS.items():
            if name not in timed:
                continue
            value = 1000 * timed[name] / (1 if name == "bandwidth" else count)
            target = TARGETS.get((count, name))
            title = f"exact search, {count} at a time, a probe"
            rows.append(beside(title, ours, "ms", peer=peer, peer_value=value, at_least=target, less_is_better=True))
    return rows


def in_memory() -> Iterator[tuple[str, Any, int]]:
    """Name, index and bytes of a number."""
    yield "fp16", faiss.IndexScalarQuantizer(DIM, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT), 2
    yield "flat", faiss.IndexFlatIP(DIM), 4


def memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


PEERS = {
    "plain": "pgvector's plain scan",
    "fp16": "FAISS QT_fp16, in memory",
    "flat": "FAISS IndexFlatIP, in memory",
    "bandwidth": "reading the bytes once, in memory",
}
# Against the best exact method there is in memory too, not against PostgreSQL's own alone.
TARGETS = {(1, "plain"): 1.0, (16, "plain"): 1.0, (64, "plain"): 1.0, (1, "fp16"): 1.0, (16, "fp16"): 1.0}


def search(world: World, count: int) -> Method:
    return lambda: index().search(world.probes[:count], at_least=AT_LEAST)


def plain_scan(world: World, count: int) -> Method:
    """What anybody would write, as the planner chooses to do it."""
    from django.db import connection  # noqa: PLC0415  (the settings exist only once the database runs)

    texts = ["[" + ",".join(map(str, probe)) + "]" for probe in world.probes[:count]]

    def scan() -> None:
        with connection.cursor() as cursor:
            for text in texts:
                cursor.execute("SELECT id FROM matching_face WHERE embedding <#> %s::halfvec <= %s", [text, -AT_LEAST])
                cursor.fetchall()

    return scan


def nearest(peer: Any, world: World, count: int) -> Method:
    """Exact as long as the last of the k lies below the threshold; else more are asked for."""

    def look() -> None:
        k = 16
        while peer.search(world.probes[:count], k)[0][:, -1].max() >= AT_LEAST:
            k *= 4

    return look


def bandwidth(world: World) -> Method:
    """Every byte of the embeddings through the processors once."""
    cores = os.cpu_count() or 1
    shares = np.array_split(world.halves.reshape(-1).view(np.uint64), cores)

    def read() -> None:
        with ThreadPoolExecutor(cores) as threads:
            list(threads.map(np.bitwise_or.reduce, shares))

    return read


def sweeps(world: World) -> list[Row]:
    """The product's sweep, and its arithmetic alone, beside NumPy's product of the same matrices.

    Of a large index the product takes a part alone, since in single precision the whole would not fit into memory.
    """
    blocks = resident(world)
    singles = np.array(world.halves[:SINGLES], np.float32)
    timed = alternating(
        {"sweep": sweep(world), "kernel": lambda: consumed(blocks, world), "gemm": gemm(singles, world)},
    )
    timed["gemm"] *= len(world) / len(singles)
    pairs = len(world) * PROBES / 1e6
    rates = {name: pairs / seconds for name, seconds in timed.items()}
    names = {"sweep": f"sweep out of PostgreSQL, {PROBES} probes", "kernel": "the sweep's arithmetic, halves in memory"}
    return [
        beside(
            name,
            rates[method],
            "million pairs/s",
            peer="NumPy's GEMM in memory",
            peer_value=rates["gemm"],
            at_least=SWEEP_TARGET,
        )
        for method, name in names.items()
    ]


def sweep(world: World) -> Method:
    return lambda: index().sweep(list(world.probes[:, None]), at_least=[AT_LEAST] * PROBES)


def resident(world: World) -> "list[EmbeddingBlock]":
    from matching.index.sweep import EmbeddingBlock  # noqa: PLC0415

    ids = np.arange(len(world), dtype=np.int64)
    return [EmbeddingBlock(ids[at : at + BLOCK], world.halves[at : at + BLOCK]) for at in range(0, len(world), BLOCK)]


def consumed(blocks: "list[EmbeddingBlock]", world: World) -> int:
    from matching.index import int8_filter  # noqa: PLC0415

    asked = int8_filter.Int8Probes(world.probes, np.full(PROBES, AT_LEAST))
    return sum(len(found.rows) for block in blocks for found in asked.pairs(block.halves))


def gemm(singles: Rows32, world: World) -> Method:
    """The limit: the same products of resident single-precision matrices, written over and over; nothing else."""
    products = np.empty((PROBES, BLOCK), np.float32)

    def multiply() -> None:
        for start in range(0, len(singles), BLOCK):
            part = singles[start : start + BLOCK]
            np.matmul(world.probes, part.T, out=products[:, : len(part)])

    return multiply


def alternating(methods: dict[str, Method]) -> dict[str, float]:
    """Median seconds of each, one after the other, so that what disturbs one disturbs all."""
    times: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(ROUNDS):
        for name, method in methods.items():
            begun = time.perf_counter()
            method()
            times[name].append(time.perf_counter() - begun)
    return {name: median(seconds) for name, seconds in times.items()}


if __name__ == "__main__":
    main()
