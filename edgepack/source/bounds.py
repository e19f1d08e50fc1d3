"""Checks the fitted arrays whose indices scikit-learn's compiled code follows without looking.

A model file may pass every check on its types and still hold a tree whose child lies outside the node array: predicting
with it reads foreign memory or ends the process.

Source: scikit-learn pull request 34558; `skops.io.exceptions.UNTRUSTED_TYPE_REASONS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgepack.errors import SourceError


def check_bounds(estimator: object) -> None:
    """Passes if every index inside the estimator and whatever it is made of points where it may.

    Raises:
        SourceError: names the first part that does not add up.
    """
    from scipy.interpolate import BSpline
    from scipy.sparse import csc_array, csc_matrix, csr_array, csr_matrix
    from sklearn.ensemble import BaseEnsemble, IsolationForest
    from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
    from sklearn.neighbors import BallTree, KDTree
    from sklearn.svm._base import BaseLibSVM
    from sklearn.tree import BaseDecisionTree

    for part in _parts(estimator):
        name = type(part).__name__
        try:
            match part:
                case BaseDecisionTree():
                    sound = _is_sound_tree(part)
                case IsolationForest():
                    sound = _is_sound_isolation(part)
                case BaseEnsemble():
                    sound = _is_sound_ensemble(part)
                case BaseHistGradientBoosting():
                    sound = _is_sound_boosting(part)
                case KDTree() | BallTree():
                    sound = _is_sound_search_tree(part)
                case BaseLibSVM():
                    sound = _is_sound_svm(part)
                case BSpline():
                    sound = part.t.ndim == 1 and 0 <= part.k < len(part.t) - part.k - 1 <= len(part.c)
                case csr_matrix() | csr_array() | csc_matrix() | csc_array():
                    part.check_format(full_check=True)
                    sound = True
                case _:
                    sound = True
        except (AttributeError, TypeError, ValueError, IndexError, KeyError) as error:
            raise SourceError(
                f"{name}: not the fitted arrays that scikit-learn writes ({error}); retrain it"
            ) from error
        if not sound:
            raise SourceError(f"{name}: its fitted arrays point outside themselves; the file is damaged or forged")


def _parts(root: object) -> Iterator[object]:
    """The object and everything that it holds, each once."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        match part:
            case dict():
                waiting.extend(part.values())
            case list() | tuple() | set() | frozenset():
                waiting.extend(part)
            case np.ndarray():
                if part.dtype == object:
                    waiting.extend(part.ravel().tolist())
            case _:
                waiting.extend(getattr(part, "__dict__", {}).values())
                yield part


def _flat(nested: Any) -> Iterator[Any]:
    for inner in nested:
        yield from _flat(inner) if isinstance(inner, list | tuple | np.ndarray) else (inner,)


def _is_sound_tree(estimator: Any) -> bool:
    """scikit-learn numbers a node's children after the node, so this also says that there is no loop."""
    if not hasattr(estimator, "tree_"):  # the unfitted prototype inside an ensemble
        return True
    tree = estimator.tree_
    if not 0 < tree.node_count <= tree.capacity:  # what `nodes` reads below
        return False
    nodes = tree.__getstate__()["nodes"]
    inner = nodes["left_child"] != -1
    return (
        tree.n_features == estimator.n_features_in_
        and _are_later_nodes(inner, nodes["left_child"], nodes["right_child"])
        and _within(nodes["feature"][inner], tree.n_features)
    )


def _is_sound_ensemble(ensemble: Any) -> bool:
    """Forests and gradient boosting check the row's width themselves, then hand it to the trees unchecked."""
    from sklearn.ensemble._gb import BaseGradientBoosting
    from sklearn.tree import BaseDecisionTree

    boosted = isinstance(ensemble, BaseGradientBoosting) and hasattr(ensemble, "estimators_")
    if boosted and ensemble.estimators_.shape[1:] != (ensemble.n_trees_per_iteration_,):
        return False
    subsets = getattr(ensemble, "estimators_features_", None)  # bagging shows each estimator its own columns
    trees = [tree for tree in _flat(getattr(ensemble, "estimators_", ())) if isinstance(tree, BaseDecisionTree)]
    return subsets is not None or all(tree.tree_.n_features == ensemble.n_features_in_ for tree in trees)


def _is_sound_boosting(boosting: Any) -> bool:
    predictors = list(_flat(getattr(boosting, "_predictors", ())))
    return all(_is_sound_predictor(predictor, boosting.n_features_in_) for predictor in predictors)


def _is_sound_isolation(forest: Any) -> bool:
    if not hasattr(forest, "estimators_"):
        return True
    return len(forest.estimators_) == len(forest.estimators_features_) and all(
        tree.tree_.n_features == len(columns) and _within(np.asarray(columns), forest.n_features_in_)
        for tree, columns in zip(forest.estimators_, forest.estimators_features_, strict=True)
    )


def _is_sound_predictor(predictor: Any, feature_count: int) -> bool:
    nodes = predictor.nodes
    inner = nodes["is_leaf"] == 0
    categorical = inner & (nodes["is_categorical"] != 0)
    return (
        len(nodes) > 0
        and _are_later_nodes(inner, nodes["left"].astype(np.int64), nodes["right"].astype(np.int64))
        and _within(nodes["feature_idx"][inner], feature_count)
        and _within(nodes["bitset_idx"][categorical], len(predictor.raw_left_cat_bitsets))
        and predictor.raw_left_cat_bitsets.shape[1:] == (8,)
    )


def _is_sound_search_tree(tree: Any) -> bool:
    """State: data, order of the points, nodes, the nodes' bounds, leaf size, levels, node count, …"""
    data, order, nodes, bounds, leaf_size, levels, node_count, *_, weights = tree.__getstate__()
    starts, ends = nodes["idx_start"], nodes["idx_end"]
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    return bool(
        leaf_size > 0
        and 0 < levels < 63
        and node_count == 2**levels - 1 == len(nodes) == bounds.shape[1]
        and bounds.shape[0] == (2 if type(tree).__name__ == "KDTree" else 1)
        and bounds.shape[2] == data.shape[1]
        and (weights is None or len(weights) == len(data))
        and len(order) == len(data)
        and _within(order, len(data))
        and np.all((starts >= 0) & (starts <= ends) & (ends <= len(data)))
        and _within(2 * inner + 2, len(nodes))
    )


def _is_sound_svm(machine: Any) -> bool:
    """libsvm walks the support vectors class by class, as `_n_support` counts them."""
    if not hasattr(machine, "support_vectors_"):
        return True
    counts, coefficients, support_count = machine._n_support, machine._dual_coef_, len(machine.support_)
    classifies = machine._impl in ("c_svc", "nu_svc")
    rows = len(counts) - 1 if classifies else 1
    by_kernel = machine.kernel == "precomputed"  # then there are no vectors, only their places in the kernel matrix
    return bool(
        np.all(counts >= 0)
        and (not classifies or counts.sum() == support_count)
        and tuple(coefficients.shape) == (rows, support_count)
        and len(machine._intercept_) == rows * (rows + 1) // 2
        and (by_kernel or machine.support_vectors_.shape == (support_count, machine.n_features_in_))
        and (not by_kernel or _within(machine.support_, machine.n_features_in_))
    )


def _are_later_nodes(inner: np.ndarray[Any, Any], left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> bool:
    here = np.flatnonzero(inner)
    return bool(np.all((left[inner] > here) & (right[inner] > here)) and _within(left[inner], len(left))) and _within(
        right[inner], len(right)
    )


def _within(indices: np.ndarray[Any, Any], length: int) -> bool:
    return bool(np.all((indices >= 0) & (indices < length)))
