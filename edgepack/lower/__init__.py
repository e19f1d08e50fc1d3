"""From a fitted scikit-learn estimator to a Program with exactly its meaning, one function per estimator."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgepack.contract import InputDtype, Interface, Problem
from edgepack.errors import UnsupportedError, UsageError
from edgepack.ir.ops import Label
from edgepack.ir.program import Program
from edgepack.lower.builder import Builder
from edgepack.lower.dispatch import Dispatch
from edgepack.lower.predict import Prediction
from edgepack.lower.schema import as_float64, inputs_of, with_domains, without_unused_inputs

__all__ = ["lower"]


def lower(estimator: Any, sample: Any, *, input_dtype: InputDtype = "float32", fallback: bool = True) -> Program:
    """The Program of a fitted estimator, usually a Pipeline.

    Args:
        estimator: fitted, ending in a classifier or regressor.
        sample: a few rows as the estimator takes them: a DataFrame, or a 2-D array.
        input_dtype: the type of the numbers that the device passes.
        fallback: whether estimators without a lowering may become an `OnnxBlock` by skl2onnx.

    Raises:
        UnsupportedError: with every step and option that has no lowering, all at once.
        UsageError: for a sample that is not rows of the fitted columns.
    """
    names = getattr(estimator, "feature_names_in_", None)
    b = Builder(inputs_of(sample, names))
    width, fitted_width = sum(i.width for i in b.inputs), getattr(estimator, "n_features_in_", None)
    if fitted_width not in (None, width):
        raise UsageError(f"{width} columns in the sample; give the {fitted_width} that the model was fitted on")
    prediction = Dispatch(fallback).predict(estimator, b.input_table(), b)
    if b.nan_imputed & b.none_columns:  # a later step knows missing as None: what filled NaN before it fills nothing
        b = Builder(b.inputs, none_columns=b.none_columns)
        prediction = Dispatch(fallback).predict(estimator, b.input_table(), b)
    if not prediction.value and not prediction.label and not b.problems:
        b.problems.append(Problem(step=type(estimator).__name__, reason="gives no prediction"))
    if b.problems:
        raise UnsupportedError(b.problems)
    outputs = _outputs(prediction, b)
    interface = Interface(
        inputs=b.inputs,
        input_dtype=input_dtype,
        outputs=tuple(outputs),
        classes=None if prediction.classes is None else tuple(prediction.classes.tolist()),
        value_width=b.types[outputs["value"]].width if "value" in outputs else 1,
    )
    method = estimator.predict_proba if prediction.probabilities else estimator.predict
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inputs = with_domains(b.inputs, b.categories, b.none_columns, method, as_float64(sample, b.inputs))
    program = Program(
        interface=replace(interface, inputs=inputs),
        nodes=tuple(b.nodes),
        outputs=outputs,
        none_columns=frozenset(b.none_columns),
    )
    return without_unused_inputs(program, lambda names: _answers_without(method, sample, names))


def _outputs(prediction: Prediction, b: Builder) -> dict[str, str]:
    if prediction.value:
        return {"value": prediction.value}
    outputs = {"label": b.emit(Label(classes=np.asarray(prediction.classes)), str(prediction.label))}
    if prediction.probabilities:
        outputs["probabilities"] = prediction.probabilities
    return outputs


def _answers_without(method: Callable[[Any], Any], sample: Any, names: Sequence[str]) -> bool:
    """Whether the estimator answers rows that lack these columns altogether."""
    if not hasattr(sample, "columns"):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            method(sample.drop(columns=list(names)).iloc[:1])
    except (ValueError, KeyError, TypeError):
        return False
    return True
