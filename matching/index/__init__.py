"""Which index holds the faces. Today the one in PostgreSQL."""

from matching.index.base import Index
from matching.index.pgvector import PgVector


def store() -> Index:
    return PgVector()
