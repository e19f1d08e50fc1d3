"""Each mutant is a model with one index moved: scikit-learn would follow it out of its arrays."""

import copy
import pickle

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import (
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.neighbors import KDTree, KNeighborsClassifier
from sklearn.preprocessing import SplineTransformer
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from edgepack.errors import SourceError
from edgepack.source import load
from edgepack.source.bounds import check_bounds

RANDOM = np.random.default_rng(0)
ROWS = np.c_[RANDOM.normal(size=(80, 2)), RANDOM.integers(0, 4, 80)]
LABELS = np.digitize(ROWS[:, 0] + (ROWS[:, 2] == 2), [0, 0.7])


def tree_with(field, place, value):
    estimator = DecisionTreeClassifier(random_state=0).fit(ROWS, LABELS)
    state = estimator.tree_.__getstate__()
    if field == "node_count":
        state["node_count"] = value
    else:
        state["nodes"] = state["nodes"].copy()
        state["nodes"][field][place] = value
    estimator.tree_.__setstate__(state)
    return estimator


def forest_with_narrow_promise():
    forest = RandomForestClassifier(3, random_state=0).fit(ROWS, LABELS)
    forest.n_features_in_ = 1
    return forest


def boosting_with(field, value):
    boosting = HistGradientBoostingClassifier(max_iter=3, categorical_features=[2], min_samples_leaf=2)
    boosting.fit(ROWS, LABELS)
    predictors = [predictor for stage in boosting._predictors for predictor in stage]
    if field == "bitsets":
        for predictor in predictors:
            predictor.raw_left_cat_bitsets = predictor.raw_left_cat_bitsets[:0]
    else:
        predictors[0].nodes[field][0] = value
    return boosting


def gradient_boosting_with_too_many_columns():
    boosting = GradientBoostingClassifier(n_estimators=2).fit(ROWS, LABELS)
    boosting.n_trees_per_iteration_ = 1
    return boosting


def search_tree_with(place, change):
    estimator = KNeighborsClassifier(algorithm="kd_tree", leaf_size=5).fit(ROWS, LABELS)
    state = list(estimator._tree.__getstate__())
    state[place] = change(copy.deepcopy(state[place]))
    tree = KDTree(ROWS)
    tree.__setstate__(tuple(state))
    estimator._tree = tree
    return estimator


def changed(array, field, place, value):
    (array[field] if field else array)[place] = value
    return array


def machine_with(machine, **changes):
    machine.fit(ROWS, LABELS)
    for name, change in changes.items():
        setattr(machine, name, change(getattr(machine, name)))
    return machine


def isolation_with_foreign_columns():
    forest = IsolationForest(n_estimators=3, max_features=0.7, random_state=0).fit(ROWS)
    forest.estimators_features_[0] = forest.estimators_features_[0][:1]
    return forest


def spline_with_few_knots():
    splines = SplineTransformer().fit(ROWS)
    splines.bsplines_[0].t = splines.bsplines_[0].t[:3]
    return splines


def sparse_with_foreign_column():
    from scipy.sparse import csr_matrix

    neighbors = KNeighborsClassifier().fit(csr_matrix(ROWS), LABELS)
    neighbors._fit_X.indices[0] = 99
    return neighbors


MUTANTS = {
    "tree child beyond the end": lambda: tree_with("left_child", 0, 10_000_000),
    "tree child before the start": lambda: tree_with("right_child", 0, -7),
    "tree loop": lambda: tree_with("left_child", 1, 0),
    "tree feature beyond the row": lambda: tree_with("feature", 0, 3),
    "tree feature before the row": lambda: tree_with("feature", 0, -2),
    "tree with more nodes than it holds": lambda: tree_with("node_count", None, 1_000_000),
    "forest that takes narrower rows than its trees": forest_with_narrow_promise,
    "histogram child": lambda: boosting_with("left", 4_000_000_000),
    "histogram loop": lambda: boosting_with("right", 0),
    "histogram feature": lambda: boosting_with("feature_idx", 3),
    "histogram categories": lambda: boosting_with("bitsets", None),
    "boosting with more trees a stage than outputs": gradient_boosting_with_too_many_columns,
    "kd tree point": lambda: search_tree_with(1, lambda order: changed(order, None, 0, 80)),
    "kd tree node start": lambda: search_tree_with(2, lambda nodes: changed(nodes, "idx_start", 1, -1)),
    "kd tree node end": lambda: search_tree_with(2, lambda nodes: changed(nodes, "idx_end", 1, 81)),
    "kd tree leaf that goes on": lambda: search_tree_with(2, lambda nodes: changed(nodes, "is_leaf", -1, 0)),
    "kd tree node count": lambda: search_tree_with(6, lambda count: count + 2),
    "kd tree bounds": lambda: search_tree_with(3, lambda bounds: bounds[:, :, :1].copy()),
    "SVC counts": lambda: machine_with(SVC(), _n_support=lambda counts: counts + np.int32(50)),
    "SVC negative count": lambda: machine_with(SVC(), _n_support=lambda n: n + np.array([-500, 500, 0], np.int32)),
    "SVC coefficients": lambda: machine_with(SVC(), _dual_coef_=lambda rows: rows[:1]),
    "SVC intercepts": lambda: machine_with(SVC(), _intercept_=lambda values: values[:1]),
    "SVR vectors": lambda: machine_with(SVR(), support_vectors_=lambda vectors: vectors[:, :1]),
    "isolation forest columns": isolation_with_foreign_columns,
    "spline knots": spline_with_few_knots,
    "sparse column": sparse_with_foreign_column,
}


@pytest.mark.parametrize("name", MUTANTS)
def test_every_mutant_is_refused(name):
    with pytest.raises(SourceError, match=r"damaged or forged|not the fitted arrays"):
        check_bounds(MUTANTS[name]())


def test_a_mutant_deep_inside_a_pipeline_is_found():
    bagging = BaggingClassifier(DecisionTreeClassifier(), n_estimators=3).fit(ROWS, LABELS)
    bagging.estimators_[2] = tree_with("left_child", 0, 10_000_000)
    with pytest.raises(SourceError, match="DecisionTreeClassifier: its fitted arrays"):
        check_bounds({"steps": [("a", None), ("b", np.array([bagging], dtype=object))]})


@pytest.mark.parametrize("form", ["skops", "pickle"])
def test_loading_refuses_a_mutant(save, form):
    mutant = tree_with("left_child", 0, 10_000_000)
    content = skops.io.dumps(mutant) if form == "skops" else pickle.dumps(mutant)
    source = save(content=content, flavor={"serialization_format": form})
    with pytest.raises(SourceError, match="damaged or forged"):
        load(source, allow_pickle=True)
