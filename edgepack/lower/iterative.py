"""Missing values filled round by round, each column by a linear model of the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.impute._iterative import IterativeImputer  # the public name is there only once it has been enabled
from sklearn.utils.validation import check_is_fitted

from edgepack.ir.ops import Affine, Clip, Indicate, Linear, Where
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.impute import missing_indicator, simple_imputer
from edgepack.lower.linear.regressors import PREDICTORS as REGRESSORS
from edgepack.lower.linear.regressors import regressor
from edgepack.lower.linear.scores import weighted_sums


def iterative_imputer(est: Any, table: Table, b: Builder) -> Table:
    """The fitted sequence of models, as often as it was fitted: the server runs all of it, whatever the rows.

    Each step is the identity but for one column, whose sum replaces what is missing there. A server that is asked only
    about rows without any value at all leaves them at the initial imputation.
    """
    if est.sample_posterior:
        raise Refused("sample_posterior=True draws at random; fit with sample_posterior=False")
    for model in {type(step.estimator): step.estimator for step in est.imputation_sequence_}.values():
        check_is_fitted(model)
        if REGRESSORS.get(type(model)) is not regressor:
            raise Refused(f"estimator {type(model).__name__}; use a linear one, such as BayesianRidge")
    state = b.doubles(simple_imputer(est.initial_imputer_, table, b))
    missing = _missing(est, table, b)
    for step in est.imputation_sequence_ if est.n_iter_ else ():
        state = _round(est, step, state, missing, b)
    imputed = b.table(state)
    if not est.add_indicator:
        return imputed
    return Table(imputed.columns + missing_indicator(est.indicator_, table, b).columns)


TRANSFORMERS = {IterativeImputer: iterative_imputer}


def _missing(est: Any, table: Table, b: Builder) -> str:
    """1 where a value may be replaced: a column that was empty when the imputer was fitted keeps its constant."""
    empty = est._is_empty_feature
    kept = table if est.keep_empty_features else table.take(np.flatnonzero(~empty))
    missing = b.emit(Indicate(sentinel=float(est.missing_values)), b.doubles(kept))
    if not (est.keep_empty_features and empty.any()):
        return missing
    return b.emit(Affine(factor=(~empty).astype(np.float64)), missing)


def _round(est: Any, step: Any, state: str, missing: str, b: Builder) -> str:
    """One column anew, within its limits."""
    width, j = b.types[state].width, step.feat_idx
    own = weighted_sums(step.estimator.coef_, step.estimator.intercept_)
    coef, intercept = np.eye(width), np.zeros(width)
    coef[j] = 0.0
    coef[j, step.neighbor_feat_idx] = own.coef[0]
    intercept[j] = own.intercept[0]
    new = b.emit(Linear(coef=coef, intercept=intercept), state)
    low, high = np.full(width, -np.inf), np.full(width, np.inf)
    low[j], high[j] = est._min_value[j], est._max_value[j]
    if np.isfinite(low[j]) or np.isfinite(high[j]):
        new = b.emit(Clip(low=low, high=high), new)
    return b.emit(Where(), missing, new, state)
