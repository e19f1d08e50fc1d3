"""Rules on tree ensembles, over arrays of all nodes at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgepack.ir.types import Array, Flags, Integers
from edgepack_coreml.lint.place import Finding, Place

KINDS = ("treeEnsembleClassifier", "treeEnsembleRegressor")
LEAF = 6
"""`LeafNode` of `TreeNodeBehavior`."""
NODE = np.dtype([("tree", np.uint64), ("node", np.uint64), ("leaf", np.bool_), ("yes", np.uint64), ("no", np.uint64)])
ENTRY = np.dtype([("node", np.int64), ("index", np.uint64)])


def structure(place: Place) -> Iterator[Finding]:
    """Nodes have numbers of their own; every branch has two others of its tree; every tree is one, from one root."""
    if place.kind not in KINDS:
        return
    nodes = place.parameters.treeEnsemble.nodes
    if not len(nodes):
        yield place.finding("treeEnsemble.nodes", "is empty")
        return
    columns = ((n.treeId, n.nodeId, n.nodeBehavior == LEAF, n.trueChildNodeId, n.falseChildNodeId) for n in nodes)
    found = np.fromiter(columns, NODE, len(nodes))
    ids, own = np.unique(found["node"], return_inverse=True)
    named, tree = np.unique(found["tree"], return_inverse=True)
    keys = tree * len(ids) + own
    order = np.argsort(keys)
    repeated = int((np.diff(keys[order]) == 0).sum())
    if repeated:
        yield place.finding("treeEnsemble.nodes", f"{repeated} nodes have the number of another")
        return
    branch = np.flatnonzero(~found["leaf"])
    children = []
    for field, title in (("yes", "trueChildNodeId"), ("no", "falseChildNodeId")):
        to = found[field][branch]
        at = np.minimum(np.searchsorted(ids, to), len(ids) - 1)
        wanted = tree[branch] * len(ids) + at
        place_of = order[np.minimum(np.searchsorted(keys[order], wanted), len(order) - 1)]
        for k in branch[(ids[at] != to) | (keys[place_of] != wanted)][:1]:
            yield _node(place, int(k), f"{title}: there is no such node in tree {found['tree'][k]}")
            return
        children.append(place_of)
    yield from _one_tree_each(place, tree, named, branch, children)


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
    listed = ((k, info.evaluationIndex) for k, node in enumerate(ensemble.nodes) for info in node.evaluationInfo)
    entries = np.fromiter(listed, ENTRY)
    for k in entries["node"][entries["index"] >= count][:1]:
        yield _node(place, int(k), f"evaluationInfo: adds to an answer beyond the {count} that there are")


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
    nodes, width = place.parameters.treeEnsemble.nodes, place.width
    asked = np.fromiter((0 if n.nodeBehavior == LEAF else n.branchFeatureIndex for n in nodes), np.uint64, len(nodes))
    for k in np.flatnonzero(asked >= width).tolist():
        if nodes[k].nodeBehavior != LEAF:  # which asks for nothing, and there may be nothing
            yield _node(place, k, f"branchFeatureIndex: {asked[k]} of inputs of {width} numbers")
            return


def _one_tree_each(
    place: Place, tree: Integers, named: Array, branch: Integers, children: list[Integers]
) -> Iterator[Finding]:
    """Every node but one of each tree has one parent, and going up from every node ends there."""
    child = np.concatenate(children)
    parents = np.bincount(child, minlength=len(tree))
    root: Flags = parents == 0
    if parents.max(initial=0) > 1:
        yield _node(place, int(np.argmax(parents)), "two branches lead to it")
        return
    roots = np.bincount(tree[root], minlength=len(named))
    for t in np.flatnonzero(roots != 1)[:1]:
        yield place.finding("treeEnsemble.nodes", f"tree {named[t]} has {roots[t]} roots")
        return
    above = np.arange(len(tree))
    above[child] = np.tile(branch, 2)
    for _ in range(len(tree).bit_length()):  # each round goes up twice as far
        above = above[above]
    for k in np.flatnonzero(~root[above])[:1]:
        yield _node(place, int(k), "is below itself")


def _node(place: Place, k: int, reason: str) -> Finding:
    return place.finding(f"treeEnsemble.nodes[{k}]", reason)
