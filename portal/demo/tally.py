"""What `make demo` found, what became of it, and whether that is what was expected: the numbers by band."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

BANDS = ("certain", "probable")


class Outcome(StrEnum):
    DELETED = "deleted"
    LEFT = "left"  # it should have gone, and a store or the index still has it
    KEPT = "kept"  # two people decided that it shows somebody else
    WAITING = "waiting"  # for two people


@dataclass(frozen=True)
class Match:
    """One harvested photo that the search found, as staff saw it before anything was decided."""

    image: str
    number: int  # its number on the pages of staff
    name: str  # relative to the folder of photos
    band: str
    similarity: float | None
    people: int  # how many of staff must agree


@dataclass
class Tally:
    """Names are relative to the folder of photos. `expected` is None where nobody said what is to be found."""

    expected: frozenset[str] | None
    strangers: frozenset[str]  # photos known to show somebody else
    matches: dict[str, Match] = field(default_factory=dict)  # by image
    kept: set[str] = field(default_factory=set)  # images that two people decided to leave
    waiting: set[str] = field(default_factory=set)  # images that nobody decided
    still_there: set[str] = field(default_factory=set)  # matched images that the index or a store still has
    never_found: set[str] = field(default_factory=set)  # names: expected, indexed and not matched
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def found(self) -> int:
        """Of what was expected, or of anything where nothing was."""
        names = {match.name for match in self.matches.values()}
        return len(names if self.expected is None else names & self.expected)

    def unfound(self) -> list[str]:
        return sorted((self.expected or frozenset()) - {match.name for match in self.matches.values()})

    def outcome(self, match: Match) -> Outcome:
        if match.image not in self.still_there:
            return Outcome.DELETED
        if match.image in self.waiting:
            return Outcome.WAITING
        is_expected = self.expected is not None and match.name in self.expected
        return Outcome.KEPT if match.image in self.kept and not is_expected else Outcome.LEFT

    def names(self, outcome: Outcome) -> list[str]:
        """Of the matches with this outcome; those left include what was expected and never found."""
        matched = {match.name for match in self.matches.values() if self.outcome(match) is outcome}
        return sorted(matched | self.never_found if outcome is Outcome.LEFT else matched)

    def mistaken(self) -> list[str]:
        """Photos of somebody else that were deleted."""
        return sorted(self.strangers.intersection(self.names(Outcome.DELETED)))

    def is_as_expected(self) -> bool:
        """Everything expected was found and is gone, nobody else was touched; with no expectation, all certain went."""
        complete = self.expected is None or not self.unfound()
        return complete and not self.names(Outcome.LEFT) and not self.mistaken()

    def by_band(self) -> dict[str, dict[str, int]]:
        """How many matched, and how many of them have each outcome."""
        return {band: _counts([m for m in self.matches.values() if m.band == band], self) for band in BANDS}

    def last_line(self) -> str:
        wanted = "?" if self.expected is None else str(len(self.expected))
        deleted, left, waiting = (
            len(self.names(outcome)) for outcome in (Outcome.DELETED, Outcome.LEFT, Outcome.WAITING)
        )
        line = f"found {self.found} of {wanted} · deleted {deleted} · left {left} · {self.seconds['all']:.1f} s"
        return f"{line} · {waiting} wait for two people" if waiting else line

    def lines_by_band(self) -> Iterable[str]:
        for band, counts in self.by_band().items():
            if counts["matched"]:
                shown = [f"{name} {count}" for name, count in counts.items() if count or name != Outcome.KEPT]
                yield f"  {band}: {' · '.join(shown)}"
        if mistaken := self.mistaken():
            yield f"  {len(mistaken)} of the deleted photos are of somebody else"

    def as_json(self, *, shown: str) -> dict[str, Any]:
        """`shown`: the folder as it was given, which every name begins with."""

        def files(names: Iterable[str]) -> list[str]:
            return [_joined(shown, name) for name in sorted(names)]

        return {
            "expected": None if self.expected is None else files(self.expected),
            "matched": [
                {
                    "file": _joined(shown, match.name),
                    "similarity": None if match.similarity is None else round(match.similarity, 4),
                    "band": match.band,
                    "outcome": str(self.outcome(match)),
                }
                for match in self.matches.values()
            ],
            **{str(outcome): files(self.names(outcome)) for outcome in Outcome},
            "mistaken": files(self.mistaken()),
            "bands": self.by_band(),
            "seconds": self.seconds,
        }


def _counts(matches: list[Match], tally: Tally) -> dict[str, int]:
    outcomes = [tally.outcome(match) for match in matches]
    return {"matched": len(matches)} | {str(outcome): outcomes.count(outcome) for outcome in Outcome}


def _joined(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}" if folder else name
