"""Photos and ready embeddings into the index, through one door."""

from matching.harvest.admission import Arrival, admit, clear_leftovers, one_harvest
from matching.harvest.embedding_files import EmbeddingFile
from matching.harvest.manifest import read as read_manifest
from matching.harvest.photos import harvest as harvest_photos
from matching.harvest.ready_embeddings import harvest as harvest_embeddings

__all__ = [
    "Arrival",
    "EmbeddingFile",
    "admit",
    "clear_leftovers",
    "harvest_embeddings",
    "harvest_photos",
    "one_harvest",
    "read_manifest",
]
