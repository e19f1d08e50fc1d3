"""Tree ensembles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgepack.ir.types import Array, Flags, Floats, Integers
from edgepack_coreml.evaluate.classify import LABELS, answered, labels_of, sigmoid, softmax
from edgepack_coreml.evaluate.values import Evaluate, Unknown, Value, Values, only, vectorized

LESS_EQUAL, LESS, GREATER_EQUAL, GREATER, EQUAL, NOT_EQUAL, LEAF = range(7)
NO_TRANSFORM, SOFTMAX, LOGISTIC = 0, 1, 2
ROWS_AT_ONCE = 2048
REST, FEW = 4, 0.7
NODE = np.dtype(
    [
        ("tree", np.int64),
        ("node", np.int64),
        ("behavior", np.int64),
        ("feature", np.int64),
        ("threshold", np.float64),
        ("yes", np.int64),
        ("no", np.int64),
        ("nan", np.bool_),
    ]
)
ENTRY = np.dtype([("node", np.int64), ("index", np.int64), ("value", np.float64)])


def regressor(model: Any) -> Evaluate:
    """The sum of the leaves: one number, the only one that Core ML's regressors are seen to give, or an array of it.

    Source: apple/coremltools#2586 for regressors with several; CatBoost's exports for the array.
    """
    message = model.treeEnsembleRegressor
    only(message, "treeEnsemble", "postEvaluationTransform")
    if message.postEvaluationTransform not in (NO_TRANSFORM, LOGISTIC):
        raise Unknown(f"treeEnsembleRegressor: transform {message.postEvaluationTransform}; knows 0 and 2")
    forest = _read(message.treeEnsemble)
    if len(forest.base) != 1:
        raise Unknown(f"treeEnsembleRegressor: {len(forest.base)} dimensions; knows one")
    logistic = message.postEvaluationTransform == LOGISTIC
    names = [f.name for f in model.description.input]
    output = model.description.predictedFeatureName
    arrays = [f.name for f in model.description.output if f.type.WhichOneof("Type") == "multiArrayType"]

    def evaluate(values: Values) -> dict[str, Value]:
        z = forest.sums(vectorized(names, values))
        z = sigmoid(z) if logistic else z
        return {output: z if output in arrays else z[:, 0]}

    return evaluate


def classifier(model: Any) -> Evaluate:
    """The sums as probabilities, and the label of the first of the largest.

    A single dimension is the second label's; inferred from coremltools' own converters, which lower leaves of exactly
    one half: the second label is chosen at ½ and above.
    """
    message = model.treeEnsembleClassifier
    only(message, "treeEnsemble", "postEvaluationTransform", *LABELS)
    forest = _read(message.treeEnsemble)
    labels = labels_of(message)
    transform = message.postEvaluationTransform
    single = len(forest.base) == 1
    known = (NO_TRANSFORM, LOGISTIC) if single else (NO_TRANSFORM, SOFTMAX)
    if transform not in known or len(labels) != (2 if single else len(forest.base)):
        raise Unknown(
            f"treeEnsembleClassifier: transform {transform}, {len(forest.base)} dimensions, {len(labels)} labels"
        )
    names = [f.name for f in model.description.input]

    def evaluate(values: Values) -> dict[str, Value]:
        z = forest.sums(vectorized(names, values))
        if single:
            p1 = (sigmoid(z) if transform == LOGISTIC else z)[:, 0]
            return answered(model.description, labels, (p1 >= 0.5).astype(np.int64), np.stack([1 - p1, p1], axis=1))
        return answered(model.description, labels, z.argmax(axis=1), softmax(z) if transform == SOFTMAX else z)

    return evaluate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Tree:
    """One tree: its branches, then its leaves; its root first. A leaf's question is answered no, and leads to itself.

    Attributes:
        branches: how many.
        equality: where a branch asks `=`, or (−1) `≠`; None where all ask `≤`.
        feature, threshold: `(nodes,)`.
        child: `(2 nodes,)` where each node goes on if false, if true.
        nan: `(nodes,)` the answer that NaN gives.
        value: `(leaves, dimensions)`.
        depth: the most branches that a row meets.
    """

    branches: int
    equality: Integers | None
    feature: Integers
    threshold: Floats
    child: Integers
    nan: Flags
    value: Floats
    depth: int

    def leaves(self, columns: Floats, missing: bool) -> Integers:
        """The leaf that each row reaches; `columns (features, rows)`, with NaN or without."""
        rows = columns.shape[1]
        numbers, first = columns.ravel(), self.feature * rows
        at = np.zeros(rows, np.int64)
        going, node = np.arange(rows), at.copy()
        for level in range(self.depth):
            x = numbers.take(first.take(node) + going)
            yes = self._asked(x, node)
            if missing:
                yes = np.where(np.isnan(x), self.nan.take(node), yes)
            node = self.child.take(2 * node + yes)
            if level % REST == REST - 1:  # now and then, rows that have arrived are left behind
                at[going] = node
                on = np.flatnonzero(node < self.branches)
                if len(on) < FEW * len(going):
                    going, node = going[on], node[on]
        at[going] = node
        return at - self.branches

    def _asked(self, x: Floats, node: Integers) -> Flags:
        threshold = self.threshold.take(node)
        yes = np.less_equal(x, threshold)
        if self.equality is not None:
            sign = self.equality.take(node)
            yes = np.where(sign == 0, yes, (x == threshold) == (sign > 0))
        return np.asarray(yes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Forest:
    """Trees, and what their leaves are added to."""

    trees: tuple[_Tree, ...]
    base: Floats
    features: int

    def sums(self, x: Floats) -> Floats:
        """`base + Σ leaves`, tree by tree, `(rows, dimensions)`."""
        if x.shape[1] < self.features:
            raise Unknown(f"tree ensemble: asks number {self.features - 1} of {x.shape[1]}")
        out = np.empty((len(x), len(self.base)))
        for start in range(0, len(x), ROWS_AT_ONCE):
            columns = np.ascontiguousarray(x[start : start + ROWS_AT_ONCE].T)
            missing = bool(np.isnan(columns).any())
            total = np.broadcast_to(self.base, (columns.shape[1], len(self.base))).copy()
            for tree in self.trees:
                total += tree.value.take(tree.leaves(columns, missing), axis=0)
            out[start : start + ROWS_AT_ONCE] = total
        return out


def _read(message: Any) -> _Forest:
    """The trees of a `TreeEnsembleParameters`, each checked to be one tree."""
    only(message, "nodes", "numPredictionDimensions", "basePredictionValue")
    dimensions = message.numPredictionDimensions
    base = np.array(message.basePredictionValue or [0.0] * dimensions)
    if dimensions < 1 or len(base) != dimensions:
        raise Unknown(f"tree ensemble: {dimensions} dimensions, {len(base)} base values")
    nodes = np.fromiter(
        (
            (
                n.treeId,
                n.nodeId,
                n.nodeBehavior,
                n.branchFeatureIndex,
                n.branchFeatureValue,
                n.trueChildNodeId,
                n.falseChildNodeId,
                n.missingValueTracksTrueChild,
            )
            for n in message.nodes
        ),
        NODE,
        len(message.nodes),
    )
    leaf = nodes["behavior"] == LEAF
    if np.any((nodes["behavior"] < 0) | (nodes["behavior"] > LEAF)) or np.isnan(nodes["threshold"]).any():
        raise Unknown("tree ensemble: a node with an unknown behavior, or compared with NaN")
    value = _values(message.nodes, leaf, dimensions)
    order = np.lexsort((nodes["node"], nodes["tree"]))
    starts = np.flatnonzero(np.diff(nodes["tree"][order], prepend=-1))
    parts = np.split(order, starts[1:]) if len(order) else []
    return _Forest(
        trees=tuple(_tree(nodes[at], value[at]) for at in parts),
        base=base,
        features=int(nodes["feature"][~leaf].max(initial=-1)) + 1,
    )


def _values(nodes: Any, leaf: Flags, dimensions: int) -> Floats:
    """`(nodes, dimensions)` what each leaf adds."""
    listed = ((k, e.evaluationIndex, e.evaluationValue) for k, n in enumerate(nodes) for e in n.evaluationInfo)
    entries = np.fromiter(listed, ENTRY)
    owner, index = entries["node"], entries["index"]
    if np.any(index >= dimensions):
        raise Unknown(f"tree ensemble: a value for dimension {index.max()} of {dimensions}")
    given = np.bincount(owner, minlength=len(leaf)) > 0
    if not np.array_equal(given, leaf) or len(np.unique(owner * dimensions + index)) != len(entries):
        raise Unknown("tree ensemble: a leaf without values or with two for one dimension, or a branch with values")
    value = np.zeros((len(leaf), dimensions))
    value[owner, index] = entries["value"]
    return value


def _tree(nodes: Array, value: Floats) -> _Tree:
    """One tree's nodes, by number. Raises `Unknown` unless every node but the root has just one parent."""
    number, branch = nodes["node"], nodes["behavior"] != LEAF
    yes, no = nodes["yes"], nodes["no"]
    known = _positions(number, np.concatenate([no[branch], yes[branch]]))
    parents = np.bincount(known, minlength=len(number))
    root = np.flatnonzero(parents == 0)
    if np.any(np.diff(number) == 0) or np.any(parents > 1) or len(root) != 1 or (branch.any() and not branch[root[0]]):
        raise Unknown("tree ensemble: nodes that are not one tree")
    order = np.concatenate([root[branch[root]], np.setdiff1d(np.flatnonzero(branch), root), np.flatnonzero(~branch)])
    place = np.empty(len(number), np.int64)
    place[order] = np.arange(len(number))
    inner = order[: int(branch.sum())]
    child = np.stack([place[_positions(number, no[inner])], place[_positions(number, yes[inner])]], axis=1)
    reached, depth = _reached(child)
    if reached != len(number):
        raise Unknown("tree ensemble: nodes that the root does not lead to")
    return _asking(nodes[inner], child, value[order[len(inner) :]], depth)


def _asking(branch: Array, child: Integers, value: Floats, depth: int) -> _Tree:
    """The tree, asking `≤` for every order: `x < t` is `x ≤` the double before t, `>` and `≥` are the opposites.

    Nothing is below −∞: that is asked with a threshold of NaN, which is no number's upper bound.
    """
    behavior, threshold = branch["behavior"], branch["threshold"]
    strict = np.isin(behavior, (LESS, GREATER_EQUAL))
    before = np.where(threshold == -np.inf, np.nan, np.nextafter(threshold, -np.inf))
    opposite = np.isin(behavior, (GREATER, GREATER_EQUAL))
    equality = np.where(behavior == EQUAL, 1, np.where(behavior == NOT_EQUAL, -1, 0))
    count, leaves = len(branch), np.arange(len(branch), len(branch) + len(value))
    turned = np.where(opposite[:, None], child[:, ::-1], child)
    return _Tree(
        branches=count,
        equality=np.concatenate([equality, np.zeros(len(leaves), np.int64)]) if equality.any() else None,
        feature=np.concatenate([branch["feature"], np.zeros(len(leaves), np.int64)]),
        threshold=np.concatenate([np.where(strict, before, threshold), np.full(len(leaves), np.nan)]),
        child=np.concatenate([turned, np.stack([leaves, leaves], axis=1)]).ravel(),
        nan=np.concatenate([branch["nan"] ^ opposite, np.zeros(len(leaves), np.bool_)]),
        value=value,
        depth=depth,
    )


def _reached(child: Integers) -> tuple[int, int]:
    """How many nodes the first branch leads to, with itself, and in how many steps; a lone leaf is reached in none.

    No node has two parents.
    """
    frontier, count, depth = np.zeros(1, np.int64), 1, 0
    while len(frontier := frontier[frontier < len(child)]):
        frontier = child[frontier].ravel()
        count, depth = count + len(frontier), depth + 1
    return count, depth


def _positions(number: Integers, wanted: Array) -> Integers:
    at = np.minimum(np.searchsorted(number, wanted), len(number) - 1)
    if np.any(number[at] != wanted):
        raise Unknown("tree ensemble: a child that is not in the tree")
    return at
