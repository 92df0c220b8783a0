"""Whether a model in ONNX keeps some of its numbers in other files, which no checksum of it covers."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from matching.errors import PackError


@dataclass
class Message:
    """Of onnx.proto3: by field number, the messages in which a tensor may lie."""

    name: str
    within: "dict[int, Message]" = field(default_factory=dict)


TENSOR = Message("TensorProto")
SPARSE = Message("SparseTensorProto", {1: TENSOR, 2: TENSOR})
GRAPH = Message("GraphProto", {5: TENSOR, 15: SPARSE})
ATTRIBUTE = Message("AttributeProto", {5: TENSOR, 6: GRAPH, 10: TENSOR, 11: GRAPH, 22: SPARSE, 23: SPARSE})
NODE = Message("NodeProto", {5: ATTRIBUTE})
GRAPH.within[1] = NODE
FUNCTION = Message("FunctionProto", {7: NODE, 11: ATTRIBUTE})
TRAINING = Message("TrainingInfoProto", {1: GRAPH, 2: GRAPH})
MODEL = Message("ModelProto", {7: GRAPH, 20: TRAINING, 25: FUNCTION})

EXTERNAL_DATA, DATA_LOCATION = 13, 14  # fields of TensorProto
DEEPEST = 64  # graphs within graphs
VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5  # how a value lies in the file


class Damaged(Exception):
    """These bytes are no protocol buffer."""


def refuse_external_data(name: str, content: bytes) -> None:
    """Errors: PackError."""
    try:
        outside = has_external_data(memoryview(content), MODEL, DEEPEST)
    except Damaged:
        raise PackError(f"The file {name} is no model in ONNX.") from None
    if outside:
        raise PackError(f"The model {name} keeps data in other files, which is not taken: store it as one file.")


def has_external_data(content: memoryview, message: Message, depth: int) -> bool:
    if depth == 0:
        raise Damaged
    for number, value in fields(content):
        if message is TENSOR and number == EXTERNAL_DATA:
            return True
        if message is TENSOR and number == DATA_LOCATION and value != 0:
            return True
        inner = message.within.get(number)
        if inner is not None and isinstance(value, memoryview) and has_external_data(value, inner, depth - 1):
            return True
    return False


def fields(content: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each; values of fixed width, in which nothing is nested, as 0."""
    at = 0
    while at < len(content):
        key, at = varint(content, at)
        number, kind = key >> 3, key & 7
        value: int | memoryview = 0
        if kind == VARINT:
            value, at = varint(content, at)
        elif kind == LENGTH:
            length, at = varint(content, at)
            value, at = content[at : at + length], at + length
        elif kind in (EIGHT_BYTES, FOUR_BYTES):
            at += 8 if kind == EIGHT_BYTES else 4
        else:
            raise Damaged
        if at > len(content) or number == 0:
            raise Damaged
        yield number, value


def varint(content: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(content):
            raise Damaged
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
    raise Damaged
