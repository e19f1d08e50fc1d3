"""A model that is ONNX already: one block, which the ONNX target inlines as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgepack.ir.ops import OnnxBlock
from edgepack.lower.builder import Builder, Table
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def onnx_model(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """Its outputs as numbers: a label is the number that it gives, not the place of a class."""
    x = b.numbers(table)
    values = {
        method: b.emit(
            OnnxBlock(model=est.model, output=name, width=width, estimator=est, method=method, is_own=True), x
        )
        for method, (name, width) in est.outputs.items()
    }
    return Prediction(value=values["predict"], probabilities=values.get("predict_proba"))


PREDICTORS = {"edgepack.source.onnx_file.OnnxModel": onnx_model}
"""By the full name of the class, which the source's room keeps."""
