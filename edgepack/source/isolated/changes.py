"""What scikit-learn has changed in fitted state since 1.2, put right in state that an earlier version wrote.

Nothing here is trusted: the model's own scikit-learn answers the rows that the result is compared on.

Source: scikit-learn's changelogs 1.3 to 1.9.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from edgepack.errors import SourceError

_LOSSES = "sklearn.ensemble._gb_losses."
_DISTANCES = "sklearn.metrics._dist_metrics."
_RENAMED = {
    f"{_LOSSES}LeastSquaresError": "sklearn._loss.loss.HalfSquaredError",
    f"{_LOSSES}LeastAbsoluteError": "sklearn._loss.loss.AbsoluteError",
    f"{_LOSSES}HuberLossFunction": "sklearn._loss.loss.HuberLoss",
    f"{_LOSSES}QuantileLossFunction": "sklearn._loss.loss.PinballLoss",
    f"{_LOSSES}BinomialDeviance": "sklearn._loss.loss.HalfBinomialLoss",
    f"{_LOSSES}MultinomialDeviance": "sklearn._loss.loss.HalfMultinomialLoss",
    f"{_LOSSES}ExponentialLoss": "sklearn._loss.loss.ExponentialLoss",
    **{f"{_DISTANCES}{n}Distance": f"{_DISTANCES}{n}Distance64" for n in ("Chebyshev", "Euclidean", "Manhattan")},
    f"{_DISTANCES}MinkowskiDistance": f"{_DISTANCES}MinkowskiDistance64",
}


def renamed(name: str) -> str:
    """What a class is called today."""
    return _RENAMED.get(name, name)


def updated(made: Any, state: Any, version: tuple[int, ...]) -> Any:
    """The state as the installed scikit-learn would have written it.

    Args:
        made: what the state is for, still empty.
        version: the major and minor version of the scikit-learn that wrote it.

    Raises:
        SourceError: the installed scikit-learn cannot say what this state means.
    """
    from scipy.interpolate import BSpline
    from sklearn.base import BaseEstimator
    from sklearn.tree._tree import Tree

    if isinstance(made, BSpline) and "t" in state:  # scipy before 1.17
        return vars(BSpline(*(state[name] for name in ("t", "c", "k", "extrapolate", "axis"))))
    if isinstance(made, Tree):
        return {**state, "nodes": _nodes(state["nodes"], type(made))}
    if not isinstance(made, BaseEstimator):
        return state
    state = {name: value for name, value in state.items() if name != "_sklearn_version"}
    parameters = inspect.signature(type(made).__init__).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    return {**defaults, **_since(made, state, version), **state}


def _since(made: Any, state: dict[str, Any], version: tuple[int, ...]) -> dict[str, Any]:
    """Attributes that prediction looks up today, as earlier state implies them."""
    from sklearn.ensemble import IsolationForest
    from sklearn.ensemble._gb import BaseGradientBoosting
    from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
    from sklearn.ensemble._iforest import _average_path_length
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.impute import IterativeImputer, SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder
    from sklearn.tree import DecisionTreeClassifier

    match made:
        case DecisionTreeClassifier() if version < (1, 4) and "tree_" in state:
            _make_shares(state["tree_"].value)
        case BaseGradientBoosting() if "estimators_" in state:
            return {"n_trees_per_iteration_": state["estimators_"].shape[1]}
        case BaseHistGradientBoosting() if "_preprocessor" not in state:
            if np.any(state.get("is_categorical_")):
                raise _changed(made, version, "takes its categories by number; encode them in a step before it")
            return {"_preprocessor": None}
        case IsolationForest() if "estimators_" in state:
            trees = [estimator.tree_ for estimator in state["estimators_"]]
            return {
                "_average_path_length_per_tree": tuple(_average_path_length(tree.n_node_samples) for tree in trees),
                "_decision_path_lengths": tuple(tree.compute_node_depths() for tree in trees),
            }
        case LogisticRegression() if "classes_" in state and (way := state.get("multi_class")):
            several, by_class = len(state["classes_"]) > 2, state["solver"] in ("liblinear", "newton-cholesky")
            if way == ("ovr" if several else "multinomial") or (way == "auto" and several and by_class):
                raise _changed(
                    made, version, f"has multi_class={way!r}; put it into a OneVsRestClassifier, or leave it out"
                )
        case IterativeImputer() if "initial_imputer_" in state:
            statistics = np.asarray(state["initial_imputer_"].statistics_, np.float64)
            return {"_is_empty_feature": np.isnan(statistics)}
        case TfidfTransformer() if "_idf_diag" in state:
            return {"idf_": state["_idf_diag"].diagonal()}
        case SimpleImputer():
            return {"_fill_dtype": getattr(state.get("statistics_"), "dtype", None)}
        case OneHotEncoder():
            return {"_infrequent_enabled": False, "_drop_idx_after_grouping": state.get("drop_idx_")}
        case OrdinalEncoder():
            return {"_infrequent_enabled": False, "_missing_indices": {}}
    return {}


def _changed(made: Any, version: tuple[int, ...], what: str) -> SourceError:
    written = ".".join(map(str, version))
    return SourceError(f"{type(made).__name__} of scikit-learn {written} {what}, and retrain it")


def _make_shares(values: Any) -> None:
    """Of a classifier's leaves, which counted samples before 1.4, as `predict_proba` did then; in place."""
    totals = values.sum(axis=2, keepdims=True)
    values /= np.where(totals == 0, 1.0, totals)


def _nodes(nodes: Any, tree: type) -> Any:
    """A tree's nodes with today's fields; the new ones are 0, for nothing was missing then."""
    wanted = tree(1, np.array([1], np.intp), 1).__getstate__()["nodes"].dtype
    changed = np.zeros(nodes.shape, wanted)
    for name in nodes.dtype.names:
        changed[name] = nodes[name]
    return changed
