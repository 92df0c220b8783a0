"""What every benchmark returns: one figure, beside what it was compared with in the same run."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    name: str
    value: float
    unit: str
    peer: str = ""  # what was measured in the same run, alternating with ours
    peer_value: float | None = None  # in the same unit
    ratio: float | None = None  # how many times as good as the peer
    target: float | None = None  # the least ratio, or the bound on the value, that was promised
    met: bool | None = None  # None: nothing was promised
    note: str = ""


def beside(
    name: str,
    value: float,
    unit: str,
    *,
    peer: str,
    peer_value: float,
    at_least: float | None = None,
    less_is_better: bool = False,
    note: str = "",
) -> Row:
    """A figure with its peer; `at_least` is the ratio promised."""
    ratio = peer_value / value if less_is_better else value / peer_value
    met = None if at_least is None else ratio >= at_least
    return Row(name, value, unit, peer, peer_value, ratio, at_least, met, note)


def alone(
    name: str,
    value: float,
    unit: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    note: str = "",
) -> Row:
    """A figure without a peer, with a bound on the value itself where one was promised."""
    met = None if at_least is None and at_most is None else True
    if at_least is not None:
        met = value >= at_least
    if at_most is not None:
        met = bool(met) and value <= at_most
    return Row(name, value, unit, target=at_least if at_most is None else at_most, met=met, note=note)


def median(values: Sequence[float]) -> float:
    """Of five runs at least: fewer say too little on a machine that others use."""
    if len(values) < 5:
        raise ValueError(f"{len(values)} runs are too few for a median.")
    return statistics.median(values)
