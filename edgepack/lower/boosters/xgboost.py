"""XGBoost, from its own JSON form of a model.

Source: the JSON schema of XGBoost 3, `GetNextNode` and `common::Decision` of its CPU predictor, and its objectives.
XGBoost adds float32 numbers in float32; a Program adds the same numbers in float64.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from edgepack.ir.ops import Binary, Bucket, Constant, Elementwise, Impute, Linear, Select, Sigmoid, Softmax, Where
from edgepack.ir.types import Array, Floats
from edgepack.lower.boosters.ends import binary, multiclass
from edgepack.lower.boosters.sides import Sides
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.joined import joined
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch

LOGISTIC = ("binary:logistic", "reg:logistic")
EXPONENTIAL = ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft")
IDENTITY = (
    "binary:logitraw",
    "rank:map",
    "rank:ndcg",
    "rank:pairwise",
    "reg:absoluteerror",
    "reg:pseudohubererror",
    "reg:quantileerror",
    "reg:expectileerror",
    "reg:squarederror",
    "reg:squaredlogerror",
)


def classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """XGBClassifier, XGBRFClassifier."""
    name, raw = _raw(est, table, b)
    if b.types[raw].width == 1 and name in LOGISTIC:
        return binary(raw, est.classes_, b)
    if name in ("multi:softprob", "multi:softmax"):
        return multiclass(raw, est.classes_, b)
    if name in LOGISTIC:
        labels = [b.emit(Select(columns=np.array([k])), raw) for k in range(b.types[raw].width)]
        return Prediction(targets=tuple(binary(label, [0, 1], b) for label in labels), multilabel=True)
    raise Refused(f"objective {name} gives no probabilities; use binary:logistic or multi:softprob")


def regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """XGBRegressor, XGBRFRegressor, XGBRanker; a Booster of the library's own interface."""
    name, raw = _raw(est, table, b)
    if name in IDENTITY:
        return Prediction(value=raw)
    if name in EXPONENTIAL:
        return Prediction(value=b.emit(Elementwise(function="exp"), raw))
    if name in LOGISTIC:
        return Prediction(value=b.emit(Sigmoid(), raw))
    if name == "multi:softprob":
        return Prediction(value=b.emit(Softmax(), raw))
    raise Refused(f"objective {name}; use one of {', '.join((*IDENTITY, *EXPONENTIAL, *LOGISTIC))}")


def native_booster(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """A Booster of the library's own interface, as `edgepack.source` wraps it: what its `predict` gives."""
    return regressor(est.booster, table, b, lower)


PREDICTORS = {
    "edgepack.source.boosters.NativeBooster": native_booster,
    "xgboost.core.Booster": regressor,
    "xgboost.sklearn.XGBClassifier": classifier,
    "xgboost.sklearn.XGBRFClassifier": classifier,
    "xgboost.sklearn.XGBRFRegressor": regressor,
    "xgboost.sklearn.XGBRanker": regressor,
    "xgboost.sklearn.XGBRegressor": regressor,
}


def _raw(est: Any, table: Table, b: Builder) -> tuple[str, str]:
    """The objective's name, and the margins."""
    learner = _learner(est)
    objective = learner["objective"]["name"]
    parameters = learner["learner_model_param"]
    outputs = max(int(parameters["num_class"]), int(parameters.get("num_target", "1")), 1)
    base = _base(parameters["base_score"], objective, outputs)
    x = b.numbers(table)
    missing = getattr(est, "missing", np.nan)
    if missing is not None and not np.isnan(missing):
        x = _without(float(np.float32(missing)), x, b)
    booster = learner["gradient_booster"]
    if booster["name"] == "gblinear":
        x = b.emit(Impute(fill=np.zeros(len(table)), sentinel=np.nan), x)
        weights = np.array(booster["model"]["weights"], np.float64).reshape(-1, outputs)
        return objective, b.emit(Linear(coef=weights[:-1].T.copy(), intercept=weights[-1] + base), x)
    return objective, _forest(booster, base, b.table(x), b)


def _without(value: float, x: str, b: Builder) -> str:
    """NaN in place of what becomes this float32 number when it is rounded."""
    width = b.types[x].width
    edges = np.array([np.nextafter(_lowest(value), -np.inf), -_lowest(-value)])
    inside = b.emit(Bucket(edges=(edges,) * width, right=False), x)
    is_missing = b.emit(Binary(function="equal"), inside, b.emit(Constant(row=np.ones(1)), x))
    return b.emit(Where(), is_missing, b.emit(Constant(row=np.array([np.nan])), x), x)


def _lowest(value: float) -> float:
    """The smallest float64 that becomes a float32 number (or −0 for 0) when it is rounded."""
    below = float(np.nextafter(np.float32(value), np.float32(-np.inf)))
    middle = (value + below) / 2
    return middle if np.float32(middle) == np.float32(value) else float(np.nextafter(middle, np.inf))


def _first(category: int) -> float:
    """A float32 number whose fraction is cut off; below 0 it is no category."""
    return _lowest(float(category))


def _learner(est: Any) -> Mapping[str, Any]:
    """Up to the best iteration, as `predict` takes it."""
    booster = est.get_booster() if hasattr(est, "get_booster") else est
    if getattr(est, "early_stopping_rounds", None):
        booster = booster[: est.best_iteration + 1]
    learner: Mapping[str, Any] = json.loads(bytes(booster.save_raw("json")))["learner"]
    return learner


def _base(text: str, objective: str, outputs: int) -> Floats:
    """The margins before the first tree: XGBoost keeps them on the scale of the answer."""
    score = np.atleast_1d(np.array(json.loads(text), np.float32)).astype(np.float64)
    if objective in LOGISTIC:
        score = -np.log(1.0 / score - 1.0)
    elif objective in EXPONENTIAL:
        score = np.log(score)
    return np.broadcast_to(score.astype(np.float32).astype(np.float64), outputs).copy()


def _forest(booster: Mapping[str, Any], base: Floats, table: Table, b: Builder) -> str:
    model = booster.get("gbtree", booster)["model"]
    weights = booster.get("weight_drop", [1.0] * len(model["trees"]))
    sides = Sides(features=len(table), first=_first)
    parts = [
        _tree(tree, int(output), len(base), float(weight), sides)
        for tree, output, weight in zip(model["trees"], model["tree_info"], weights, strict=True)
    ]
    if not parts:
        raise Refused("no trees; train at least one round")
    whole = Table((*table.columns, *sides.emit(table, b)))
    forest = joined(
        **{name: [part[name] for part in parts] for name in parts[0]},
        base=base,
        divisor=1.0,
        features=len(whole),
        compare="float32",
    )
    return b.emit(forest, b.numbers(whole))


def _tree(tree: Mapping[str, Any], output: int, outputs: int, weight: float, sides: Sides) -> dict[str, Array]:
    if int(tree["tree_param"].get("size_leaf_vector", "1")) > 1:
        raise Refused("multi_strategy='multi_output_tree'; use one_output_per_tree")
    left, right = np.array(tree["left_children"], np.int64), np.array(tree["right_children"], np.int64)
    inner = left >= 0
    condition = np.array(tree["split_conditions"], np.float32)
    feature = np.array(tree["split_indices"], np.int64)
    nan_left = np.array(tree["default_left"], np.bool_) & inner
    with np.errstate(over="ignore"):
        # x < t of float32 numbers is x <= the number below t
        threshold = np.nextafter(condition, np.float32(-np.inf)).astype(np.float64)
    for start, size, node in zip(
        tree["categories_segments"], tree["categories_sizes"], tree["categories_nodes"], strict=True
    ):
        named = frozenset(int(c) for c in tree["categories"][start : start + size])
        feature[node] = sides.column(int(feature[node]), named, other_left=True, missing_left=bool(nan_left[node]))
        threshold[node], nan_left[node] = 0.5, False
    value = np.zeros((len(left), outputs))
    value[~inner, output] = condition[~inner].astype(np.float64) * weight
    return {
        "feature": feature,
        "threshold": threshold,
        "nan_left": nan_left,
        "left": left,
        "right": right,
        "value": value,
        "seen": np.array(tree["sum_hessian"], np.float64),
    }
