"""A file read back: the trees that it holds, over the interface's inputs.

Only the graphs that `forest`, `lookups` and the links write are recognised, node by node and attribute by attribute;
of anything else nothing is said. NaN goes along the true branch where `nodes_missing_value_tracks_true` says so or the
comparison itself holds (NaN differs from every number), as in ONNX's reference evaluator and in ONNX Runtime.

Source: https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md#ai.onnx.ml.TreeEnsemble
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from edgepack.contract import Interface
from edgepack.errors import UsageError
from edgepack.ir.decisions import Decisions, Feature
from edgepack.ir.ops import Lookup
from edgepack.ir.types import Array, Floats
from edgepack_onnx.ensemble_read import Unrecognised, forest_of, unturn
from edgepack_onnx.graph import OPSET
from edgepack_onnx.labels import are_positions, artifact_labels
from edgepack_onnx.proto import DOUBLE, FLOAT, INT64, STRING
from edgepack_onnx.table import are_float32

Link = Literal["identity", "complement", "sigmoid", "softmax", "exp"]
Tie = Literal["none", "first", "last"]

UNPACKING = frozenset({"BitShift", "Cast", "Concat", "Gather", "Mul", "Reshape", "Slice"})
"""The ops that `packing` writes."""


def read_decisions(path: Path, interface: Interface) -> Decisions | None:
    """The decisions of a file that is one ai.onnx.ml 5 ensemble and its link; None for any other graph.

    Raises:
        UsageError: the file is no ONNX model.
    """
    model = loaded(path)
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    if opsets.get("ai.onnx.ml") != 5 or model.functions:
        return None
    try:
        return _File(model.graph, interface).decisions()
    except Unrecognised:
        return None


def loaded(path: Path) -> Any:
    """The file's ModelProto. Raises `UsageError` for what is no ONNX model."""
    import onnx

    try:
        return onnx.load(path)
    except Exception as error:  # protobuf's and onnx's own kinds
        reason = " ".join(str(error).split())
        raise UsageError(f"{path}: not an ONNX model ({reason}); open the file of this bundle") from error


class _File:
    """A graph's nodes by what they make."""

    def __init__(self, graph: Any, interface: Interface) -> None:
        """Indexes the graph."""
        self.interface = interface
        self.nodes = {output: node for node in graph.node for output in node.output}
        self.initializers = {tensor.name: tensor for tensor in graph.initializer}
        self.inputs = {i.name: i.type.tensor_type.elem_type for i in graph.input}
        if {o.name for o in graph.output} != set(interface.outputs):
            raise Unrecognised

    def decisions(self) -> Decisions:
        """From the outputs back to the inputs."""
        link, tie, scores = self._ends()
        divisor, rows, sums = self._sums(scores, complement=link == "complement")
        cast = self.taken(sums, "Cast", to=DOUBLE)
        node = self.nodes.get(cast[0] if cast else sums)
        if node is None or (node.op_type, node.domain, len(node.input)) != ("TreeEnsemble", "ai.onnx.ml", 1):
            raise Unrecognised
        found = attributes_of(node)
        single = np.asarray(found.get("nodes_splits")).dtype == np.float32
        if bool(cast) != (single and rows is None):
            raise Unrecognised
        x, negates = self._negation(node.input[0])
        features = self._singles(x) if single else self._features(x)
        if negates:
            unturn(found, len(features))
        forest = forest_of(found, len(features), rows, divisor, single=single)
        return Decisions(features=features, forest=forest, link=link, tie=tie)

    def _negation(self, name: str) -> tuple[str, bool]:
        """The tensor of which this one holds every column and, behind them, every column negated; else itself."""
        parts = self.taken(name, "Concat", axis=1)
        if len(parts) == 2 and self.taken(parts[1], "Neg") == parts[:1]:
            return parts[0], True
        return name, False

    def taken(self, name: str, op: str, **attributes: int) -> list[str]:
        """What the node behind a tensor takes, if it is this op with exactly these attributes; else nothing."""
        node = self.nodes.get(name)
        if node is None or node.op_type != op or node.domain or attributes_of(node) != attributes:
            return []
        return list(node.input)

    def constant(self, name: str) -> Array | None:
        """A constant's value, unpacked as ONNX's reference evaluator does if it is stored small."""
        from onnx import TypeProto, ValueInfoProto, helper, numpy_helper
        from onnx.reference import ReferenceEvaluator

        if name in self.initializers:
            return numpy_helper.to_array(self.initializers[name])
        needed, kept = {name}, []
        for node in reversed(self.nodes.values()):
            if needed.intersection(node.output):
                if node.op_type not in UNPACKING or node.domain:
                    return None
                kept.append(node)
                needed.update(node.input)
        stored = [self.initializers[n] for n in needed if n in self.initializers]
        made = {output for node in kept for output in node.output}
        if not kept or needed - made - self.initializers.keys():
            return None
        outputs = [ValueInfoProto(name=name, type=TypeProto())]
        graph = helper.make_graph(kept[::-1], "constant", [], outputs, stored)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        value: Array = ReferenceEvaluator(model).run(None, {})[0]
        return value

    def is_constant(self, name: str, *values: float) -> bool:
        """Whether a tensor is a constant vector of these numbers."""
        found = self.constant(name)
        return found is not None and found.ndim == 1 and found.tolist() == list(values)

    def _ends(self) -> tuple[Link, Tie, str]:
        """The link, which of equal classes is the label, and the tensor of the scores."""
        if self.interface.outputs == ("value",):
            taken = self.taken("value", "Squeeze")
            scores = taken[0] if len(taken) == 2 and self.is_constant(taken[1], 1) else "value"
            power = self.taken(scores, "Exp")
            return ("exp", "none", power[0]) if power else ("identity", "none", scores)
        if set(self.interface.outputs) != {"label", "probabilities"}:
            raise Unrecognised
        compared, tie = self._label()
        if sigmoid := self.taken("probabilities", "Sigmoid"):
            signed = self.taken(sigmoid[0], "Mul")
            if compared == sigmoid[0] and len(signed) == 2 and self.is_constant(signed[1], -1, 1):
                return "sigmoid", tie, signed[0]
            raise Unrecognised
        if softmax := self.taken("probabilities", "Softmax", axis=1):
            if compared == softmax[0]:
                return "softmax", tie, compared
            raise Unrecognised
        if compared != "probabilities":
            raise Unrecognised
        added = self.taken("probabilities", "Add")
        if len(added) == 2 and self.is_constant(added[1], 1, 0):
            return "complement", tie, added[0]
        return "identity", tie, "probabilities"

    def _label(self) -> tuple[str, Tie]:
        """The tensor whose largest column is the label, and which of equal ones counts."""
        labels, index = artifact_labels(self.interface.classes or ()), "label"
        if not are_positions(labels):
            chosen = self.taken("label", "Gather", axis=0)
            found = self.constant(chosen[0]) if len(chosen) == 2 else None
            if found is None or _texts(found) != labels.tolist():
                raise Unrecognised
            index = chosen[1]
        for last, extra in ((0, {}), (0, {"select_last_index": 0}), (1, {"select_last_index": 1})):
            if taken := self.taken(index, "ArgMax", axis=1, keepdims=0, **extra):
                return taken[0], "last" if last else "first"
        raise Unrecognised

    def _sums(self, scores: str, *, complement: bool) -> tuple[float, Floats | None, str]:
        """The divisor, the table of leaf rows if leaves give numbers of rows, and the ensemble's tensor."""
        divisor = 1.0
        divided = self.taken(scores, "Div")
        by = self.constant(divided[1]) if len(divided) == 2 else None
        if complement:
            if by is None or by.shape != (2,) or by[0] != -by[1]:
                raise Unrecognised
            return float(by[1]), None, divided[0]
        if by is not None:
            if by.shape != (1,):
                raise Unrecognised
            divisor, scores = float(by[0]), divided[0]
        added = self.taken(scores, "ReduceSum", keepdims=0)
        if not added:
            return divisor, None, scores
        looked_up = self.taken(added[0], "Gather", axis=0)
        if len(added) != 2 or not self.is_constant(added[1], 1) or len(looked_up) != 2:
            raise Unrecognised
        table, number = self.constant(looked_up[0]), self.taken(looked_up[1], "Cast", to=INT64)
        if table is None or table.ndim != 2 or table.dtype != np.float64 or not number:
            raise Unrecognised
        return divisor, table, number[0]

    def _features(self, name: str) -> tuple[Feature, ...]:
        """What each column of a tensor of float64 is."""
        if name in self.inputs:
            element = FLOAT if self.interface.input_dtype == "float32" else DOUBLE
            if name == "numbers" and self.inputs[name] == element:
                return self._slots("number")
            if name == "strings" and self.inputs[name] == STRING:
                return self._slots("string")
            raise Unrecognised
        if cast := self.taken(name, "Cast", to=DOUBLE):
            features = self._features(cast[0])
            if cast[0] in self.inputs and cast[0] != "numbers":
                raise Unrecognised
            return features
        if parts := self.taken(name, "Concat", axis=1):
            return tuple(feature for part in parts for feature in self._features(part))
        if taken := self.taken(name, "Gather", axis=1):
            columns = self.constant(taken[1])
            if columns is None or columns.ndim != 1 or columns.dtype != np.int64 or columns.min(initial=0) < 0:
                raise Unrecognised
            features = self._features(taken[0])
            return tuple(features[c] for c in columns if c < len(features) or _refuse())
        if taken := self.taken(name, "GatherElements", axis=0):
            table, places = self.constant(taken[0]), self._features(taken[1])
            if table is None or table.ndim != 2 or table.dtype.kind != "f" or table.shape[1] != len(places):
                raise Unrecognised
            return tuple(_through(place, table[:, [k]].astype(np.float64))[0] for k, place in enumerate(places))
        if shaped := self.taken(name, "Reshape"):
            return self._gathered(*shaped)
        if taken := self.taken(name, "Add"):
            added, features = self.constant(taken[1]), self._features(taken[0])
            if added is None or added.shape != (len(features),):
                raise Unrecognised
            return tuple(_added(feature, float(a)) for feature, a in zip(features, added, strict=True))
        return self._encoded(name)

    def _singles(self, name: str) -> tuple[Feature, ...]:
        """What each column of a tensor of float32 is; rounding to float32 must change none of its numbers."""
        cast = self.taken(name, "Cast", to=FLOAT)
        features = self._features(cast[0] if cast else name)
        inputs = self.interface.input_dtype == "float32"
        if not all(are_float32(f.lookup.table) if f.lookup else inputs for f in features):
            raise Unrecognised
        return features

    def _gathered(self, stack: str, shape: str) -> tuple[Feature, ...]:
        """Rows of one table for every place, side by side."""
        taken = self.taken(stack, "Gather", axis=0)
        table = self.constant(taken[0]) if len(taken) == 2 else None
        if table is None or table.ndim != 2 or table.dtype != np.float64:
            raise Unrecognised
        places = self._features(taken[1])
        if not self.is_constant(shape, -1, len(places) * table.shape[1]):
            raise Unrecognised
        return tuple(feature for place in places for feature in _through(place, table))

    def _encoded(self, name: str) -> tuple[Feature, ...]:
        """What a LabelEncoder makes of columns of an input."""
        node = self.nodes.get(name)
        if node is None or (node.op_type, node.domain) != ("LabelEncoder", "ai.onnx.ml"):
            raise Unrecognised
        found, features = attributes_of(node), self._features(node.input[0])
        keys = found.pop("keys_strings", None)
        keys = found.pop("keys_tensor", None) if keys is None else np.array(keys, object)
        values = found.pop("values_int64s", None)
        values = found.pop("values_tensor", None) if values is None else values
        default = found.pop("default_int64", None)
        default = found.pop("default_tensor", None) if default is None else default
        if keys is None or values is None or default is None or found:
            raise Unrecognised
        values, default = np.asarray(values, np.float64), float(np.ravel(default)[0])
        if len(values) != len(keys) or len(set(keys.tolist())) != len(keys):
            raise Unrecognised
        return tuple(self._lookup(feature, keys, values, default) for feature in features)

    def _lookup(self, feature: Feature, keys: Array, values: Floats, default: float) -> Feature:
        i = self.interface.inputs[feature.input]
        if feature.lookup is not None or (keys.dtype == object) != (i.kind == "string"):
            raise Unrecognised
        missing = keys == i.missing_token if keys.dtype == object else np.isnan(keys.astype(np.float64))
        given = values[missing]
        table = np.concatenate([values[~missing], [default, given[0] if len(given) else default]])
        kept = keys[~missing] if keys.dtype == object else keys[~missing].astype(np.float64)
        return replace(feature, lookup=Lookup(keys=kept, table=table[:, None]))

    def _slots(self, kind: str) -> tuple[Feature, ...]:
        return tuple(
            Feature(input=k, column=j)
            for k, i in enumerate(self.interface.inputs)
            if i.kind == kind
            for j in range(i.width)
        )


def _through(place: Feature, table: Floats) -> list[Feature]:
    """The columns of the table's rows that a column of places names."""
    lookup = place.lookup
    if lookup is None or np.any(lookup.table < 0) or np.any(lookup.table >= len(table)):
        raise Unrecognised
    chosen = table[lookup.table[:, 0].astype(np.int64)]
    return [replace(place, lookup=replace(lookup, table=chosen[:, [k]])) for k in range(table.shape[1])]


def _added(place: Feature, number: float) -> Feature:
    if place.lookup is None:
        raise Unrecognised
    return replace(place, lookup=replace(place.lookup, table=place.lookup.table + number))


def attributes_of(node: Any) -> dict[str, Any]:
    """A node's attributes by name: tensors as arrays, text as `str`."""
    from onnx import TensorProto, helper, numpy_helper

    found: dict[str, Any] = {}
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        if isinstance(value, TensorProto):
            value = numpy_helper.to_array(value)
        elif isinstance(value, list) and value and isinstance(value[0], bytes):
            value = [text.decode() for text in value]
        found[attribute.name] = value
    return found


def _texts(labels: Array) -> list[Any]:
    return [label.decode() if isinstance(label, bytes) else label for label in labels.tolist()]


def _refuse() -> bool:
    raise Unrecognised
