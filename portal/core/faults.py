"""Why a verb did nothing. Each surface turns these into a sentence that says what to do."""


class NothingDone(Exception):
    """The base of all of these. Nothing was changed; whoever began the transaction rolls it back."""


class NotAllowed(NothingDone):
    """The rules forbid it: the proof is too weak, or another person must do it."""


class IllegalMove(NotAllowed):
    """The table of legal moves has no such move."""


class Stale(NothingDone):
    """Another writer was quicker: the row is no longer in the state that was read."""
