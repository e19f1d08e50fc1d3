"""Estimators without a lowering of our own: one opaque block, converted by skl2onnx (float32, ONNX only)."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from edgepack.ir.ops import ArgMax, OnnxBlock
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.predict import Prediction

OPSET = {"": 17, "ai.onnx.ml": 3}


def transform_via_skl2onnx(est: Any, table: Table, b: Builder) -> Table:
    """A transformer's output as one block."""
    x = b.numbers(table)
    probed = _probe(est, "transform", len(table))
    if np.ndim(probed) != 2 and not hasattr(probed, "toarray"):
        raise Refused("no lowering, and gives no table; use another transformer")
    width = probed.shape[1]
    return b.table(b.emit(_block(est, len(table), "transform", width, output=0), x))


def predict_via_skl2onnx(est: Any, table: Table, b: Builder) -> Prediction:
    """A regressor's value, or a classifier's probabilities (its label is then their largest)."""
    x = b.numbers(table)
    if not hasattr(est, "classes_"):
        width = np.asarray(_probe(est, "predict", len(table))).reshape(1, -1).shape[1]
        return Prediction(value=b.emit(_block(est, len(table), "predict", width, output=0), x))
    if not hasattr(est, "predict_proba"):
        raise Refused("no lowering, and via skl2onnx a classifier needs predict_proba; use a probabilistic classifier")
    if isinstance(est.classes_, list):
        raise Refused(f"{len(est.classes_)} targets in one classifier; train one classifier per target")
    width = len(est.classes_)
    probabilities = b.emit(_block(est, len(table), "predict_proba", width, output=1), x)
    return Prediction(label=b.emit(ArgMax(), probabilities), probabilities=probabilities, classes=est.classes_)


def _block(est: Any, features: int, method: str, width: int, *, output: int) -> OnnxBlock:
    # skl2onnx takes seconds to import and is needed here alone
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    options = {id(est): {"zipmap": False}} if method == "predict_proba" else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            types = [("x", FloatTensorType([None, features]))]
            model = to_onnx(est, initial_types=types, options=options, target_opset=OPSET)
    except Exception as error:  # skl2onnx raises whatever its converters happen to raise
        reason = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
        raise Refused(f"no lowering, and skl2onnx says: {reason}; use another estimator") from error
    return OnnxBlock(
        model=model.SerializeToString(),
        output=model.graph.output[output].name,
        width=width,
        estimator=est,
        method=method,
    )


def _probe(est: Any, method: str, features: int) -> Any:
    try:
        return getattr(est, method)(np.zeros((1, features)))
    except Exception as error:  # any estimator, any reason
        raise Refused(f"no lowering, and it refuses a row of zeros ({error}); use another estimator") from error
