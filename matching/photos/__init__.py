"""Hostile photos in, clean pixels and redacted previews out."""

from matching.decoding import HARVEST as HARVEST_LIMITS
from matching.decoding import SELFIE as SELFIE_LIMITS
from matching.photos.images import confinement as decoder_confinement
from matching.photos.images import decode, jpeg, resize, shrink
from matching.photos.images import prepare as prepare_decoder
from matching.photos.previews import preview

__all__ = [
    "HARVEST_LIMITS",
    "SELFIE_LIMITS",
    "decode",
    "decoder_confinement",
    "jpeg",
    "prepare_decoder",
    "preview",
    "resize",
    "shrink",
]
