"""Tables that people hand in, read exactly: what cannot be read is named by its place, and the rest is read on."""

from matching.tables.columns import (
    Column,
    Kind,
    Refused,
    day_column,
    decimal,
    id_column,
    instant_column,
    text_column,
)
from matching.tables.reading import Batch, Table, open_table, rows_of

__all__ = [
    "Batch",
    "Column",
    "Kind",
    "Refused",
    "Table",
    "day_column",
    "decimal",
    "id_column",
    "instant_column",
    "open_table",
    "rows_of",
    "text_column",
]
