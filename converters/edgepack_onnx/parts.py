"""What an ONNX file's bytes are for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "TreeEnsemble": "trees",
        "TreeEnsembleRegressor": "trees",
        "TreeEnsembleClassifier": "trees",
        "LabelEncoder": "tables",
    }
)
"""The ops whose attributes are a model's numbers and words."""

GRAPH, NODE, INITIALIZER, OP_TYPE = 7, 1, 5, 4
"""Field numbers of ModelProto, GraphProto (twice) and NodeProto. Source: onnx.proto."""


def parts(path: Path) -> dict[str, int]:
    """Bytes of the file by what they hold: each kind of operator with its attributes, and the constants beside them.

    They are counted where they stand: written anew by `onnx`, the same graph has another size.
    """
    data = memoryview(path.read_bytes())
    found: Counter[str] = Counter()
    for number, graph in _fields(data):
        if number == GRAPH:
            for kind, content in _fields(graph):
                if kind == NODE:
                    op = next((bytes(text).decode() for field, text in _fields(content) if field == OP_TYPE), "?")
                    found[f"{op} operators"] += len(content)
                elif kind == INITIALIZER:
                    found["constants"] += len(content)
    return dict(found)


def sections(path: Path) -> dict[str, bytes]:
    """What a file says of `weights` (constants), `trees`, `tables` (categories) and, all that is left, its `graph`."""
    found: dict[str, list[memoryview]] = {"weights": [], "trees": [], "tables": [], "graph": []}
    for number, content in _fields(memoryview(path.read_bytes())):
        if number != GRAPH:
            found["graph"].append(content)
            continue
        for kind, part in _fields(content):
            texts = (
                bytes(text).decode() for field, text in (_fields(part) if kind == NODE else ()) if field == OP_TYPE
            )
            op = next(texts, "")
            section = "weights" if kind == INITIALIZER else SECTIONS.get(op, "graph")
            found[section].append(part)
    return {name: b"".join(parts) for name, parts in found.items()}


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields of a message that have a length, with their numbers. Source: protobuf's wire format."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        match tag & 7:
            case 0:
                _, at = _varint(data, at)
            case 1:
                at += 8
            case 5:
                at += 4
            case _:
                size, at = _varint(data, at)
                yield tag >> 3, data[at : at + size]
                at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
