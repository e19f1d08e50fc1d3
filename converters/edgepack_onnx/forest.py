"""Which form a Forest takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgepack.contract import Problem
from edgepack.errors import UnsupportedError
from edgepack.ir import Node
from edgepack.ir.ops import Forest
from edgepack.ir.types import Floats, Integers
from edgepack_onnx.emitter import Emitter
from edgepack_onnx.ensemble3 import tree_ensemble_v3
from edgepack_onnx.ensemble5 import LeafValues, tree_ensemble
from edgepack_onnx.proto import DOUBLE, FLOAT, INT64
from edgepack_onnx.split import LARGEST_EXACT, adds_exactly
from edgepack_onnx.table import Table, Vector, are_float32


def emit_forest(node: Node, op: Forest, e: Emitter) -> Table:
    """The forest's answers `(rows, outputs)`: sums in tree order, divided once.

    `TreeEnsemble` (ai.onnx.ml 5) adds one number per leaf, so:

    - one output, or leaves that add to one output each: one ensemble;
    - a two-class mean: an ensemble for class 1, whose mean p makes [1 − p, p];
    - other means: every tree is a target of its own and gives the number of its leaf's row in a table of all distinct
      leaf rows, which are then added up. Measured on 100 trees of depth 8: the bits are scikit-learn's whatever the
      number of threads, the file has a third to a half of the size of the ai.onnx.ml 3 form, and a row takes 22 µs
      against 18; an ensemble per class would be exact too, but routes every row once per class.

    With `precision` float32, the first two of these add up in float32, if every column is a float32 value. Where size
    counts, all of them do so that float32 adds up exactly: votes, and numbers of rows.

    Where the runtime has no `TreeEnsemble`, the ai.onnx.ml 3 form: float32 scores, labels from the float64 sums.
    """
    g, outputs = e.graph, len(op.base)
    told = op.value != 0
    one_each = outputs == 1 or bool((told.sum(axis=1) <= 1).all())
    two_classes = outputs == 2 and _is_two_class_mean(op)
    if (one_each or two_classes) and _takes_float32(node, op, e):
        values = _of_class_1(op) if two_classes else _one_each(op, np.zeros_like(op.base))
        exact = e.graph.packs and not op.base.any() and adds_exactly(values.weight[op.is_leaf], len(op.roots))
        if exact or e.precision == "float32":
            return _added_in_float32(node, op, values, e, two_classes=two_classes, exact=exact)
    numbered = not one_each and not two_classes and e.features.tree_ensemble
    single = numbered and e.graph.packs and len(op.feature) < LARGEST_EXACT and _takes_float32(node, op, e)
    x, forest, rounded = _arranged(node, op, e, single=single)
    if not e.features.tree_ensemble:
        result = tree_ensemble_v3(g, x, forest, rounded=rounded)
        if result.largest is not None:
            e.largest[node.name] = Vector(result.largest)
        e.notes.append("trees as ai.onnx.ml 3: their scores pass through float32")
        return e.made(_divided(g.node("Cast", result.scores, to=DOUBLE), op, e), outputs)
    if two_classes:
        values = _of_class_1(op)
        total = tree_ensemble(g, x, forest, values, rounded=rounded)
        return e.made(_with_complement(total, op, e), 2)
    if one_each:
        values = _one_each(op, op.base)
        return e.made(_divided(tree_ensemble(g, x, forest, values, rounded=rounded), op, e), outputs)
    return e.made(_divided(_sum_of_rows(x, forest, e, rounded=rounded, single=single), op, e), outputs)


def _added_in_float32(
    node: Node, op: Forest, values: LeafValues, e: Emitter, *, two_classes: bool, exact: bool
) -> Table:
    """The forest's answers, leaf values added in float32 and all else in float64: base, divisor, complement."""
    g = e.graph
    x, forest, _ = _arranged(node, op, e, single=True)
    total = g.node("Cast", tree_ensemble(g, x, forest, values, rounded=True, single=True), to=DOUBLE)
    if not exact:
        e.notes.append("leaf values added in float32, branches as scikit-learn's")
    if two_classes:
        return e.made(_with_complement(total, op, e), 2)
    based = g.node("Add", total, g.double(*op.base)) if op.base.any() else total
    return e.made(_divided(based, op, e), len(op.base))


def _takes_float32(node: Node, op: Forest, e: Emitter) -> bool:
    """Whether comparisons in float32 take the same branches: every column and equal key is one."""
    return e.features.tree_ensemble and e.table(node.inputs[0]).float32 and are_float32(op.threshold[op.equal])


def _one_each(op: Forest, base: Floats) -> LeafValues:
    """Leaves that add to one output each."""
    target = (op.value != 0).argmax(axis=1)
    return LeafValues(target=target, weight=op.value[np.arange(len(target)), target], base=base)


def _with_complement(total: str, op: Forest, e: Emitter) -> str:
    """`[1 − p, p]` from the undivided sum of p."""
    signed = e.graph.node("Div", total, e.graph.double(-op.divisor, op.divisor))
    return e.graph.node("Add", signed, e.graph.double(1.0, 0.0))


def _arranged(node: Node, op: Forest, e: Emitter, *, single: bool = False) -> tuple[str, Forest, bool]:
    """The input tensor, the forest with its features numbered as that tensor's columns, and whether x is rounded."""
    table = e.table(node.inputs[0])
    inner = op.left >= 0
    used, number = np.unique(op.feature[inner], return_inverse=True)
    tensor, columns = e.spread(table.select(used) if len(used) else table, single=single)
    feature = np.zeros_like(op.feature)
    feature[inner] = columns[number]
    forest = replace(op, feature=feature, features=tensor.width)
    rounded = op.compare == "float64" or tensor.float32
    if rounded or not op.equal.any():
        return tensor.name, forest, rounded
    if not e.features.exact_casts:  # an interval of float64 numbers equals a float32 one; thresholds cannot say that
        reason = "compares computed numbers for equality in float32, which onnxruntime before 1.17 optimises away"
        raise UnsupportedError(
            [Problem(step=node.step or node.name, reason=reason, remedy="raise min_runtime to 1.17")]
        )
    cast = e.graph.node("Cast", e.graph.node("Cast", tensor.name, to=FLOAT), to=DOUBLE)
    return cast, forest, True


def _divided(total: str, op: Forest, e: Emitter) -> str:
    return total if op.divisor == 1 else e.graph.node("Div", total, e.graph.double(op.divisor))


def _of_class_1(op: Forest) -> LeafValues:
    """Leaves that add class 1's frequency."""
    weight = np.ascontiguousarray(op.value[:, 1])
    return LeafValues(target=np.zeros_like(op.feature), weight=weight, base=np.zeros(1))


def _is_two_class_mean(op: Forest) -> bool:
    """Whether the two outputs are a class's frequency and its complement in every leaf."""
    leaf = op.is_leaf
    together = op.value[leaf].sum(axis=1)
    return op.divisor == len(op.roots) and not op.base.any() and bool(np.all(np.abs(together - 1) < 1e-12))


def _sum_of_rows(x: str, forest: Forest, e: Emitter, *, rounded: bool, single: bool) -> str:
    """The undivided sums of leaf rows: leaf numbers by TreeEnsemble, rows by Gather, added in tree order."""
    g, trees = e.graph, len(forest.roots)
    leaf = np.flatnonzero(forest.is_leaf)
    rows, number = _distinct_rows(np.concatenate([forest.base[None], forest.value[leaf]]))
    weight = np.zeros(len(forest.feature))
    weight[leaf] = number[1:]
    base = np.zeros(trees + 1)
    base[0] = number[0]  # target 0 is the base, the trees' targets follow
    values = LeafValues(target=forest.tree + 1, weight=weight, base=base)
    chosen = g.node("Cast", tree_ensemble(g, x, forest, values, rounded=rounded or single, single=single), to=INT64)
    looked_up = g.node("Gather", g.constant(rows), chosen, axis=0)
    return g.node("ReduceSum", looked_up, g.constant(np.array([1])), keepdims=0)


def _distinct_rows(rows: Floats) -> tuple[Floats, Integers]:
    """The distinct rows, and which of them each row is."""
    number = np.zeros(len(rows), np.int64)
    for column in rows.T:
        _, code = np.unique(column, return_inverse=True)
        _, number = np.unique(number * (code.max() + 1) + code, return_inverse=True)
    distinct = np.empty((number.max() + 1, rows.shape[1]))
    distinct[number] = rows
    return distinct, number
