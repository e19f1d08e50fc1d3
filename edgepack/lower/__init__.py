"""From a fitted scikit-learn estimator to a Program with exactly its meaning, one function per estimator."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from edgepack.contract import InputDtype, Interface, Method
from edgepack.errors import UnsupportedError, UsageError
from edgepack.ir.program import Program
from edgepack.lower.answer import Answer, answer_of, transformed
from edgepack.lower.builder import Builder, Refused
from edgepack.lower.dispatch import Dispatch
from edgepack.lower.ranges import ranges_of
from edgepack.lower.schema import as_float64, inputs_of, with_domains, with_one_tree, without_unused_inputs
from edgepack.lower.text import shared_texts
from edgepack.records import records_of, table_of, takes_records
from edgepack.rows import columns_of

__all__ = ["lower"]


def lower(
    estimator: Any,
    sample: Any,
    *,
    input_dtype: InputDtype = "float32",
    output: Method | None = None,
    fallback: bool = True,
    original: Any = None,
    on_step: Callable[[str], object] | None = None,
) -> Program:
    """The Program of a fitted estimator, usually a Pipeline.

    Args:
        estimator: fitted: a classifier, regressor, clusterer, outlier detector or transformer.
        sample: a few rows as the estimator takes them: a DataFrame, a 2-D array, or a list of dicts.
        input_dtype: the type of the numbers that the device passes.
        output: the method whose answers the Program gives. None: `predict`, with the probabilities where there are
            any; `transform` for an estimator that predicts nothing.
        fallback: whether estimators without a lowering may become an `OnnxBlock` by skl2onnx.
        original: answers in place of the estimator; see `edgepack.parity.Reference`.
        on_step: called with the path of every step that is looked at.

    Raises:
        UnsupportedError: with every step and option that has no lowering, all at once.
        UsageError: for a sample that is not rows of the fitted columns.
    """
    sample = table_of(sample)
    names = getattr(estimator, "feature_names_in_", None)
    b = Builder(inputs_of(sample, names))
    width, fitted_width = sum(i.width for i in b.inputs), getattr(estimator, "n_features_in_", None)
    if fitted_width not in (None, 0, width):  # CatBoost forgets it when it is saved
        raise UsageError(f"{width} columns in the sample; give the {fitted_width} that the model was fitted on")
    dispatch = Dispatch(fallback, on_step or (lambda _step: None))
    wanted = output or ("transform" if _only_transforms(estimator) else None)
    answer = _answered(estimator, wanted, b, dispatch)
    if b.nan_imputed & b.none_columns:  # a later step knows missing as None: what filled NaN before it fills nothing
        b = Builder(b.inputs, none_columns=b.none_columns)
        answer = _answered(estimator, wanted, b, dispatch)
    b.problems.extend(shared_texts(b))
    if b.problems:
        raise UnsupportedError(b.problems)
    interface = Interface(
        inputs=b.inputs,
        input_dtype=input_dtype,
        outputs=tuple(answer.outputs),
        classes=None if answer.classes is None else tuple(answer.classes.tolist()),
        value_width=b.types[answer.outputs["value"]].width if "value" in answer.outputs else 1,
        method=answer.method,
        texts=tuple(b.texts),
        targets=answer.targets,
    )
    asked = "predict_proba" if "probabilities" in answer.outputs else answer.method
    method = _asked(with_one_tree(estimator if original is None else original), asked)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inputs = with_domains(b.inputs, b.categories, b.none_columns, method, as_float64(sample, b.inputs))
    program = Program(
        interface=replace(interface, inputs=inputs),
        nodes=tuple(b.nodes),
        outputs=answer.outputs,
        none_columns=frozenset(b.none_columns),
        ranges=ranges_of(columns_of(sample, replace(interface, inputs=inputs))),
    )
    return without_unused_inputs(program, lambda names: _answers_without(method, sample, names))


def _only_transforms(estimator: Any) -> bool:
    return hasattr(estimator, "transform") and not hasattr(estimator, "predict") and not isinstance(estimator, type)


def _answered(estimator: Any, wanted: Method | None, b: Builder, dispatch: Dispatch) -> Answer:
    try:
        if wanted == "transform" and hasattr(estimator, "transform"):
            return transformed(dispatch.transform(estimator, b.input_table(), b), b)
        return answer_of(dispatch.predict(estimator, b.input_table(), b), wanted, b)
    except Refused as error:
        if not b.problems:  # a refused estimator answers nothing, and has said why
            with b.within(type(estimator).__name__):
                b.refuse(error)
        return Answer(outputs={}, method="predict")


def _asked(estimator: Any, name: str) -> Callable[[Any], Any]:
    """A method that takes the rows of a sample."""
    method: Callable[[Any], Any] = getattr(estimator, name)
    if not takes_records(estimator):
        return method
    return lambda rows: method(records_of(rows))


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
