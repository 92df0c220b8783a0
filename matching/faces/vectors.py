"""Arithmetic on embeddings that the recognisers and the index share."""

import numpy as np

from matching.types import Embeddings


def unit(rows: Embeddings) -> Embeddings:
    """Each row at length 1, so that the inner product of two is their cosine."""
    normal: Embeddings = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return normal
