"""Decision trees and everything that adds them up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import dummy, ensemble, tree

from edgepack.ir.ops import Affine, ArgMax, Complement, Elementwise, Forest, Lookup, Sigmoid, Softmax, Step, Sum
from edgepack.ir.types import Array, Flags, Floats
from edgepack.lower.beginning import beginning, other_than_sums
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.joined import joined
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def tree_classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """DecisionTreeClassifier, ExtraTreeClassifier: the leaf's class frequencies; the first of the largest wins."""
    return _mean_classifier(est, [est], table, b)


def tree_regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """DecisionTreeRegressor, ExtraTreeRegressor: the leaf's value."""
    return _mean_regressor([est], table, b)


def forest_classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """RandomForestClassifier, ExtraTreesClassifier: the trees' frequencies added in order, divided once."""
    return _mean_classifier(est, est.estimators_, table, b)


def forest_regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """RandomForestRegressor, ExtraTreesRegressor."""
    return _mean_regressor(est.estimators_, table, b)


def gradient_boosting_classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """Raw scores, then the loss's own link; a binary score of exactly 0 is class 1."""
    raw = _boosted(est, table, b, lower)
    if est.estimators_.shape[1] > 1:
        label = b.emit(ArgMax(), raw)
        return Prediction(label=label, probabilities=b.emit(Softmax(), raw), decision=raw, classes=est.classes_)
    score = raw
    if est.loss == "exponential":  # its link is the half logit: p = expit(2 · raw)
        score = b.emit(Affine(factor=np.array([2.0])), raw)
    probabilities = b.emit(Complement(), b.emit(Sigmoid(), score))
    label = b.emit(Step(threshold=0.0, strict=False), raw)
    return Prediction(label=label, probabilities=probabilities, decision=raw, classes=est.classes_)


def gradient_boosting_regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The raw score is the value, for every loss."""
    return Prediction(value=_boosted(est, table, b, lower))


def hist_gradient_boosting_classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """Raw scores, then expit or softmax; a binary score of exactly 0 is class 0."""
    raw = _histogram_boosted(est, table, b, lower)
    if est.n_trees_per_iteration_ > 1:
        # scikit-learn takes the largest raw score, which is also the largest probability
        label = b.emit(ArgMax(), raw)
        return Prediction(label=label, probabilities=b.emit(Softmax(), raw), decision=raw, classes=est.classes_)
    probabilities = b.emit(Complement(), b.emit(Sigmoid(), raw))
    label = b.emit(Step(threshold=0.0, strict=True), raw)
    return Prediction(label=label, probabilities=probabilities, decision=raw, classes=est.classes_)


def hist_gradient_boosting_regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The raw score, or its exponential for the losses with a log link (poisson, gamma)."""
    raw = _histogram_boosted(est, table, b, lower)
    link = type(est._loss.link).__name__
    if link == "IdentityLink":
        return Prediction(value=raw)
    if link == "LogLink":
        return Prediction(value=b.emit(Elementwise(function="exp"), raw))
    raise Refused(f"loss={est.loss!r} with {link}; use a loss with the identity or log link")


def are_trees(estimators: Sequence[Any]) -> bool:
    """Whether all are single trees of one target, which may join in one `Forest`."""
    return all(type(e) in TREES and e.n_outputs_ == 1 for e in estimators)


def forest_of(
    trees: Sequence[Any],
    values: Sequence[Floats],
    base: Floats,
    divisor: float,
    features: int,
    columns: Sequence[Any] | None = None,
) -> Forest:
    """scikit-learn's trees as one `Forest`; they compare a float32 with a float64 threshold.

    Args:
        values: `(nodes, outputs)` of each tree.
        columns: which of the features each tree is given; all of them where None.
    """
    inner = [t.tree_ for t in trees]
    asked = [t.feature for t in inner]
    if columns is not None:
        asked = [np.asarray(own)[np.maximum(f, 0)] for own, f in zip(columns, asked, strict=True)]
    return joined(
        feature=asked,
        threshold=[t.threshold for t in inner],
        nan_left=[t.missing_go_to_left for t in inner],
        left=[t.children_left for t in inner],
        right=[t.children_right for t in inner],
        value=values,
        seen=[t.n_node_samples for t in inner],
        base=base,
        divisor=divisor,
        features=features,
        compare="float32",
    )


TREES = (tree.DecisionTreeClassifier, tree.DecisionTreeRegressor, tree.ExtraTreeClassifier, tree.ExtraTreeRegressor)

ASKED_IN_FLOAT32 = (
    *TREES,
    ensemble.ExtraTreesClassifier,
    ensemble.ExtraTreesRegressor,
    ensemble.GradientBoostingClassifier,
    ensemble.GradientBoostingRegressor,
    ensemble.RandomForestClassifier,
    ensemble.RandomForestRegressor,
)
"""What answers a float32 as it answers that number in float64: it rounds its rows itself."""

PREDICTORS = {
    tree.DecisionTreeClassifier: tree_classifier,
    tree.DecisionTreeRegressor: tree_regressor,
    tree.ExtraTreeClassifier: tree_classifier,
    tree.ExtraTreeRegressor: tree_regressor,
    ensemble.RandomForestClassifier: forest_classifier,
    ensemble.RandomForestRegressor: forest_regressor,
    ensemble.ExtraTreesClassifier: forest_classifier,
    ensemble.ExtraTreesRegressor: forest_regressor,
    ensemble.GradientBoostingClassifier: gradient_boosting_classifier,
    ensemble.GradientBoostingRegressor: gradient_boosting_regressor,
    ensemble.HistGradientBoostingClassifier: hist_gradient_boosting_classifier,
    ensemble.HistGradientBoostingRegressor: hist_gradient_boosting_regressor,
}


def _mean_classifier(est: Any, trees: Sequence[Any], table: Table, b: Builder) -> Prediction:
    if est.n_outputs_ != 1:
        return Prediction(targets=tuple(_one_target(est, k, trees, table, b) for k in range(est.n_outputs_)))
    probabilities = b.emit(_mean(trees, len(table)), b.numbers(table))
    return Prediction(label=b.emit(ArgMax(), probabilities), probabilities=probabilities, classes=est.classes_)


def _one_target(est: Any, k: int, trees: Sequence[Any], table: Table, b: Builder) -> Prediction:
    """One of several targets, from the same trees."""
    count = len(est.classes_[k])
    values = [t.tree_.value[:, k, :count] for t in trees]
    p = b.emit(forest_of(trees, values, np.zeros(count), float(len(trees)), len(table)), b.numbers(table))
    return Prediction(label=b.emit(ArgMax(), p), probabilities=p, classes=est.classes_[k])


def _mean_regressor(trees: Sequence[Any], table: Table, b: Builder) -> Prediction:
    return Prediction(value=b.emit(_mean(trees, len(table)), b.numbers(table)))


def _mean(trees: Sequence[Any], features: int) -> Forest:
    """`Tree.value` holds `(nodes, 1, classes)` frequencies or `(nodes, outputs, 1)` values."""
    values = [t.tree_.value for t in trees]
    values = [v[:, 0, :] if v.shape[1] == 1 else v[:, :, 0] for v in values]
    return forest_of(trees, values, np.zeros(values[0].shape[1]), float(len(trees)), features)


def _boosted(est: Any, table: Table, b: Builder, lower: Dispatch) -> str:
    """Raw scores: the trees' sums above a constant, or above what `init` answers to the row."""
    outputs = est.estimators_.shape[1]
    if getattr(est.init_, "strategy", None) in ("uniform", "stratified"):
        raise Refused(f"init answers at random (strategy={est.init_.strategy!r}); use the default init or init='zero'")
    trees, values = [], []
    for stage in est.estimators_:
        for k, one in enumerate(stage):
            value = np.zeros((one.tree_.node_count, outputs))
            value[:, k] = est.learning_rate * one.tree_.value[:, 0, 0]
            trees.append(one)
            values.append(value)
    x = b.numbers(table)
    if est.init_ == "zero" or type(est.init_) in (dummy.DummyClassifier, dummy.DummyRegressor):
        zeros = np.zeros((1, est.n_features_in_), np.float32)
        base = np.asarray(est._raw_predict_init(zeros), np.float64)[0]
        return b.emit(forest_of(trees, values, base, 1.0, len(table)), x)
    if type(est.init_) not in ASKED_IN_FLOAT32 and (other := other_than_sums(est.init_)):
        raise Refused(
            f"init with {other.__name__} is asked in float32; use trees alone, a linear model behind scalers or none,"
            " the default init or init='zero'"
        )
    above = b.emit(forest_of(trees, values, np.zeros(outputs), 1.0, len(table)), x)
    return b.emit(Sum(), beginning(est, table, b, lower), above)


def _histogram_boosted(est: Any, table: Table, b: Builder, lower: Dispatch) -> str:
    """Raw scores. Category splits become splits at ½ on columns that say which side a category goes."""
    if est._preprocessor is not None:
        table = lower.transform(est._preprocessor, table, b)
    predictors = [(k, p.nodes, p) for stage in est._predictors for k, p in enumerate(stage)]
    outputs = est.n_trees_per_iteration_
    sides = _Sides(est, table)
    feature, threshold, nan_left, left, right, value, seen = [], [], [], [], [], [], []
    for k, nodes, predictor in predictors:
        leaf, categorical = nodes["is_leaf"].astype(bool), nodes["is_categorical"].astype(bool)
        column, cut = nodes["feature_idx"].astype(np.int64), nodes["num_threshold"].astype(np.float64)
        for node in np.flatnonzero(categorical & ~leaf):
            bits = predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]]
            column[node] = sides.column(int(column[node]), bits, bool(nodes["missing_go_to_left"][node]))
            cut[node] = 0.5
        scores = np.zeros((len(nodes), outputs))
        scores[:, k] = nodes["value"]
        feature.append(column)
        threshold.append(cut)
        nan_left.append(nodes["missing_go_to_left"].astype(np.bool_))
        left.append(np.where(leaf, -1, nodes["left"].astype(np.int64)))
        right.append(np.where(leaf, -1, nodes["right"].astype(np.int64)))
        value.append(scores)
        seen.append(nodes["count"])
    whole = Table(table.columns + sides.emit(b))
    forest = joined(
        feature=feature,
        threshold=threshold,
        nan_left=nan_left,
        left=left,
        right=right,
        value=value,
        seen=seen,
        base=np.asarray(est._baseline_prediction, np.float64).ravel(),
        divisor=1.0,
        features=len(whole),
        compare="float64",
    )
    return b.emit(forest, b.numbers(whole))


class _Sides:
    """The extra columns of a histogram-boosted forest with category splits: 0 where a category goes left, else 1."""

    def __init__(self, est: Any, table: Table) -> None:
        """Reads the known categories of each feature off the fitted bin mapper."""
        self.table = table
        self.columns: dict[tuple[int, bytes, bool], int] = {}
        if est._preprocessor is not None:
            known, index = est._bin_mapper.make_known_categories_bitsets()
            categorical = np.flatnonzero(est._is_categorical_remapped).tolist()
            self.known = {j: np.flatnonzero(_bits(known[index[j]])) for j in categorical}

    def column(self, feature: int, bits: Array, missing_left: bool) -> int:
        """The number of the column that says the side for these left categories."""
        key = (feature, bits.tobytes(), missing_left)
        return self.columns.setdefault(key, len(self.table) + len(self.columns))

    def emit(self, b: Builder) -> tuple[Any, ...]:
        """The columns in the order of their numbers: per feature, one `Lookup` from code to all its sides."""
        placed: dict[int, Any] = {}
        for feature in sorted({f for f, _, _ in self.columns}):
            wanted = [(key, number) for key, number in self.columns.items() if key[0] == feature]
            codes = self.known[feature]
            sides = np.empty((len(codes) + 2, len(wanted)))
            for j, ((_, bits, missing_left), _) in enumerate(wanted):
                sides[:-2, j] = ~_bits(np.frombuffer(bits, np.uint32))[codes]
                sides[-2:, j] = not missing_left  # what is unknown goes where missing goes
            op = Lookup(keys=codes.astype(np.float64), table=sides)
            looked_up = b.table(b.emit(op, b.gather(self.table.take([feature]))))
            placed.update({number: looked_up.columns[j] for j, (_, number) in enumerate(wanted)})
        return tuple(placed[number] for number in sorted(placed))


def _bits(words: Array) -> Flags:
    """The 256 bits of eight 32-bit words, lowest first."""
    return np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little").astype(np.bool_)
