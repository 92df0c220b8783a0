"""The one pack whose embeddings the index holds."""

from matching.errors import PackError
from matching.faces import Pack, chosen_pack
from matching.models import IndexPack


def require_pack() -> Pack:
    """The chosen pack. Errors: PackError, if it is unusable or the index holds embeddings of another pack."""
    chosen = chosen_pack()
    held = IndexPack.objects.first()
    if held is not None and held.recogniser != chosen.recogniser_sha256:
        raise PackError(
            f"The index holds embeddings of the pack {held.name}, but PACK is {chosen.info.name}:"
            " set PACK back, or harvest anew into an empty index."
        )
    return chosen


def bind_pack() -> Pack:
    """The chosen pack; an empty index is bound to it from now on. Errors: PackError."""
    chosen = require_pack()
    IndexPack.objects.get_or_create(
        defaults={"name": chosen.info.name, "recogniser": chosen.recogniser_sha256, "dim": chosen.info.dim}
    )
    return chosen
