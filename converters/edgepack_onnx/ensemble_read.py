"""A `TreeEnsemble`'s attributes read back as a Forest.

Source: https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md#ai.onnx.ml.TreeEnsemble
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgepack.ir.ops import Forest
from edgepack.ir.types import Array, Floats, Integers
from edgepack_onnx.split import EQ, LARGEST_EXACT, LEQ, NEQ, adds_exactly

TURNED = {
    "truenodeids": "falsenodeids",
    "falsenodeids": "truenodeids",
    "trueleafs": "falseleafs",
    "falseleafs": "trueleafs",
    "missing_value_tracks_true": "",
}
"""What a turned split says in the place of each attribute; the last one is answered with its opposite."""


class Unrecognised(Exception):
    """The graph or the ensemble is not one of those that are read."""


def forest_of(found: dict[str, Any], features: int, rows: Floats | None, divisor: float, *, single: bool) -> Forest:
    """The ensemble's nodes, then its leaves, as one forest; `single` where it compares and adds in float32."""
    feature, mode = _taken(found, "nodes_featureids"), _taken(found, "nodes_modes").astype(np.int64)
    target, weight = _taken(found, "leaf_targetids"), _taken(found, "leaf_weights")
    n, leaves, targets = len(feature), len(target), int(found.pop("n_targets", 0))
    tracks = np.asarray(found.pop("nodes_missing_value_tracks_true", np.zeros(n, np.int64)))
    true = _children(found, "true", n, leaves)
    false = _children(found, "false", n, leaves)
    roots, threshold = _taken(found, "tree_roots"), _taken(found, "nodes_splits")
    plain = found.pop("aggregate_function", 1) == 1 and found.pop("post_transform", 0) == 0 and not found
    lengths = {len(x) for x in (feature, mode, tracks, true, false, threshold)}
    alike = threshold.dtype == weight.dtype == (np.float32 if single else np.float64)
    threshold, weight = threshold.astype(np.float64), weight.astype(np.float64)
    if (
        not plain
        or len(lengths) != 1
        or not alike
        or (single and not (adds_exactly(weight, len(roots)) if rows is None else weight.max() < LARGEST_EXACT))
        or len(weight) != leaves
        or not np.isin(mode, (LEQ, EQ, NEQ)).all()
    ):
        raise Unrecognised
    for numbers, count in ((feature, features), (target, targets), (roots, n)):
        if np.any(numbers < 0) or np.any(numbers >= count):
            raise Unrecognised
    differs = mode == NEQ
    value = np.zeros((leaves, targets))
    value[np.arange(leaves), target] = weight
    left, right = np.where(differs, false, true), np.where(differs, true, false)
    base = np.zeros(targets)
    if rows is not None:
        # every tree has a sum of its own; a first sum that no tree adds to is 0, which names the first row
        silent = targets - len(roots)
        if silent not in (0, 1) or np.any(_owners(roots, left, right, leaves) + silent != target):
            raise Unrecognised
        if np.any(weight != np.floor(weight)) or weight.min() < 0 or weight.max() >= len(rows):
            raise Unrecognised
        value = rows[weight.astype(np.int64)]
        base = rows[0] * silent
    nothing = np.zeros(leaves, np.int64)
    return Forest(
        feature=np.concatenate([feature, nothing]),
        threshold=np.concatenate([threshold, nothing.astype(np.float64)]),
        equal=np.concatenate([mode != LEQ, nothing > 0]),
        nan_left=np.concatenate([~differs & (tracks > 0), nothing > 0]),
        left=np.concatenate([left, nothing - 1]),
        right=np.concatenate([right, nothing - 1]),
        value=np.concatenate([np.zeros((n, value.shape[1])), value]),
        roots=roots,
        base=base,
        divisor=divisor,
        features=features,
        compare="float64",
    )


def unturn(found: dict[str, Any], features: int) -> None:
    """Says splits on negated columns by the columns themselves: not `-x <= s` is `x <= t`, t the number below −s."""
    n = len(found.get("nodes_featureids", ()))
    found.setdefault("nodes_missing_value_tracks_true", np.zeros(n, np.int64))
    asked = {name: np.asarray(found.get(f"nodes_{name}")) for name in (*TURNED, "featureids", "modes", "splits")}
    if any(values.shape != (n,) for values in asked.values()):
        raise Unrecognised
    turned = asked["featureids"] >= features
    if np.any(asked["modes"][turned] != LEQ):
        raise Unrecognised
    threshold = asked["splits"]
    with np.errstate(over="ignore", under="ignore"):
        below = np.nextafter(-threshold, np.array(-np.inf, threshold.dtype))
    found["nodes_splits"] = np.where(turned, below, threshold)
    found["nodes_featureids"] = np.where(turned, asked["featureids"] - features, asked["featureids"])
    for name, other in TURNED.items():
        elsewhere = asked[other] if other else 1 - (asked[name] > 0)
        found[f"nodes_{name}"] = np.where(turned, elsewhere, asked[name])


def _owners(roots: Integers, left: Integers, right: Integers, leaves: int) -> Integers:
    """The number of the tree that each leaf belongs to; −1 where none or several do."""
    n = len(left)
    owner = np.full(n + leaves, -2)
    for tree, root in enumerate(roots.tolist()):
        todo = [root]
        while todo:
            node = todo.pop()
            if node < n:
                if owner[node] != -2:
                    raise Unrecognised
                todo += [int(left[node]), int(right[node])]
            owner[node] = tree if owner[node] in (-2, tree) else -1
    return owner[n:]


def _children(found: dict[str, Any], side: str, nodes: int, leaves: int) -> Integers:
    """A side's children as numbers among nodes and, after them, leaves."""
    child, leaf = _taken(found, f"nodes_{side}nodeids"), _taken(found, f"nodes_{side}leafs") != 0
    if len(child) != len(leaf) or np.any(child < 0) or np.any(child >= np.where(leaf, leaves, nodes)):
        raise Unrecognised
    return np.where(leaf, child + nodes, child)


def _taken(found: dict[str, Any], name: str) -> Array:
    if name not in found:
        raise Unrecognised
    return np.asarray(found.pop(name))
