"""One store and a batch of images: which it dealt with, and which it failed at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from portal.takedowns.connectors.base import BatchConnector, Connector, Erasure, StoreError

# So many images in a row that a store fails at mean that it is away: the rest of the batch is not tried on it.
AWAY = 3
LIED = StoreError("still there after it was removed", permanent=False)


@dataclass
class Outcome:
    done: set[Erasure] = field(default_factory=set)
    failed: dict[Erasure, StoreError] = field(default_factory=dict)


def remove(connector: Connector, erasures: Sequence[Erasure]) -> Outcome:
    if isinstance(connector, BatchConnector):
        try:
            connector.remove_many(erasures)
            return Outcome(done=set(erasures))
        except StoreError:
            pass  # one by one it shows which of them fail
    return _one_by_one(lambda erasure: connector.remove(erasure), erasures)


def read_back(connector: Connector, erasures: Sequence[Erasure]) -> Outcome:
    """Done: those of which nothing is left. Failed as well: those that the store said it removed and still has."""
    if isinstance(connector, BatchConnector):
        try:
            return _without(connector.present_many(erasures), Outcome(done=set(erasures)))
        except StoreError:
            pass
    left: set[Erasure] = set()

    def look(erasure: Erasure) -> None:
        if connector.present(erasure):
            left.add(erasure)

    return _without(left, _one_by_one(look, erasures))


def _without(left: set[Erasure] | frozenset[Erasure], outcome: Outcome) -> Outcome:
    return Outcome(outcome.done - left, outcome.failed | dict.fromkeys(left, LIED))


def _one_by_one(do: Callable[[Erasure], None], erasures: Sequence[Erasure]) -> Outcome:
    outcome = Outcome()
    failures: list[StoreError] = []  # in a row
    for erasure in erasures:
        try:
            if len(failures) == AWAY:
                raise failures[-1]
            do(erasure)
        except StoreError as error:
            outcome.failed[erasure] = error
            failures = [] if error.permanent else [*failures, error][:AWAY]
        else:
            outcome.done.add(erasure)
            failures = []
    return outcome
