"""LightGBM, from its own text form of a model.

Source: the decisions of `tree.h` and the outputs of `objective/*.hpp` in LightGBM 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgepack.ir.ops import Binary, Bucket, Constant, Elementwise, Sigmoid, Where
from edgepack.ir.types import Array
from edgepack.lower.boosters.ends import binary, multiclass, scaled
from edgepack.lower.boosters.sides import Sides
from edgepack.lower.builder import Builder, Column, Refused, Table
from edgepack.lower.joined import joined
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch

CATEGORICAL, DEFAULT_LEFT = 1, 2
NO_MISSING, ZERO_MISSING, NAN_MISSING = 0, 1, 2
ZERO = float(np.float32(1e-35))
"""What is no further from 0 counts as 0, in every row that LightGBM reads."""

IDENTITY = ("regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg")
EXPONENTIAL = ("poisson", "gamma", "tweedie")


def classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """LGBMClassifier."""
    model = _Model.of(est.booster_)
    raw = _raw(model, table, b)
    name, options = model.objective
    factor = float(options.get("sigmoid", 1.0))
    if name in ("binary", "cross_entropy"):
        return binary(raw, est.classes_, b, factor=factor)
    if name in ("multiclass", "multiclassova"):
        return multiclass(raw, est.classes_, b, one_versus_rest=name == "multiclassova", factor=factor)
    raise Refused(f"objective {name or 'of your own'} gives no probabilities; use binary or multiclass")


def regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """LGBMRegressor, LGBMRanker."""
    return _value(_Model.of(est.booster_), table, b)


def booster(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """A Booster of the library's own interface: what its `predict` gives."""
    return _value(_Model.of(est), table, b)


PREDICTORS = {
    "lightgbm.basic.Booster": booster,
    "lightgbm.sklearn.LGBMClassifier": classifier,
    "lightgbm.sklearn.LGBMRanker": regressor,
    "lightgbm.sklearn.LGBMRegressor": regressor,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """The header and the trees, each as `key=value` lines."""

    header: Mapping[str, str]
    trees: tuple[Mapping[str, str], ...]

    @classmethod
    def of(cls, booster: Any) -> _Model:
        """Up to the best iteration, as `predict` takes it."""
        text = booster.model_to_string()
        if booster.pandas_categorical:
            raise Refused("pandas categories inside LightGBM; encode them by an OrdinalEncoder before the model")
        head, *sections = text.split("end of trees")[0].split("\nTree=")
        return cls(header=_pairs(head), trees=tuple(_pairs(section) for section in sections))

    @property
    def objective(self) -> tuple[str, dict[str, str]]:
        """Its name, and its options by name; a word without a value is its own value."""
        words = self.header.get("objective", "").split()
        options = (word.partition(":") for word in words[1:])
        return (words[0] if words else ""), {key: value or key for key, _, value in options}

    @property
    def outputs(self) -> int:
        """Scores per row."""
        return int(self.header["num_tree_per_iteration"])


def _pairs(text: str) -> dict[str, str]:
    lines = (line.partition("=") for line in text.splitlines())
    return {key: value for key, _, value in lines}


def _value(model: _Model, table: Table, b: Builder) -> Prediction:
    raw = _raw(model, table, b)
    name, options = model.objective
    if name == "regression" and "sqrt" in options:
        size = b.emit(Binary(function="multiply"), raw, b.emit(Elementwise(function="absolute"), raw))
        return Prediction(value=size)
    if name in IDENTITY or not name:
        return Prediction(value=raw)
    if name in EXPONENTIAL:
        return Prediction(value=b.emit(Elementwise(function="exp"), raw))
    if name == "cross_entropy_lambda":
        return Prediction(value=b.emit(Elementwise(function="log1p"), b.emit(Elementwise(function="exp"), raw)))
    factor = float(options.get("sigmoid", 1.0))
    if name in ("binary", "cross_entropy"):
        return Prediction(value=b.emit(Sigmoid(), scaled(raw, factor, b)))
    if name in ("multiclass", "multiclassova"):
        one_versus_rest = name == "multiclassova"
        answer = multiclass(raw, np.arange(model.outputs), b, one_versus_rest=one_versus_rest, factor=factor)
        return Prediction(value=answer.probabilities)
    raise Refused(f"objective {name}; use one of LightGBM's own")


def _raw(model: _Model, table: Table, b: Builder) -> str:
    x = Table(table.columns)
    sides, zeros = Sides(features=2 * len(x), first=_first), set[int]()
    parts = [_tree(tree, k % model.outputs, model.outputs, sides, zeros, len(x)) for k, tree in enumerate(model.trees)]
    whole = Table((*x.columns, *_without_zeros(x, zeros, b), *sides.emit(x, b)))
    forest = joined(
        **{name: [part[name] for part in parts] for name in parts[0]},
        base=np.zeros(model.outputs),
        divisor=len(parts) / model.outputs if "average_output" in model.header else 1.0,
        features=len(whole),
        compare="float64",
    )
    return b.emit(forest, b.numbers(whole))


def _without_zeros(table: Table, zeros: set[int], b: Builder) -> Iterator[Column]:
    """Every column once more; those with splits that take 0 for missing have NaN in its place."""
    for j, column in enumerate(table.columns):
        if j not in zeros:
            yield column
            continue
        x = b.gather(table.take([j]))
        above = b.emit(Bucket(edges=(np.array([ZERO]),), right=False), b.emit(Elementwise(function="absolute"), x))
        missing = b.emit(Constant(row=np.array([np.nan])), x)
        yield b.table(b.emit(Where(), above, x, missing)).columns[0]


def _tree(
    text: Mapping[str, str], output: int, outputs: int, sides: Sides, zeros: set[int], features: int
) -> dict[str, Array]:
    """Inner nodes in LightGBM's order, then the leaves."""
    if text.get("is_linear", "0") != "0":
        raise Refused("linear_tree=True; train with constant leaves")
    leaves = int(text["num_leaves"])
    value = np.zeros((2 * leaves - 1, outputs))
    value[leaves - 1 :, output] = _numbers(text["leaf_value"])
    inner = leaves - 1
    feature, threshold = np.zeros(len(value), np.int64), np.zeros(len(value))
    nan_left = np.zeros(len(value), np.bool_)
    left, right = np.full(len(value), -1), np.full(len(value), -1)
    if inner:
        feature[:inner], threshold[:inner] = _numbers(text["split_feature"]), _numbers(text["threshold"])
        kinds = _numbers(text["decision_type"]).astype(np.int64)
        missing, default_left = (kinds >> 2) & 3, (kinds & DEFAULT_LEFT) != 0
        # NaN that a split does not know as missing is 0 to it
        nan_left[:inner] = np.where(missing == NO_MISSING, threshold[:inner] >= 0, default_left)
        threshold[:inner] = _of_rounded(threshold[:inner])
        for node in np.flatnonzero((missing == ZERO_MISSING) & ((kinds & CATEGORICAL) == 0)):
            zeros.add(int(feature[node]))
            feature[node] += features
        for node in np.flatnonzero(kinds & CATEGORICAL):
            named = _categories(text, int(threshold[node]))
            feature[node] = sides.column(int(feature[node]), named, other_left=False, missing_left=False)
            threshold[node], nan_left[node] = 0.5, False
        for side, name in ((left, "left_child"), (right, "right_child")):
            child = _numbers(text[name]).astype(np.int64)
            side[:inner] = np.where(child >= 0, child, inner + ~child)
    return {
        "feature": feature,
        "threshold": threshold,
        "nan_left": nan_left,
        "left": left,
        "right": right,
        "value": value,
        "seen": _counts(text, len(value)),
    }


def _counts(text: Mapping[str, str], nodes: int) -> Array:
    """How many training rows came to each node; 1 where the text does not tell."""
    found = np.concatenate([_numbers(text.get(name, "")) for name in ("internal_count", "leaf_count")])
    return found if len(found) == nodes else np.ones(nodes)


def _first(category: int) -> float:
    """A fraction is cut off."""
    return float(category) if category else float(np.nextafter(-1.0, 0.0))


def _of_rounded(threshold: Array) -> Array:
    """Thresholds for numbers as they are that split like these for numbers of which the smallest became 0."""
    below = np.where(threshold >= -ZERO, np.nextafter(-ZERO, -1.0), threshold)
    return np.where(threshold >= 0, np.maximum(threshold, ZERO), below)


def _categories(text: Mapping[str, str], which: int) -> frozenset[int]:
    """The categories that go left: the bits of a run of 32-bit words."""
    start, end = _numbers(text["cat_boundaries"]).astype(np.int64)[which : which + 2]
    words = np.array(text["cat_threshold"].split()[start:end], np.uint32)
    bits = np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little")
    return frozenset(np.flatnonzero(bits).tolist())


def _numbers(text: str) -> Array:
    return np.array(text.split(), np.float64)
