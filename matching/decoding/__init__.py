"""The confined child that turns hostile bytes into pixels, and the protocol it speaks.

It imports nothing of the other rooms, so that the child stays small and starts fast.
"""

from matching.decoding.frames import ANSWER, FAULT, FAULTS, GREETING, PIXELS, QUESTION, SEE_THROUGH, Confinement
from matching.decoding.limits import HARVEST, SELFIE, Limits
from matching.decoding.parsing import BEGINNING, kind_of, scaled

__all__ = [
    "ANSWER",
    "BEGINNING",
    "FAULT",
    "FAULTS",
    "GREETING",
    "HARVEST",
    "PIXELS",
    "QUESTION",
    "SEE_THROUGH",
    "SELFIE",
    "Confinement",
    "Limits",
    "kind_of",
    "scaled",
]
