"""skl2onnx, given every help that it needs to take the same pipeline."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd


def convert(estimator: Any, sample: pd.DataFrame) -> bytes:
    """skl2onnx's model of a pipeline, with plain tensor outputs."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    types = [
        (str(c), StringTensorType([None, 1]) if sample[c].dtype == object else FloatTensorType([None, 1]))
        for c in sample
    ]
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    options = {id(last): {"zipmap": False}} if hasattr(last, "classes_") else None
    with warnings.catch_warnings(), booleans_as_integers():
        warnings.simplefilter("ignore")
        model = to_onnx(estimator, initial_types=types, options=options, target_opset={"": 21, "ai.onnx.ml": 3})
    return bytes(model.SerializeToString())


def convert_matrix(estimator: Any, features: int) -> bytes:
    """skl2onnx's model of an estimator over one float matrix."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    options = {id(estimator): {"zipmap": False}} if hasattr(estimator, "classes_") else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = to_onnx(
            estimator,
            initial_types=[("X", FloatTensorType([None, features]))],
            options=options,
            target_opset={"": 21, "ai.onnx.ml": 3},
        )
    return bytes(model.SerializeToString())


def feed(rows: pd.DataFrame) -> dict[str, Any]:
    """A row's inputs for skl2onnx's graph: one `(rows, 1)` tensor per column."""
    return {str(c): rows[[c]].to_numpy(object if rows[c].dtype == object else np.float32) for c in rows}


@contextmanager
def booleans_as_integers() -> Iterator[None]:
    """protobuf 7 refuses the booleans that skl2onnx writes into integer attributes of histogram boosting."""
    from onnx import helper

    original = helper.make_attribute

    def make_attribute(key: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, list) and not all(isinstance(v, str) for v in value[:1]):
            value = [int(v) if isinstance(v, bool | np.bool_) else v for v in value]
        elif isinstance(value, bool | np.bool_):
            value = int(value)
        return original(key, value, *args, **kwargs)

    helper.make_attribute = make_attribute
    try:
        yield
    finally:
        helper.make_attribute = original
