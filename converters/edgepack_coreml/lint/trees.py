"""Rules on tree ensembles, over arrays of all nodes at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgepack.ir.types import Flags, Integers
from edgepack_coreml.lint.place import Finding, Place

KINDS = ("treeEnsembleClassifier", "treeEnsembleRegressor")
LEAF = 6
"""`LeafNode` of `TreeNodeBehavior`."""


def structure(place: Place) -> Iterator[Finding]:
    """Nodes have numbers of their own; every branch has two others of its tree; every tree is one, from one root."""
    if place.kind not in KINDS:
        return
    nodes = place.parameters.treeEnsemble.nodes
    if not len(nodes):
        yield place.finding("treeEnsemble.nodes", "is empty")
        return
    tree, own, leaf, yes, no = (
        np.array(column)
        for column in zip(
            *((n.treeId, n.nodeId, n.nodeBehavior == LEAF, n.trueChildNodeId, n.falseChildNodeId) for n in nodes),
            strict=True,
        )
    )
    place_of = {key: k for k, key in enumerate(zip(tree.tolist(), own.tolist(), strict=True))}
    if len(place_of) != len(nodes):
        yield place.finding("treeEnsemble.nodes", f"{len(nodes) - len(place_of)} nodes have the number of another")
        return
    branch = np.flatnonzero(~leaf)
    children = [
        np.array([place_of.get((int(t), int(c)), -1) for t, c in zip(tree[branch], to[branch], strict=True)], np.int64)
        for to in (yes, no)
    ]
    for child, field in zip(children, ("trueChildNodeId", "falseChildNodeId"), strict=True):
        for k in branch[child < 0][:1]:
            yield _node(place, int(k), f"{field}: there is no such node in tree {tree[k]}")
            return
    yield from _one_tree_each(place, tree, branch, children)


def leaves(place: Place) -> Iterator[Finding]:
    """Leaves add to answers that there are; there is a base value for each."""
    if place.kind not in KINDS:
        return
    ensemble = place.parameters.treeEnsemble
    count = ensemble.numPredictionDimensions
    if len(ensemble.basePredictionValue) != count:
        yield place.finding(
            "treeEnsemble.basePredictionValue", f"{len(ensemble.basePredictionValue)} numbers for {count} answers"
        )
    for k, node in enumerate(ensemble.nodes):
        if any(info.evaluationIndex >= count for info in node.evaluationInfo):
            yield _node(place, k, f"evaluationInfo: adds to an answer beyond the {count} that there are")
            return


def answers(place: Place) -> Iterator[Finding]:
    """A classifier has an answer per label, or one for two labels."""
    if place.kind != "treeEnsembleClassifier":
        return
    classifier = place.parameters
    labels = len(classifier.stringClassLabels.vector) or len(classifier.int64ClassLabels.vector)
    count = classifier.treeEnsemble.numPredictionDimensions
    if count != labels and (count, labels) != (1, 2):
        yield place.finding("treeEnsemble.numPredictionDimensions", f"{count} answers for {labels} labels")


def features(place: Place) -> Iterator[Finding]:
    """A branch asks for a number that comes in."""
    if place.kind not in KINDS:
        return
    for k, node in enumerate(place.parameters.treeEnsemble.nodes):
        if node.nodeBehavior != LEAF and node.branchFeatureIndex >= place.width:
            yield _node(place, k, f"branchFeatureIndex: {node.branchFeatureIndex} of inputs of {place.width} numbers")
            return


def _one_tree_each(place: Place, tree: Integers, branch: Integers, children: list[Integers]) -> Iterator[Finding]:
    """Every node but one of each tree has one parent, and going up from every node ends there."""
    child = np.concatenate(children)
    parents = np.bincount(child, minlength=len(tree))
    root: Flags = parents == 0
    if parents.max(initial=0) > 1:
        yield _node(place, int(np.argmax(parents)), "two branches lead to it")
        return
    for t in np.unique(tree).tolist():
        if int(root[tree == t].sum()) != 1:
            yield place.finding("treeEnsemble.nodes", f"tree {t} has {int(root[tree == t].sum())} roots")
            return
    above = np.arange(len(tree))
    above[child] = np.tile(branch, 2)
    for _ in range(len(tree).bit_length()):  # each round goes up twice as far
        above = above[above]
    for k in np.flatnonzero(~root[above])[:1]:
        yield _node(place, int(k), "is below itself")


def _node(place: Place, k: int, reason: str) -> Finding:
    return place.finding(f"treeEnsemble.nodes[{k}]", reason)
