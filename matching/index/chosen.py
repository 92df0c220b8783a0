"""Which index holds the faces: PostgreSQL, or what the setting INDEX names."""

from django.conf import settings

from matching.errors import IndexUnusable
from matching.index.milvus import Milvus
from matching.index.pgvector import PgVector
from matching.index.protocol import Index

KINDS: dict[str, type[Index]] = {"postgresql": PgVector, "milvus": Milvus}


def store() -> Index:
    """The chosen index. Errors: IndexUnusable, if INDEX names no kind of index."""
    name = settings.MATCHING["INDEX"]
    if name not in KINDS:
        raise IndexUnusable(f"INDEX is {name}, but must be one of {', '.join(KINDS)}.")
    return KINDS[name]()
