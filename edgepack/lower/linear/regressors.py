"""Regressors whose value is a weighted sum, or a link's inverse of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn import linear_model, svm

from edgepack.ir.ops import Elementwise
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.linear.scores import scores_of
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """`x @ coef.T + intercept`, one column per target."""
    return Prediction(value=scores_of(est, table, b))


def generalized(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The link's inverse of the sum: `exp`, or nothing."""
    scores = scores_of(est, table, b)
    match link := type(est._base_loss.link).__name__:
        case "IdentityLink":
            return Prediction(value=scores)
        case "LogLink":
            return Prediction(value=b.emit(Elementwise(function="exp"), scores))
    raise Refused(f"link {link}; use the log or the identity link")


def ransac(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The regressor that was fitted on the inliers."""
    return lower.predict(est.estimator_, table, b)


PREDICTORS = {
    **dict.fromkeys(
        (
            linear_model.ARDRegression,
            linear_model.BayesianRidge,
            linear_model.ElasticNet,
            linear_model.ElasticNetCV,
            linear_model.HuberRegressor,
            linear_model.Lars,
            linear_model.LarsCV,
            linear_model.Lasso,
            linear_model.LassoCV,
            linear_model.LassoLars,
            linear_model.LassoLarsCV,
            linear_model.LassoLarsIC,
            linear_model.LinearRegression,
            linear_model.MultiTaskElasticNet,
            linear_model.MultiTaskElasticNetCV,
            linear_model.MultiTaskLasso,
            linear_model.MultiTaskLassoCV,
            linear_model.OrthogonalMatchingPursuit,
            linear_model.OrthogonalMatchingPursuitCV,
            linear_model.PassiveAggressiveRegressor,
            linear_model.QuantileRegressor,
            linear_model.Ridge,
            linear_model.RidgeCV,
            linear_model.SGDRegressor,
            linear_model.TheilSenRegressor,
            svm.LinearSVR,
        ),
        regressor,
    ),
    **dict.fromkeys(
        (linear_model.GammaRegressor, linear_model.PoissonRegressor, linear_model.TweedieRegressor), generalized
    ),
    linear_model.RANSACRegressor: ransac,
}
