"""Forests as tree ensembles."""

from __future__ import annotations

import numpy as np

from edgepack.ir.ops import Forest
from edgepack.ir.types import Floats
from edgepack_coreml import ensemble
from edgepack_coreml.builder import Builder
from edgepack_coreml.ensemble import EQUAL, LEAF, LESS_EQUAL, Ensemble
from edgepack_coreml.feature import Feature
from edgepack_coreml.refused import Refused
from edgepack_coreml.source import Grown, Numbers, columns_of
from edgepack_coreml.threshold import rounding_threshold


def forest(op: Forest, table: Numbers) -> Numbers:
    """The forest itself, to be written when it is known what takes it.

    Raises:
        Refused: for a split that the device could decide otherwise than the server.
    """
    if not all(table[k].exact for k in op.asked):
        raise Refused(
            "splits on numbers whose last bits depend on rounding",
            "put scalers in front of the trees only where edgepack can fold them, or use the onnx target",
        )
    inner = np.flatnonzero(~op.is_leaf)
    rounds = op.compare == "float32"
    if rounds and not all(table[k].float32 for k in np.unique(op.feature[op.equal])):
        raise Refused("asks whether float64 numbers equal a float32 number", "use float32 inputs")
    reached = np.zeros(len(op.feature), np.bool_)
    for nodes in (op.left[inner], op.right[inner], op.roots):
        reached[nodes] = True
    if not reached.all() or 2 * len(inner) + len(op.roots) != len(reached):
        raise Refused("shares nodes between branches, or has some that none reaches, which Core ML does not allow")
    scale = np.full(len(op.base), 1.0)
    return columns_of(Grown(columns=table, forest=op, scale=scale, shift=np.zeros(len(op.base))))


def write(b: Builder, grown: Grown, name: str) -> Feature:
    """A treeEnsembleRegressor for one output, named as said; trees that add nothing to it are left out."""
    features, trees = planted(b, grown, *contributions(grown))
    out = Feature(name=name, kind="double", exact=grown.exact, float32=grown.float32)
    b.add("treeEnsembleRegressor", features, [out], ensemble.regressor_body(trees.thinned()), predicted=name)
    return out


def contributions(grown: Grown) -> tuple[Floats, Floats]:
    """`(nodes, outputs)` what each leaf adds and `(outputs,)` what is there without it: Core ML divides nothing."""
    op = grown.forest
    value = op.value / op.divisor
    value *= grown.scale
    return value, op.base / op.divisor * grown.scale + grown.shift


def planted(b: Builder, grown: Grown, value: Floats, base: Floats) -> tuple[tuple[Feature, ...], Ensemble]:
    """The features that an ensemble takes, and the ensemble with these values in its leaves."""
    op = grown.forest
    inner = ~op.is_leaf
    asked = op.asked.tolist() or [0]
    features, at = b.around(tuple(grown.columns[k] for k in asked))
    position, float32 = np.zeros(op.features, np.int64), np.zeros(op.features, np.bool_)
    position[asked] = at
    float32[asked] = [grown.columns[k].float32 for k in asked]
    rounds = np.flatnonzero(inner & ~op.equal)
    if op.compare == "float64" and not float32[asked].all():
        rounds = rounds[float32[op.feature[rounds]]]
    threshold = op.threshold.copy()
    threshold[rounds] = rounding_threshold(threshold[rounds])
    tree = op.tree
    start = op.roots[tree]
    trees = Ensemble(
        tree=tree,
        node=np.arange(len(tree)) - start,
        behavior=np.where(inner, np.where(op.equal, np.int8(EQUAL), np.int8(LESS_EQUAL)), np.int8(LEAF)),
        feature=position[op.feature],
        threshold=threshold,
        yes=op.left - start,
        no=op.right - start,
        nan_yes=op.nan_left,
        value=value,
        base=base,
    )
    return features, trees
