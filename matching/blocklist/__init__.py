"""Sealed templates of people who are kept out, and the screening of newly harvested faces against them."""

from matching.blocklist.blocks import NOTE as BLOCK_NOTE
from matching.blocklist.blocks import (
    BlockContent,
    accept_dormant,
    active_among,
    end_exemption,
    exempt,
    photos_kept_out_by,
    revoked_since,
    unreadable_blocks,
    use_sealer,
)
from matching.blocklist.blocks import counts as block_counts
from matching.blocklist.blocks import make as make_block
from matching.blocklist.blocks import replay_note as replay_block_note
from matching.blocklist.blocks import revoke as revoke_block
from matching.blocklist.screening import ListChanged, current_screen, open_screen, screen

__all__ = [
    "BLOCK_NOTE",
    "BlockContent",
    "ListChanged",
    "accept_dormant",
    "active_among",
    "block_counts",
    "current_screen",
    "end_exemption",
    "exempt",
    "make_block",
    "open_screen",
    "photos_kept_out_by",
    "replay_block_note",
    "revoke_block",
    "revoked_since",
    "screen",
    "unreadable_blocks",
    "use_sealer",
]
