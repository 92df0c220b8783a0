"""What parent and child say to each other, over one socket, in turns.

The child greets with one JSON object, before it has read anything. A question is the reduced side and the number of
bytes that follow. An answer is a kind, then the width and height of the pixels that follow, or which fault it is. The
parent believes none of it: whatever is out of bounds counts as a broken child.
"""

import struct
from dataclasses import dataclass

GREETING = struct.Struct(">H")  # length of the JSON that follows
QUESTION = struct.Struct(">II")  # longest side (0: as it is), bytes
ANSWER = struct.Struct(">BII")  # kind, width, height (of pixels) or number of the fault, 0
PIXELS, FAULT, SEE_THROUGH = 1, 2, 3  # the last: pixels of a picture of which a good part cannot be seen
FAULTS = (
    "not_an_image",
    "unsupported",
    "animated",
    "truncated",
    "damaged",
    "transparent",
    "too_small",
    "too_big",
    "too_many_pixels",
    "too_much_work",
)


@dataclass(frozen=True)
class Confinement:
    """What holds the child, as it found by trying after it was confined and before it read a byte of anyone's."""

    network: str  # "filter", "namespace", "filter and namespace" or "" for nothing
    files: str  # "filter", "account and limits" or "limits"
    memory: bool

    @property
    def is_filtered(self) -> bool:
        """Whether the kernel refuses it every call that could reach a network or a file."""
        return "filter" in self.network and self.files == "filter"
