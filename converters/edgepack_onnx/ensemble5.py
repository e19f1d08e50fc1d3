"""A Forest as ai.onnx.ml 5 `TreeEnsemble`: float64 throughout, one (target, weight) per leaf.

Source: https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md#ai.onnx.ml.TreeEnsemble
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgepack.ir.ops import Forest
from edgepack.ir.types import Array, Flags, Floats, Integers
from edgepack_onnx.graph import Graph
from edgepack_onnx.likely import with_likely_next
from edgepack_onnx.proto import Attribute
from edgepack_onnx.split import float32_below, splits_of
from edgepack_onnx.wire import Message

SUM, NO_TRANSFORM = 1, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafValues:
    """What the leaves of a forest add, and to which sum.

    Attributes:
        target: `(nodes,)` which sum a leaf adds to.
        weight: `(nodes,) float64` what it adds.
        base: `(targets,) float64` what each sum starts with.
    """

    target: Integers
    weight: Floats
    base: Floats


def tree_ensemble(
    graph: Graph, x: str, forest: Forest, values: LeafValues, *, rounded: bool, single: bool = False
) -> str:
    """The sums `(rows, targets) float64`, added in the order base, tree 0, tree 1, … as scikit-learn adds them.

    Args:
        graph: takes the node.
        x: the input tensor, `(rows, forest.features) float64`.
        forest: the trees; its own values and base are not looked at.
        values: the leaves' targets and weights.
        rounded: whether x already is what `forest.compare` rounds it to.
        single: whether x is float32 and the sums are added in float32: thresholds become the float32 below, which takes
            the same branches, and only leaf values are rounded.
    """
    splits, leaf = splits_of(forest, rounded=rounded), forest.is_leaf
    splits = replace(splits, threshold=float32_below(splits.threshold) if single else splits.threshold)
    x, splits = with_likely_next(graph, x, splits, forest)
    # A tree needs a split: one that is a single leaf gets a split with that leaf on both sides. The base comes as such
    # trees ahead of all others, so that it is what the sums start with.
    based = np.flatnonzero(values.base)
    lone = forest.roots[leaf[forest.roots]]
    added = np.zeros(len(based) + len(lone), np.int64)
    place = np.cumsum(~leaf) - 1
    place[lone] = len(splits.node) + len(based) + np.arange(len(lone))
    roots = np.concatenate([len(splits.node) + np.arange(len(based)), place[forest.roots]])

    at_leaf = np.flatnonzero(leaf)
    number, target, weight = _shared(
        np.concatenate([values.target[at_leaf], based]),
        np.concatenate([values.weight[at_leaf], values.base[based]]),
        len(values.base),
    )
    constants = np.concatenate([number[len(at_leaf) :], number[np.searchsorted(at_leaf, lone)]])
    place_of_child = place.copy()
    place_of_child[at_leaf] = number[: len(at_leaf)]
    true = np.concatenate([place_of_child[splits.true], constants])
    false = np.concatenate([place_of_child[splits.false], constants])
    true_leaf = np.concatenate([leaf[splits.true], added == 0])
    false_leaf = np.concatenate([leaf[splits.false], added == 0])
    nodes = {
        "nodes_featureids": np.concatenate([splits.feature, added]),
        "nodes_modes": np.concatenate([splits.mode, added]).astype(np.uint8),
        "nodes_splits": np.concatenate([splits.threshold, added.astype(splits.threshold.dtype)]),
    }
    if splits.nan_true.any():
        nodes["nodes_missing_value_tracks_true"] = np.concatenate([splits.nan_true.astype(np.int64), added])
    if graph.packs:
        order = _alike_together(nodes, true_leaf, false_leaf)
        place_of_node = np.argsort(order)
        roots = place_of_node[roots]
        true, false = (
            np.where(leaf, child, place_of_node[np.where(leaf, 0, child)])[order]
            for child, leaf in ((true, true_leaf), (false, false_leaf))
        )
        true_leaf, false_leaf = true_leaf[order], false_leaf[order]
        nodes = {name: values[order] for name, values in nodes.items()}
    target, weight = _told_apart(true, false, true_leaf, target, weight)
    attributes: dict[str, Attribute | Message] = {
        "tree_roots": roots,
        **nodes,
        "nodes_truenodeids": true,
        "nodes_trueleafs": true_leaf.astype(np.int64),
        "nodes_falsenodeids": false,
        "nodes_falseleafs": false_leaf.astype(np.int64),
        "leaf_targetids": target,
        "leaf_weights": weight.astype(np.float32) if single else weight,
        "n_targets": len(values.base),
        "aggregate_function": SUM,
        "post_transform": NO_TRANSFORM,
    }
    return graph.ml("TreeEnsemble", 5, x, attributes)[0]


def _alike_together(nodes: Mapping[str, Array], true_leaf: Flags, false_leaf: Flags) -> Integers:
    """The order in which equal questions of all trees stand side by side: it compresses to about two thirds.

    A forest has far fewer different thresholds than splits, while a child's number says little in any order. ONNX
    Runtime puts the nodes of every tree in an order of its own when it loads them, so a row takes no longer.
    """
    missing = nodes.get("nodes_missing_value_tracks_true", true_leaf)
    return np.lexsort((nodes["nodes_splits"], nodes["nodes_featureids"], missing, false_leaf, true_leaf))


def _shared(target: Integers, weight: Floats, targets: int) -> tuple[Integers, Integers, Floats]:
    """The number of each leaf's (target, weight) among the distinct ones, and these."""
    distinct, which = np.unique(weight.view(np.int64), return_inverse=True)
    keys, number = np.unique(which * targets + target, return_inverse=True) if targets > 1 else (None, which)
    if keys is None:
        return number, np.zeros(len(distinct), np.int64), distinct.view(np.float64)
    return number, keys % targets, distinct[keys // targets].view(np.float64)


def _told_apart(
    true: Integers, false: Integers, true_leaf: Flags, target: Integers, weight: Floats
) -> tuple[Integers, Floats]:
    """The leaves, with copies for splits whose two children have one number; `true` and `false` are changed in place.

    ONNX Runtime before 1.24 takes such a split for a single-leaf tree, even where one number means a leaf and the other
    a node, and reads the leaf that has the split's own number.
    """
    while len(alike := np.flatnonzero(true == false)):
        side = np.where(true_leaf[alike], 0, 1)  # the child that is a leaf; where both are, one of them
        copies = len(target) + np.arange(len(alike))
        original = true[alike]
        true[alike] = np.where(side == 0, copies, true[alike])
        false[alike] = np.where(side == 1, copies, false[alike])
        target, weight = np.concatenate([target, target[original]]), np.concatenate([weight, weight[original]])
    return target, weight
