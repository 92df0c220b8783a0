"""Searches of one or many cases, and their expansion from confirmed matches."""

from matching.search.exact_search import alike, index_size, operator_search, same_person, sweep, thresholds_for_index
from matching.search.expansion import embeddings_of

__all__ = [
    "alike",
    "embeddings_of",
    "index_size",
    "operator_search",
    "same_person",
    "sweep",
    "thresholds_for_index",
]
