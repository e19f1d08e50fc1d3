"""A Forest as ai.onnx.ml 3 `TreeEnsembleRegressor` or `TreeEnsembleClassifier`, for runtimes without `TreeEnsemble`.

Splits and weights are float64 and so are the sums, but both nodes give their scores as float32. The classifier takes
its label from the sums themselves.

Source: https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md#ai.onnx.ml.TreeEnsembleClassifier
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgepack.ir.ops import Forest
from edgepack.ir.types import Flags, Floats, Integers
from edgepack_onnx.graph import Graph
from edgepack_onnx.proto import Attribute, strings_attribute
from edgepack_onnx.split import EQ, LEQ, splits_of
from edgepack_onnx.wire import Message

MODES = ("BRANCH_LEQ", "BRANCH_EQ", "BRANCH_NEQ", "LEAF")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Scores `(rows, outputs) float32`, and `(rows,) int64` the first of their largest where there are several."""

    scores: str
    largest: str | None


def tree_ensemble_v3(graph: Graph, x: str, forest: Forest, *, rounded: bool) -> Scores:
    """The undivided sums of a forest over `x (rows, features) float64`, and which of them is the largest."""
    outputs = len(forest.base)
    attributes = _nodes(forest, rounded=rounded)
    tree, node, target, weight = _weights(forest)
    if outputs == 1:
        attributes |= {
            "target_treeids": tree,
            "target_nodeids": node,
            "target_ids": target,
            "target_weights_as_tensor": weight,
            "n_targets": 1,
        }
        return Scores(scores=graph.ml("TreeEnsembleRegressor", 3, x, attributes)[0], largest=None)
    attributes |= {
        "class_treeids": tree,
        "class_nodeids": node,
        "class_ids": target,
        "class_weights_as_tensor": weight,
        # two classes are special to ONNX Runtime (a score against ½): a third one without votes makes them plain
        "classlabels_int64s": np.arange(max(outputs, 3)),
        "post_transform": "NONE",
    }
    largest, scores = graph.ml("TreeEnsembleClassifier", 3, x, attributes, outputs=2)
    if outputs == 2:
        scores = graph.node("Gather", scores, graph.constant(np.arange(2)), axis=1)
    return Scores(scores=scores, largest=largest)


def _bases(forest: Forest) -> Integers:
    """The outputs whose base is told: all of several, as a class without any score cannot win; one if it is not 0."""
    return np.arange(len(forest.base)) if len(forest.base) > 1 else np.flatnonzero(forest.base)


def _nodes(forest: Forest, *, rounded: bool) -> dict[str, Attribute | Message]:
    """The tree structure: the base as single-leaf trees ahead of the others, node numbers counted within each tree."""
    splits, leaf = splits_of(forest, rounded=rounded), forest.is_leaf
    first = len(_bases(forest))
    start = forest.roots[forest.tree]
    size = len(leaf)
    threshold, mode = np.zeros(size), np.full(size, MODES.index("LEAF"))
    true, false, nan_true = (np.zeros(size, np.int64) for _ in range(3))
    inner = splits.node
    threshold[inner] = splits.threshold
    mode[inner] = np.where(splits.mode == LEQ, 0, np.where(splits.mode == EQ, 1, 2))
    true[inner], false[inner] = splits.true - start[inner], splits.false - start[inner]
    nan_true[inner] = splits.nan_true
    zeros = np.zeros(first, np.int64)
    modes = np.concatenate([zeros + MODES.index("LEAF"), mode])
    attributes: dict[str, Attribute | Message] = {
        "nodes_treeids": np.concatenate([np.arange(first), forest.tree + first]),
        "nodes_nodeids": np.concatenate([zeros, np.arange(size) - start]),
        "nodes_featureids": np.concatenate([zeros, forest.feature]),
        "nodes_modes": strings_attribute("nodes_modes", modes, MODES),
        "nodes_values_as_tensor": np.concatenate([np.zeros(first), threshold]),
        "nodes_truenodeids": np.concatenate([zeros, true]),
        "nodes_falsenodeids": np.concatenate([zeros, false]),
    }
    if nan_true.any():
        attributes["nodes_missing_value_tracks_true"] = np.concatenate([zeros, nan_true])
    return attributes


def _weights(forest: Forest) -> tuple[Integers, Integers, Integers, Floats]:
    """Tree, node, target and weight of everything that leaves add: what is not 0, or else a leaf's 0."""
    based = _bases(forest)
    leaves = np.flatnonzero(forest.is_leaf)
    told: Flags = forest.value[leaves] != 0
    told[~told.any(axis=1), 0] = True
    leaf, target = np.nonzero(told)
    node = leaves[leaf]
    tree = forest.tree[node]
    zeros = np.zeros(len(based), np.int64)
    return (
        np.concatenate([np.arange(len(based)), tree + len(based)]),
        np.concatenate([zeros, node - forest.roots[tree]]),
        np.concatenate([based, target]),
        np.concatenate([forest.base[based], forest.value[node, target]]),
    )
