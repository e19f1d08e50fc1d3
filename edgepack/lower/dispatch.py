"""Which function lowers which estimator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sklearn import compose as sk_compose
from sklearn import ensemble, impute, linear_model, model_selection, multiclass, preprocessing, tree
from sklearn import pipeline as sk_pipeline
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from edgepack.ir.types import TypeMismatch
from edgepack.lower import compose, encode, linear, predict, scale, trees
from edgepack.lower import impute as lower_impute
from edgepack.lower.builder import Builder, Misfit, Refused, Table
from edgepack.lower.fallback import predict_via_skl2onnx, transform_via_skl2onnx
from edgepack.lower.predict import Prediction

Transform = Callable[[Any, Table, Builder], Table]
Composition = Callable[[Any, Table, Builder, "Dispatch"], Table]
Predict = Callable[[Any, Table, Builder, "Dispatch"], Prediction]

TRANSFORMERS: Mapping[type, Transform] = {
    impute.SimpleImputer: lower_impute.simple_imputer,
    impute.MissingIndicator: lower_impute.missing_indicator,
    preprocessing.FunctionTransformer: scale.function_transformer,
    preprocessing.MaxAbsScaler: scale.max_abs_scaler,
    preprocessing.MinMaxScaler: scale.min_max_scaler,
    preprocessing.OneHotEncoder: encode.one_hot_encoder,
    preprocessing.OrdinalEncoder: encode.ordinal_encoder,
    preprocessing.RobustScaler: scale.robust_scaler,
    preprocessing.StandardScaler: scale.standard_scaler,
}

COMPOSITIONS: Mapping[type, Composition] = {
    sk_compose.ColumnTransformer: compose.column_transformer,
    sk_pipeline.FeatureUnion: compose.feature_union,
    sk_pipeline.Pipeline: compose.pipeline,
}

PREDICTORS: Mapping[type, Predict] = {
    sk_compose.TransformedTargetRegressor: predict.transformed_target_regressor,
    sk_pipeline.Pipeline: predict.pipeline,
    model_selection.GridSearchCV: predict.best_estimator,
    model_selection.RandomizedSearchCV: predict.best_estimator,
    linear_model.LinearRegression: linear.regressor,
    linear_model.Ridge: linear.regressor,
    linear_model.Lasso: linear.regressor,
    linear_model.ElasticNet: linear.regressor,
    linear_model.LogisticRegression: linear.logistic_regression,
    multiclass.OneVsRestClassifier: linear.one_vs_rest,
    tree.DecisionTreeClassifier: trees.tree_classifier,
    tree.DecisionTreeRegressor: trees.tree_regressor,
    tree.ExtraTreeClassifier: trees.tree_classifier,
    tree.ExtraTreeRegressor: trees.tree_regressor,
    ensemble.RandomForestClassifier: trees.forest_classifier,
    ensemble.RandomForestRegressor: trees.forest_regressor,
    ensemble.ExtraTreesClassifier: trees.forest_classifier,
    ensemble.ExtraTreesRegressor: trees.forest_regressor,
    ensemble.GradientBoostingClassifier: trees.gradient_boosting_classifier,
    ensemble.GradientBoostingRegressor: trees.gradient_boosting_regressor,
    ensemble.HistGradientBoostingClassifier: trees.hist_gradient_boosting_classifier,
    ensemble.HistGradientBoostingRegressor: trees.hist_gradient_boosting_regressor,
}


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Finds the lowering by the estimator's exact class (a subclass may mean something else) and notes refusals.

    Attributes:
        fallback: whether estimators without a lowering may go through skl2onnx (the ONNX target alone takes those).
    """

    fallback: bool

    def transform(self, est: Any, table: Table, b: Builder) -> Table:
        """The table after a transformer; a placeholder of the right width where it is refused."""
        with b.within(type(est).__name__) if type(est) not in COMPOSITIONS else b.within():
            try:
                _check_fitted(est)
                if composition := COMPOSITIONS.get(type(est)):
                    return composition(est, table, b, self)
                if lowering := TRANSFORMERS.get(type(est)):
                    return lowering(est, table, b)
                if self.fallback:
                    return transform_via_skl2onnx(est, table, b)
                raise Refused("no lowering; leave it out or see `edgepack check`")
            except (Refused, TypeMismatch) as error:
                _note(error, table, b)
                return b.placeholder(_width(est, table))

    def predict(self, est: Any, table: Table, b: Builder) -> Prediction:
        """A predictor's answers; an empty `Prediction` where it is refused."""
        with b.within(type(est).__name__) if type(est) is not sk_pipeline.Pipeline else b.within():
            try:
                _check_fitted(est)
                if lowering := PREDICTORS.get(type(est)):
                    return lowering(est, table, b, self)
                if not hasattr(est, "predict"):
                    raise Refused("predicts nothing; register a pipeline that ends in a classifier or regressor")
                if self.fallback:
                    return predict_via_skl2onnx(est, table, b)
                raise Refused("no lowering; use an estimator that `edgepack check` lists")
            except (Refused, TypeMismatch) as error:
                _note(error, table, b)
                return Prediction()


def _check_fitted(est: Any) -> None:
    if hasattr(est, "fit") and not isinstance(est, type):
        try:
            check_is_fitted(est)
        except NotFittedError:
            raise Refused("is not fitted; fit it first") from None


def _note(error: Exception, table: Table, b: Builder) -> None:
    if table.is_refused and isinstance(error, Misfit | TypeMismatch):
        return  # what arrives is a placeholder: its kind and width say nothing
    b.refuse(error)


def _width(est: Any, table: Table) -> int:
    try:
        return len(est.get_feature_names_out())
    except (AttributeError, ValueError, TypeError):
        return len(table)
