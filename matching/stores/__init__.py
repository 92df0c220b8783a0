"""Where the bytes of photos lie: files, S3 and what fsspec reaches."""

from matching.stores.blobs import UPRIGHT
from matching.stores.blobs import store as blob_store

__all__ = [
    "UPRIGHT",
    "blob_store",
]
