"""Face packs: their model files, detection, embedding, quality, presentation attack detection; the faces of a photo.

Imports no Django models: the processes that read photos for a harvest have no app registry.
"""

from matching.faces.find_faces import Reading, read_selfie
from matching.faces.onnx_sessions import options as session_options
from matching.faces.packs import Pack
from matching.faces.packs import chosen as chosen_pack
from matching.faces.packs import fetch as fetch_pack
from matching.faces.packs import folder as packs_folder
from matching.faces.packs import pin as pin_pack
from matching.faces.vectors import unit
from matching.faces.workers import WORTH_A_POOL
from matching.faces.workers import read as read_photo
from matching.faces.workers import workers as photo_readers

__all__ = [
    "WORTH_A_POOL",
    "Pack",
    "Reading",
    "chosen_pack",
    "fetch_pack",
    "packs_folder",
    "photo_readers",
    "pin_pack",
    "read_photo",
    "read_selfie",
    "session_options",
    "unit",
]
