"""Erasing for good: tombstones, purging, residue on disk, canaries."""

from matching.erasure.canaries import plant as plant_canaries
from matching.erasure.images import erase, hide, present, searchable, unhide
from matching.erasure.purging import purge, unpurged
from matching.erasure.tombstones import (
    Verb,
    is_behind,
    require_replayed,
    use_note_replayer,
    use_replay_hooks,
    write_notes,
)
from matching.erasure.tombstones import record as record_tombstones
from matching.erasure.tombstones import replay as replay_tombstones

__all__ = [
    "Verb",
    "erase",
    "hide",
    "is_behind",
    "plant_canaries",
    "present",
    "purge",
    "record_tombstones",
    "replay_tombstones",
    "require_replayed",
    "searchable",
    "unhide",
    "unpurged",
    "use_note_replayer",
    "use_replay_hooks",
    "write_notes",
]
