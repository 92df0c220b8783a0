"""The gallery: face embeddings in PostgreSQL or Milvus, searched exactly, all of one pack."""

from matching.index.binary_copy import LENGTH as FIELD_LENGTH
from matching.index.binary_copy import copy_in, days_since_2000
from matching.index.bound_pack import bind_pack, require_pack
from matching.index.chosen import store
from matching.index.hnsw_recall import build as build_hnsw
from matching.index.hnsw_recall import drop as drop_hnsw
from matching.index.hnsw_recall import measure as measure_recall
from matching.index.hnsw_recall import probes_near
from matching.index.int8_filter import Int8Probes
from matching.index.protocol import ELSEWHERE, FaceRows, Hit, Index, face_rows

__all__ = [
    "ELSEWHERE",
    "FIELD_LENGTH",
    "FaceRows",
    "Hit",
    "Index",
    "Int8Probes",
    "bind_pack",
    "build_hnsw",
    "copy_in",
    "days_since_2000",
    "drop_hnsw",
    "face_rows",
    "measure_recall",
    "probes_near",
    "require_pack",
    "store",
]
