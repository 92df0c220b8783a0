"""What can go wrong in matching, for whoever uses it."""

from matching.types import PhotoFault


class PhotoRejected(Exception):
    """The photo cannot be used; the fault says why and nothing about what it shows."""

    def __init__(self, fault: PhotoFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class Busy(Exception):
    """Everything that could read this photo is reading another; nothing was kept, and a moment later it may work."""


class PackError(Exception):
    """The pack cannot be used; the message is one sentence an operator can act on."""


class Unconfined(PackError):
    """A photo would be decoded where one made to take the decoder over could reach more than its own memory."""


class IndexUnusable(PackError):
    """Nor can the index that was chosen: said wherever a fault of the pack is said."""


class IndexAway(IndexUnusable, OSError):
    """It does not answer now: a store that fails like a disk, to be tried again."""


class IndexBehind(Exception):
    """The index comes from a backup, and what was hidden or erased since has not been done again yet."""


class HarvestRunning(Exception):
    """Another harvest of this index has not ended."""


class HarvestRefused(Exception):
    """The block list cannot be asked as it must be; the message is one sentence an operator can act on."""


class OutsideHarvest(Exception):
    """The block list was asked by something that is no harvest."""


class BadTable(Exception):
    """A table cannot be read as a whole; the message is one sentence an operator can act on."""


class BadEmbeddings(BadTable):
    """So cannot a file of ready embeddings."""


class NotAllTaken(Exception):
    """Entries that were handed in could not be taken; all others were."""

    def __init__(self, count: int, entries: str) -> None:
        super().__init__(
            f"Not taken: {count:,} of the {entries}; all others were. Mend what is named above and run the same command"
            " again; nothing is taken twice."
        )


class ReaderDied(Exception):
    """A process that reads photos was killed; what was stored before is whole."""
