"""Which function lowers which estimator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sklearn import pipeline as sk_pipeline
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from edgepack.ir.types import TypeMismatch
from edgepack.lower import (
    bayes,
    boosters,
    cluster,
    compose,
    discriminant,
    dummy,
    ellipse,
    encode,
    gaussian,
    impute,
    isolation,
    isotonic,
    iterative,
    kernel_ridge,
    linear,
    meta,
    mixture,
    mlp,
    neighbors,
    passed_through,
    predict,
    preprocess,
    project,
    propagation,
    records,
    scale,
    select,
    svm,
    taught,
    text,
    trees,
)
from edgepack.lower.builder import Builder, Misfit, Refused, Table
from edgepack.lower.fallback import predict_via_skl2onnx, transform_via_skl2onnx
from edgepack.lower.predict import Prediction, taught_predictor

Transform = Callable[[Any, Table, Builder], Table]
Composition = Callable[[Any, Table, Builder, "Dispatch"], Table]
Predict = Callable[[Any, Table, Builder, "Dispatch"], Prediction]

TRANSFORMERS: Mapping[type, Transform] = {
    **cluster.TRANSFORMERS,
    **discriminant.TRANSFORMERS,
    **encode.TRANSFORMERS,
    **impute.TRANSFORMERS,
    **isolation.TRANSFORMERS,
    **isotonic.TRANSFORMERS,
    **iterative.TRANSFORMERS,
    **neighbors.TRANSFORMERS,
    **preprocess.TRANSFORMERS,
    **project.TRANSFORMERS,
    **records.TRANSFORMERS,
    **scale.TRANSFORMERS,
    **select.TRANSFORMERS,
    **text.TRANSFORMERS,
}

COMPOSITIONS: Mapping[type, Composition] = {
    **compose.COMPOSITIONS,
    **meta.COMPOSITIONS,
}

PREDICTORS: Mapping[type, Predict] = {
    **bayes.PREDICTORS,
    **cluster.PREDICTORS,
    **discriminant.PREDICTORS,
    **dummy.PREDICTORS,
    **ellipse.PREDICTORS,
    **gaussian.PREDICTORS,
    **isolation.PREDICTORS,
    **isotonic.PREDICTORS,
    **kernel_ridge.PREDICTORS,
    **linear.PREDICTORS,
    **meta.PREDICTORS,
    **mixture.PREDICTORS,
    **mlp.PREDICTORS,
    **neighbors.PREDICTORS,
    **predict.PREDICTORS,
    **project.PREDICTORS,
    **propagation.PREDICTORS,
    **select.PREDICTORS,
    **svm.PREDICTORS,
    **trees.PREDICTORS,
}

NAMED_PREDICTORS: Mapping[str, Predict] = {**boosters.PREDICTORS, **passed_through.PREDICTORS}
"""Of classes that are not imported to know them, by full name."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Finds the lowering by the estimator's exact class (a subclass may mean something else) and notes refusals.

    Attributes:
        fallback: whether estimators without a lowering may go through skl2onnx (the ONNX target alone takes those).
        on_step: called with the path of every step that is looked at.
    """

    fallback: bool
    on_step: Callable[[str], object]

    def transform(self, est: Any, table: Table, b: Builder) -> Table:
        """The table after a transformer; a placeholder of the right width where it is refused."""
        with b.within(type(est).__name__) if type(est) not in COMPOSITIONS else b.within():
            if type(est) not in COMPOSITIONS:
                self.on_step(b.step)
            try:
                _check_fitted(est)
                if composition := COMPOSITIONS.get(type(est)):
                    return composition(est, table, b, self)
                if lowering := TRANSFORMERS.get(type(est)):
                    return lowering(est, table, b)
                if (given := taught.transformed(est, table, b)) is not None:
                    return given
                if self.fallback:
                    return transform_via_skl2onnx(est, table, b)
                raise Refused(f"no lowering; leave it out, or {_teach(est)}")
            except (Refused, TypeMismatch) as error:
                _note(error, table, b)
                return b.placeholder(_width(est, table))

    def predict(self, est: Any, table: Table, b: Builder) -> Prediction:
        """A predictor's answers; an empty `Prediction` where it is refused."""
        with b.within(type(est).__name__) if type(est) is not sk_pipeline.Pipeline else b.within():
            if type(est) is not sk_pipeline.Pipeline:
                self.on_step(b.step)
            try:
                _check_fitted(est)
                if lowering := PREDICTORS.get(type(est)) or NAMED_PREDICTORS.get(taught.full_name(type(est))):
                    return lowering(est, table, b, self)
                if (answers := taught_predictor(est, table, b)) is not None:
                    return answers
                if not hasattr(est, "predict"):
                    if hasattr(est, "fit_predict"):
                        raise Refused("labels only the rows that it is fitted on; use KMeans or Birch")
                    raise Refused("predicts nothing; register a pipeline that ends in a classifier or regressor")
                if self.fallback:
                    return predict_via_skl2onnx(est, table, b)
                raise Refused(f"no lowering; use one of docs/estimators.md, or {_teach(est)}")
            except (Refused, TypeMismatch) as error:
                _note(error, table, b)
                return Prediction()


def _teach(est: Any) -> str:
    return f"teach edgepack {taught.full_name(type(est))} (docs/extending.md)"


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
