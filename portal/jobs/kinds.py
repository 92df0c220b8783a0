"""What each kind of job does, handed in by `operations`: the one place that knows every kind."""

from collections.abc import Callable

Work = Callable[[str], None]
_work: dict[str, Work] = {}


class UnknownKind(Exception):
    """Nobody carries out a job of this name. In a rolling upgrade, an older process may not know a newer kind."""


def register(kinds: dict[str, Work]) -> None:
    _work.update(kinds)


def forget(*names: str) -> None:
    for name in names:
        _work.pop(name, None)


def work(kind: str) -> Work:
    """Errors: UnknownKind."""
    try:
        return _work[kind]
    except KeyError:
        raise UnknownKind(kind) from None
