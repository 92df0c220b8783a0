"""Searches of one or many cases, and their expansion from confirmed matches."""

from matching.search.exact_search import alike, bands, index_size, operator_search, same_person, sweep
from matching.search.expansion import embeddings_of

__all__ = [
    "alike",
    "bands",
    "embeddings_of",
    "index_size",
    "operator_search",
    "same_person",
    "sweep",
]
