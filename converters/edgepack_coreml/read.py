"""A classic file read back: the trees that it holds, over the interface's inputs.

Only tree ensembles behind category mappings are recognised; of anything else nothing is said. Core ML divides nothing,
so a mean's divisor is in the leaves.

Source: mlmodel/format/TreeEnsemble.proto, CategoricalMapping.proto.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from edgepack.contract import Interface
from edgepack.ir.decisions import Decisions, Feature
from edgepack.ir.ops import Forest, Lookup
from edgepack.ir.types import Flags, Floats, Integers
from edgepack_coreml.ensemble import EQUAL, LEAF, LESS_EQUAL, LOGISTIC, NO_TRANSFORM, SOFTMAX
from edgepack_coreml.labels import core_ml_labels
from edgepack_coreml.proto import messages

Columns = tuple[Feature, ...]


class Unrecognised(Exception):
    """The model is not one of those that are read."""


def read_decisions(path: Path, interface: Interface) -> Decisions | None:
    """The decisions of a file that is one tree ensemble; None for any other model."""
    if path.is_dir():
        return None
    model = messages().Model.FromString(path.read_bytes())
    try:
        return _read(model, interface)
    except Unrecognised:
        return None


def _read(model: Any, interface: Interface) -> Decisions:
    stages = _stages(model)
    known: dict[str, Columns] = {
        i.name: tuple(Feature(input=k, column=j) for j in range(i.width)) for k, i in enumerate(interface.inputs)
    }
    strings = {i.name: i.missing_token for i in interface.strings}
    for stage in stages[:-1]:
        source = stage.description.input[0].name
        if stage.WhichOneof("Type") != "categoricalMapping" or source not in strings:
            raise Unrecognised
        known[stage.description.output[0].name] = (_mapped(stage, known[source][0], strings[source]),)
    last = stages[-1]
    features = tuple(f for taken in last.description.input for f in _taken(known, strings, taken.name))
    if last.WhichOneof("Type") == "treeEnsembleRegressor":
        if last.treeEnsembleRegressor.postEvaluationTransform != NO_TRANSFORM or interface.outputs != ("value",):
            raise Unrecognised
        forest = forest_of(last.treeEnsembleRegressor.treeEnsemble, len(features))
        return Decisions(features=features, forest=forest, link="identity", tie="none", rounded=True)
    if last.WhichOneof("Type") != "treeEnsembleClassifier" or set(interface.outputs) != {"label", "probabilities"}:
        raise Unrecognised
    message = last.treeEnsembleClassifier
    labels = message.stringClassLabels.vector or message.int64ClassLabels.vector
    if tuple(labels) != core_ml_labels(interface.classes or ()):
        raise Unrecognised
    forest = forest_of(message.treeEnsemble, len(features))
    link, tie = _end(message.postEvaluationTransform, len(forest.base), len(labels))
    return Decisions(features=features, forest=forest, link=link, tie=tie, rounded=True)


def _stages(model: Any) -> list[Any]:
    kind = model.WhichOneof("Type")
    if kind in ("pipelineClassifier", "pipelineRegressor"):
        return list(getattr(model, kind).pipeline.models)
    return [model]


def _taken(known: dict[str, Columns], strings: dict[str, str], name: str) -> Columns:
    if name not in known or name in strings:
        raise Unrecognised
    return known[name]


def _mapped(stage: Any, text: Feature, missing: str) -> Feature:
    message = stage.categoricalMapping
    if message.WhichOneof("MappingType") != "stringToInt64Map":
        raise Unrecognised
    codes, unknown = dict(message.stringToInt64Map.map), message.int64Value
    gone = codes.pop(missing, unknown)
    keys = np.array(list(codes), object)
    table = np.array([*codes.values(), unknown, gone], np.float64)[:, None]
    return Feature(input=text.input, column=text.column, lookup=Lookup(keys=keys, table=table))


def _end(
    transform: int, dimensions: int, labels: int
) -> tuple[Literal["identity", "sigmoid", "softmax"], Literal["first", "last"]]:
    if dimensions == labels and transform in (NO_TRANSFORM, SOFTMAX):
        return ("softmax" if transform == SOFTMAX else "identity"), "first"
    if dimensions == 1 and labels == 2 and transform == LOGISTIC:
        return "sigmoid", "last"
    raise Unrecognised


def forest_of(message: Any, features: int) -> Forest:
    """The ensemble's nodes in the file's order of trees, each tree's root first."""
    nodes = message.nodes
    tree, number, behavior, feature, yes, no = (
        np.array([getattr(n, name) for n in nodes], np.int64)
        for name in ("treeId", "nodeId", "nodeBehavior", "branchFeatureIndex", "trueChildNodeId", "falseChildNodeId")
    )
    leaf = behavior == LEAF
    if not np.isin(behavior, (LESS_EQUAL, EQUAL, LEAF)).all() or np.any(feature[~leaf] >= features):
        raise Unrecognised
    left, right = _children(tree, number, leaf, yes), _children(tree, number, leaf, no)
    parents = np.bincount(np.concatenate([left[~leaf], right[~leaf]]), minlength=len(tree))
    roots = np.flatnonzero(parents == 0)
    roots = roots[np.argsort(tree[roots], kind="stable")]
    if parents.max(initial=0) > 1 or len(np.unique(tree[roots])) != len(roots):
        raise Unrecognised
    return Forest(
        feature=np.where(leaf, 0, feature),
        threshold=np.array([n.branchFeatureValue for n in nodes], np.float64),
        equal=behavior == EQUAL,
        nan_left=np.array([n.missingValueTracksTrueChild for n in nodes], np.bool_),
        left=left,
        right=right,
        value=_values(nodes, message.numPredictionDimensions),
        roots=roots,
        base=np.array(message.basePredictionValue or [0.0] * message.numPredictionDimensions),
        divisor=1.0,
        features=features,
        compare="float64",
    )


def _children(tree: Integers, number: Integers, leaf: Flags, child: Integers) -> Integers:
    """The places of children that are named by their numbers; −1 in leaves."""
    span = int(number.max(initial=0)) + 1
    key, wanted = tree * span + number, tree * span + child
    order = np.argsort(key)
    at = order[np.minimum(np.searchsorted(key[order], wanted), len(order) - 1)]
    if len(np.unique(key)) != len(key) or np.any(child[~leaf] >= span) or np.any(key[at[~leaf]] != wanted[~leaf]):
        raise Unrecognised
    return np.where(leaf, -1, at)


def _values(nodes: Any, dimensions: int) -> Floats:
    value = np.zeros((len(nodes), dimensions))
    for k, node in enumerate(nodes):
        for entry in node.evaluationInfo:
            value[k, entry.evaluationIndex] = entry.evaluationValue
    return value
