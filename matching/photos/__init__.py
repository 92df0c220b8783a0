"""Hostile photos in, clean pixels and redacted previews out."""

from matching.decoding import BEGINNING as BEGINNING
from matching.decoding import HARVEST as HARVEST_LIMITS
from matching.decoding import SELFIE as SELFIE_LIMITS
from matching.photos.images import confinement as decoder_confinement
from matching.photos.images import decode, fault_of_beginning, jpeg, resize, shrink
from matching.photos.images import picture as decode_picture
from matching.photos.images import prepare as prepare_decoder
from matching.photos.previews import preview

__all__ = [
    "BEGINNING",
    "HARVEST_LIMITS",
    "SELFIE_LIMITS",
    "decode",
    "decode_picture",
    "decoder_confinement",
    "fault_of_beginning",
    "jpeg",
    "prepare_decoder",
    "preview",
    "resize",
    "shrink",
]
