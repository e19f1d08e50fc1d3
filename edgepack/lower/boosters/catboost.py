"""CatBoost, from its own JSON form of a model.

Source: the JSON that `save_model(format="json")` writes, and CatBoost's model evaluator.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgepack.ir.ops import Elementwise
from edgepack.ir.types import Array
from edgepack.lower.boosters.ends import binary, multiclass
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.joined import joined
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch

EXPONENTIAL = ("Poisson", "Tweedie")


def classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """CatBoostClassifier."""
    loss, raw = _raw(est, table, b)
    if loss in ("Logloss", "CrossEntropy"):
        threshold = est.get_probability_threshold()
        if threshold != 0.5:
            raise Refused(f"a probability threshold of {threshold}; compare the probability in the app")
        return binary(raw, est.classes_, b)
    if loss in ("MultiClass", "MultiClassOneVsAll"):
        return multiclass(raw, est.classes_, b, one_versus_rest=loss == "MultiClassOneVsAll")
    raise Refused(f"loss {loss}; use Logloss, CrossEntropy, MultiClass or MultiClassOneVsAll")


def regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """CatBoostRegressor, CatBoostRanker, and CatBoost itself, whose `predict` gives the raw scores."""
    loss, raw = _raw(est, table, b)
    if type(est).__name__ == "CatBoostRegressor" and loss in EXPONENTIAL:
        return Prediction(value=b.emit(Elementwise(function="exp"), raw))
    return Prediction(value=raw)


PREDICTORS = {
    "catboost.core.CatBoost": regressor,
    "catboost.core.CatBoostClassifier": classifier,
    "catboost.core.CatBoostRanker": regressor,
    "catboost.core.CatBoostRegressor": regressor,
}


def _raw(est: Any, table: Table, b: Builder) -> tuple[str, str]:
    """The loss function's name, and the raw scores."""
    model = _model(est)
    features = model["features_info"]
    if features.get("categorical_features") or features.get("text_features") or features.get("embedding_features"):
        raise Refused("CatBoost's own categorical, text or embedding features; encode them by steps before the model")
    scale, bias = model["scale_and_bias"]
    base = np.atleast_1d(np.array(bias, np.float64))
    columns = np.array([f["flat_feature_index"] for f in features["float_features"]], np.int64)
    nan_left = np.array([f["nan_value_treatment"] != "AsTrue" for f in features["float_features"]], np.bool_)
    if "oblivious_trees" in model:
        parts = [_oblivious(tree, len(base), columns, nan_left) for tree in model["oblivious_trees"]]
    else:
        parts = [_grown(tree, len(base), columns, nan_left) for tree in model["trees"]]
    for part in parts:
        part["value"] *= scale
    forest = joined(
        **{name: [part[name] for part in parts] for name in parts[0]},
        base=base,
        divisor=1.0,
        features=len(table),
        compare="float32",
    )
    return model["model_info"]["params"]["loss_function"]["type"], b.emit(forest, b.numbers(table))


def _model(est: Any) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        est.save_model(str(path), format="json")
        model: Mapping[str, Any] = json.loads(path.read_text())
        return model


def _oblivious(tree: Mapping[str, Any], outputs: int, columns: Array, nan_left: Array) -> dict[str, Array]:
    """A tree that asks the same question on each level: bit i of a leaf's number says whether x is above border i."""
    splits = tree["splits"] or []
    depth = len(splits)
    inner = 2**depth - 1
    node = np.arange(inner)
    level = np.floor(np.log2(node + 1)).astype(np.int64)
    feature, border = _asked(splits, columns)
    asked = nan_left[[split["float_feature_index"] for split in splits]] if depth else np.zeros(0, np.bool_)
    # the root asks for the highest bit, so that the leaves stand in their own order
    which = depth - 1 - level
    leaf = np.zeros(inner + 1)
    value = np.zeros((2 * inner + 1, outputs))
    value[inner:] = np.array(tree["leaf_values"], np.float64).reshape(-1, outputs)
    blank = np.full(inner + 1, -1)
    return {
        "feature": np.concatenate([feature[which], leaf]).astype(np.int64),
        "threshold": np.concatenate([border[which], leaf]),
        "nan_left": np.concatenate([asked[which], leaf.astype(np.bool_)]),
        "left": np.concatenate([2 * node + 1, blank]),
        "right": np.concatenate([2 * node + 2, blank]),
        "value": value,
    }


def _asked(splits: Any, columns: Array) -> tuple[Array, Array]:
    if wrong := {split["split_type"] for split in splits} - {"FloatFeature"}:
        raise Refused(f"splits of type {', '.join(sorted(wrong))}; encode categories by steps before the model")
    feature = np.array([columns[split["float_feature_index"]] for split in splits], np.int64)
    # x > border to the right; a border is a float32 number
    return feature, np.array([split["border"] for split in splits], np.float64)


def _grown(tree: Mapping[str, Any], outputs: int, columns: Array, nan_left: Array) -> dict[str, Array]:
    """A tree of nested nodes (grow_policy Lossguide or Depthwise), parents first."""
    nodes: list[tuple[Any, int, int]] = []
    waiting: list[tuple[Any, int, bool]] = [(tree, -1, False)]
    while waiting:
        node, parent, is_right = waiting.pop()
        nodes.append((node, -1, -1))
        number = len(nodes) - 1
        if parent >= 0:
            inner, left, right = nodes[parent]
            nodes[parent] = (inner, left, number) if is_right else (inner, number, right)
        if "split" in node:
            waiting += [(node["right"], number, True), (node["left"], number, False)]
    splits = [node.get("split") for node, _, _ in nodes]
    asked = [split for split in splits if split is not None]
    inner_nodes = np.array([split is not None for split in splits])
    feature, border = _asked(asked, columns)
    part = {
        "feature": np.zeros(len(nodes), np.int64),
        "threshold": np.zeros(len(nodes)),
        "nan_left": np.zeros(len(nodes), np.bool_),
        "left": np.array([left for _, left, _ in nodes]),
        "right": np.array([right for _, _, right in nodes]),
        "value": np.zeros((len(nodes), outputs)),
    }
    part["feature"][inner_nodes], part["threshold"][inner_nodes] = feature, border
    part["nan_left"][inner_nodes] = nan_left[[split["float_feature_index"] for split in asked]]
    for k, (node, _, _) in enumerate(nodes):
        if "value" in node:
            part["value"][k] = node["value"]
    return part
