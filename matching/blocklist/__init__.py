"""Sealed templates of people who are kept out, and the screening of newly harvested faces against them."""

from matching.blocklist.blocks import NOTE as BLOCK_NOTE
from matching.blocklist.blocks import Content as BlockContent
from matching.blocklist.blocks import accept_dormant as accept_dormant_blocks
from matching.blocklist.blocks import counts as block_counts
from matching.blocklist.blocks import end_exemption, exempt, in_force_among, revoked_since, use_sealer
from matching.blocklist.blocks import make as make_block
from matching.blocklist.blocks import refused as photos_kept_out_by
from matching.blocklist.blocks import replay_note as replay_block_note
from matching.blocklist.blocks import revoke as revoke_block
from matching.blocklist.blocks import unreadable as unreadable_blocks
from matching.blocklist.screening import ListChanged, screen
from matching.blocklist.screening import current as current_screening
from matching.blocklist.screening import opened as screen_opened

__all__ = [
    "BLOCK_NOTE",
    "BlockContent",
    "ListChanged",
    "accept_dormant_blocks",
    "block_counts",
    "current_screening",
    "end_exemption",
    "exempt",
    "in_force_among",
    "make_block",
    "photos_kept_out_by",
    "replay_block_note",
    "revoke_block",
    "revoked_since",
    "screen",
    "screen_opened",
    "unreadable_blocks",
    "use_sealer",
]
