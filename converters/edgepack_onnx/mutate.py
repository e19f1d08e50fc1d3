"""Mistakes to plant in an ONNX file: what an emitter, a quantizer or a hand could get wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgepack.contract import Interface, Mutant
from edgepack.ir.types import Array

SPLITS = ("nodes_splits", "nodes_values", "nodes_values_as_tensor")
LEAVES = ("leaf_weights", "target_weights", "target_weights_as_tensor", "class_weights", "class_weights_as_tensor")
TRACKS = "nodes_missing_value_tracks_true"
CHANGE = 1e-3
MAGNIFIED = 2**20

Edit = Callable[[Any], None]
"""Changes a GraphProto, or a node of it."""
Planned = tuple[str, str, Edit, Edit | None]
"""Kind, place, the mistake, and the same one magnified."""


def mutants(path: Path, interface: Interface, *, each: int, seed: int) -> list[Mutant]:
    """Up to `each` mistakes of every kind that the file has a place for; the same seed chooses the same."""
    import onnx

    model = onnx.load(path)
    rng = np.random.default_rng(seed)
    by_kind: dict[str, list[Planned]] = {}
    for planned in _edits(model.graph, rng, each):
        by_kind.setdefault(planned[0], []).append(planned)
    found = []
    for edits in by_kind.values():
        for k in rng.permutation(len(edits))[:each].tolist():
            kind, place, edit, larger = edits[k]
            magnified = None if larger is None else _Planted(model, larger)
            found.append(Mutant(kind=kind, place=place, plant=_Planted(model, edit), magnified=magnified))
    return found


@dataclass(frozen=True, slots=True)
class _Planted:
    model: Any
    edit: Edit

    def __call__(self, path: Path) -> None:
        import onnx

        changed = onnx.ModelProto()
        changed.CopyFrom(self.model)
        self.edit(changed.graph)
        onnx.save(changed, path)


def _edits(graph: Any, rng: np.random.Generator, each: int) -> Iterator[Planned]:
    for n, node in enumerate(graph.node):
        if node.op_type.startswith("TreeEnsemble"):
            yield from _of_trees(node, n, rng, each)
        elif node.op_type == "LabelEncoder":
            yield from _of_lookup(node, n, rng, each)
        elif node.op_type == "ArgMax":
            yield "labels", f"ArgMax {n}", _in_node(n, lambda node: setattr(node, "op_type", "ArgMin")), None
    answers = {node.input[0] for node in graph.node if node.op_type == "GatherElements"}
    for k, tensor in enumerate(graph.initializer):
        yield from (_of_answers if tensor.name in answers else _of_constant)(tensor, k, rng, each)
    for k, output in enumerate(graph.output):
        yield "output name", output.name, _renamed(k), None


def _of_trees(node: Any, n: int, rng: np.random.Generator, each: int) -> Iterator[Planned]:
    values = {a.name: _read(a) for a in node.attribute}
    asks = np.flatnonzero([mode != b"LEAF" for mode in values["nodes_modes"]])  # ai.onnx.ml 5 keeps leaves apart
    for name in SPLITS:
        if name in values:
            for k in rng.permutation(asks)[:each].tolist():
                below = _float32_below(values[name][k])
                for way, side in ((np.inf, "up"), (-np.inf, "down")):
                    moved = float(np.nextafter(below, np.float32(way)))
                    yield "threshold", f"{name}[{k}] one ulp {side}", _in_node(n, _Set(name, k, moved)), None
    for k in rng.permutation(asks)[:each].tolist():
        tracks = values.get(TRACKS, [0] * len(values["nodes_featureids"]))
        yield "missing", f"{TRACKS}[{k}]", _in_node(n, _Set(TRACKS, k, 1 - int(tracks[k]), len(tracks))), None
    for name in LEAVES:
        if name not in values:
            continue
        weights = np.asarray(values[name], np.float64)
        rows = bool(np.all(weights == np.floor(weights)) and weights.max(initial=0) > 1)  # numbers of a table's rows
        for k in rng.permutation(len(weights))[:each].tolist():
            at, old = f"{name}[{k}]", np.asarray(values[name])[k]
            if rows:
                yield "leaf", at, _in_node(n, _Set(name, k, weights[k] + (1 if weights[k] == 0 else -1))), None
                continue
            yield "leaf", at, _in_node(n, _Set(name, k, weights[k] + CHANGE * max(abs(weights[k]), 1.0))), None
            step = float(np.spacing(old))
            magnified = _in_node(n, _Set(name, k, weights[k] + MAGNIFIED * step))
            yield "last bits", at, _in_node(n, _Set(name, k, weights[k] + step)), magnified


def _of_lookup(node: Any, n: int, rng: np.random.Generator, each: int) -> Iterator[Planned]:
    for attribute in node.attribute:
        if attribute.name.startswith("values_"):
            values = np.asarray(_read(attribute))
            for _ in range(each if len(np.unique(values)) > 1 else 0):
                a = int(rng.integers(len(values)))
                b = int(rng.choice(np.flatnonzero(values != values[a])))
                place = f"{attribute.name}[{a}] and [{b}] of LabelEncoder {n}"
                yield "category", place, _in_node(n, _Swap(attribute.name, a, b)), None


def _of_answers(tensor: Any, k: int, rng: np.random.Generator, each: int) -> Iterator[Planned]:
    """A word's answer in one column becomes another word's."""
    from onnx import numpy_helper

    value = numpy_helper.to_array(tensor)
    for at in rng.permutation(value.size)[:each].tolist():
        column, old = value[:, at % value.shape[1]], value.flat[at]
        if len(others := np.flatnonzero((column != old) & ~(np.isnan(column) & np.isnan(old)))):
            other = int(rng.choice(others))
            yield "table", f"{tensor.name}[{at}] as of word {other}", _constant(k, at, column[other]), None


def _of_constant(tensor: Any, k: int, rng: np.random.Generator, each: int) -> Iterator[Planned]:
    from onnx import numpy_helper

    value = numpy_helper.to_array(tensor)
    if value.dtype.kind == "f":
        for at in rng.permutation(value.size)[:each].tolist():
            old = value.flat[at]
            if not np.isfinite(old):
                continue
            place, step = f"{tensor.name}[{at}]", np.spacing(old)
            moved = old + value.dtype.type(CHANGE * max(abs(float(old)), CHANGE))
            yield "weight", place, _constant(k, at, moved), None
            yield "last bits", place, _constant(k, at, old + step), _constant(k, at, old + MAGNIFIED * step)
    elif value.dtype.kind in "OSU" and len(value) > 1:
        yield "labels", f"{tensor.name} reversed", lambda graph: _put(graph.initializer[k], value[::-1]), None


@dataclass(frozen=True, slots=True)
class _Set:
    """One number of an attribute; one that is not there is made of zeros."""

    name: str
    at: int
    value: float
    length: int = 0

    def __call__(self, node: Any) -> None:
        from onnx import helper

        attribute = next((a for a in node.attribute if a.name == self.name), None)
        if attribute is None:
            node.attribute.append(helper.make_attribute(self.name, [0] * self.length))
            attribute = node.attribute[-1]
        values = np.array(_read(attribute))
        values[self.at] = self.value
        _write(attribute, values)


@dataclass(frozen=True, slots=True)
class _Swap:
    """Two numbers of an attribute."""

    name: str
    a: int
    b: int

    def __call__(self, node: Any) -> None:
        attribute = next(a for a in node.attribute if a.name == self.name)
        values = np.array(_read(attribute))
        values[[self.a, self.b]] = values[[self.b, self.a]]
        _write(attribute, values)


def _in_node(n: int, edit: Edit) -> Edit:
    return lambda graph: edit(graph.node[n])


def _constant(k: int, at: int, moved: Any) -> Edit:
    def edit(graph: Any) -> None:
        from onnx import numpy_helper

        value = numpy_helper.to_array(graph.initializer[k]).copy()
        value.flat[at] = moved
        _put(graph.initializer[k], value)

    return edit


def _renamed(k: int) -> Edit:
    def edit(graph: Any) -> None:
        old = graph.output[k].name
        for node in graph.node:
            for side in (node.input, node.output):
                for i, name in enumerate(side):
                    side[i] = f"{old}_" if name == old else name
        graph.output[k].name = f"{old}_"

    return edit


def _put(tensor: Any, value: Array) -> None:
    from onnx import numpy_helper

    tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))


def _read(attribute: Any) -> Any:
    """A list, or an array for a tensor."""
    from onnx import TensorProto, helper, numpy_helper

    value = helper.get_attribute_value(attribute)
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value


def _write(attribute: Any, values: Array) -> None:
    from onnx import AttributeProto

    match attribute.type:
        case AttributeProto.TENSOR:
            _put(attribute.t, values)
        case AttributeProto.INTS:
            attribute.ints[:] = values.astype(np.int64).tolist()
        case AttributeProto.FLOATS:
            attribute.floats[:] = values.tolist()
        case _:
            attribute.strings[:] = values.tolist()


def _float32_below(threshold: float) -> np.float32:
    """The last float32 that goes left."""
    with np.errstate(over="ignore"):
        near = np.float32(threshold)
    return near if near <= threshold else np.nextafter(near, np.float32(-np.inf))
