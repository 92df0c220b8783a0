"""Finds the rows that are similar enough to probes: proposes pairs in eight bits, then decides them in doubles.

A row a is s·q + e: q whole numbers, s its scale, e what rounding took. For two such rows

    a·b − s_a s_b (q_a·q_b)  =  e_a·b + (a − e_a)·e_b

which is at most |e_a||b| + (|a| + |e_a|)|e_b| (Cauchy and Schwarz). So no pair at or above the threshold is missed if
every pair within that bound of the threshold is proposed. A pair that is proposed in vain costs time alone. Products of
whole numbers are exact, and processors with instructions for them (VNNI, Arm's dot product) compute them several times
as fast as products in single precision.
"""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.faces import session_options
from matching.index import exact
from matching.types import Embeddings

Halves = NDArray[np.float16]  # (n, dim), rows of unit length
PairMask = NDArray[np.bool_]  # (n, probes)

TILE = 512  # rows at a time: they, their whole numbers and the products stay in a core's own cache
MANY = 1 / 64  # of a tile's pairs, proposed, from which on single precision is asked before each of them is decided
PAIRS = 8192  # decided at a time: the rows of both are gathered for it
# Of a row, seven bits: without VNNI two neighbouring products are summed in sixteen, 2 · 127 · 127 < 2^15. Probes have
# eight.
ROW_LIMIT, ZERO, PROBE_LIMIT = 63, 64, 127
LONGEST = 1.01  # a row of unit length, once it is rounded to halves
ROUNDED = 1.001  # a number that lay just beside the middle between two whole ones was divided in single precision


@dataclass(frozen=True)
class Pairs:
    rows: NDArray[np.intp]  # (n,)
    probes: NDArray[np.intp]  # (n,)
    similarities: NDArray[np.float64]  # (n,), as `exact` has them


class Int8Probes:
    """Probes (p, dim), each with its own threshold (p,), prepared for comparison with many rows."""

    def __init__(self, probes: Embeddings, at_least: NDArray[np.float64]) -> None:
        finite: NDArray[np.bool_] = np.all(np.isfinite(probes), axis=1)
        self._probes, self._at_least = probes, at_least
        self._proposed_from = np.where(
            finite, at_least, -np.inf
        )  # probes with NaN propose everything; the decision leaves them out
        doubles = np.where(finite[:, None], probes, 0).astype(np.float64)
        self._scales = np.abs(doubles).max(axis=1, initial=0.0) / PROBE_LIMIT
        self._scales[self._scales == 0] = 1.0
        whole = np.rint(doubles / self._scales[:, None])
        self._numbers = np.ascontiguousarray(whole.T, np.int8)
        self._lengths = np.linalg.norm(doubles, axis=1)
        self._missing = np.linalg.norm(doubles - whole * self._scales[:, None], axis=1)

    def pairs(self, rows: Halves | Embeddings) -> Iterator[Pairs]:
        """Every pair at or above its probe's threshold, in no order. `rows` are (n, dim), of unit length."""
        for start in range(0, len(rows), TILE):
            tile = rows[start : start + TILE]
            near = self.propose(tile)
            if proposed := np.count_nonzero(near):
                if proposed > MANY * near.size:
                    near &= self._in_single_precision(tile)
                yield from self._decide(tile, near, start)

    def propose(self, tile: Halves | Embeddings) -> PairMask:
        """(n, p): every pair at or above its probe's threshold, and some below."""
        scale = np.float32(largest_magnitude(tile) / ROW_LIMIT) or np.float32(1)
        if not np.isfinite(scale):
            return np.ones((len(tile), len(self._at_least)), np.bool_)
        given = {"rows": tile, "scale": np.array(scale), "probes": self._numbers}
        (products,) = multiplier(tile.dtype.name).run(None, given)
        near: PairMask = products >= self._floors(float(scale))
        return near

    def _floors(self, scale: float) -> NDArray[np.int32]:
        missing = ROUNDED * scale / 2 * sqrt(len(self._numbers))
        rounding_slack = missing * self._lengths + (LONGEST + missing) * self._missing
        exactly = np.floor((self._proposed_from - rounding_slack) / (scale * self._scales))
        bounds = np.iinfo(np.int32)
        floors: NDArray[np.int32] = np.clip(exactly, bounds.min, bounds.max).astype(np.int32)
        return floors

    def _in_single_precision(self, tile: Halves | Embeddings) -> PairMask:
        """The same as `near`, in single precision: slower, and nearly exact."""
        floors = (self._at_least - exact.rounding_slack(tile.shape[1])).astype(np.float32)
        floors = np.nextafter(floors, np.float32(-2))  # a bound that was rounded up would lose pairs
        near: PairMask = tile.astype(np.float32, copy=False) @ self._probes.T >= floors
        return near

    def _decide(self, tile: Halves | Embeddings, near: PairMask, start: int) -> Iterator[Pairs]:
        rows, probes = np.nonzero(near)
        for first in range(0, len(rows), PAIRS):
            row, probe = rows[first : first + PAIRS], probes[first : first + PAIRS]
            gathered = tile[row].astype(np.float64), self._probes[probe].astype(np.float64)
            similarities = np.einsum("nd,nd->n", *gathered)
            enough = similarities >= self._at_least[probe]
            yield Pairs(start + row[enough], probe[enough], similarities[enough])


def largest_magnitude(rows: Halves | Embeddings) -> float:
    """The largest absolute value; infinite or NaN if one of the numbers is."""
    if rows.dtype == np.float16:  # compared by their bits, which have the same order, because NumPy is slow with halves
        bits = rows.view(np.int16) & np.int16(0x7FFF)
        return float(bits.max(initial=0).view(np.float16))
    return float(max(rows.max(initial=0), -rows.min(initial=0)))


@cache
def multiplier(dtype: str) -> Any:
    """A session that rounds rows of this type to whole numbers and multiplies them with those of probes."""
    onnx, onnxruntime = importlib.import_module("onnx"), importlib.import_module("onnxruntime")
    make, kind = onnx.helper, onnx.TensorProto
    inputs = {
        "rows": (kind.FLOAT16 if dtype == "float16" else kind.FLOAT, ["n", "dim"]),
        "scale": (kind.FLOAT, []),
        "probes": (kind.INT8, ["dim", "p"]),
    }
    graph = make.make_graph(
        [
            make.make_node("Cast", ["rows"], ["singles"], to=kind.FLOAT),
            make.make_node("QuantizeLinear", ["singles", "scale", "zero"], ["whole"]),
            make.make_node("MatMulInteger", ["whole", "probes", "zero"], ["products"]),
        ],
        "products",
        [make.make_tensor_value_info(name, *shape) for name, shape in inputs.items()],
        [make.make_tensor_value_info("products", kind.INT32, ["n", "p"])],
        [make.make_tensor("zero", kind.UINT8, [], [ZERO])],
    )
    opsets = [make.make_opsetid("", 17)]
    model = make.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
    return onnxruntime.InferenceSession(model, session_options(onnxruntime), providers=["CPUExecutionProvider"])
