"""Support vector machines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgepack.ir.types import Array, Floats
from edgepack_coreml.evaluate.values import Evaluate, Unknown, Value, Values, only, vectorized


def regressor(model: Any) -> Evaluate:
    """`Σ alpha · K(x, vector) − rho`; inferred from libsvm, whose format it is: how each kernel is computed."""
    message = model.supportVectorRegressor
    only(message, "kernel", "denseSupportVectors", "coefficients", "rho")
    lengths = {len(v.values) for v in message.denseSupportVectors.vectors}
    alpha = np.array(message.coefficients.alpha, np.float64)
    if len(lengths) != 1 or 0 in lengths or len(alpha) != len(message.denseSupportVectors.vectors):
        raise Unknown(f"supportVectorRegressor: {len(alpha)} coefficients for vectors of {sorted(lengths)} numbers")
    vectors = np.array([list(v.values) for v in message.denseSupportVectors.vectors])
    kernel = _kernel(message.kernel)
    names = [f.name for f in model.description.input]
    output = model.description.predictedFeatureName

    def evaluate(values: Values) -> dict[str, Value]:
        x = vectorized(names, values)
        if x.shape[1] != vectors.shape[1]:
            raise Unknown(f"supportVectorRegressor: vectors of {vectors.shape[1]} numbers for {x.shape[1]}")
        with np.errstate(all="ignore"):
            return {output: kernel(x, vectors) @ alpha - message.rho}

    return evaluate


def _kernel(message: Any) -> Callable[[Floats, Floats], Array]:
    name = message.WhichOneof("kernel")
    match name:
        case "linearKernel":
            return lambda x, v: x @ v.T
        case "rbfKernel":
            gamma = message.rbfKernel.gamma
            return lambda x, v: np.exp(-gamma * _squares(x, v))
        case "polyKernel":
            poly = message.polyKernel
            return lambda x, v: np.power(poly.gamma * (x @ v.T) + poly.c, poly.degree)
        case "sigmoidKernel":
            bent = message.sigmoidKernel
            return lambda x, v: np.tanh(bent.gamma * (x @ v.T) + bent.c)
    raise Unknown(f"kernel {name}; knows linear, rbf, poly and sigmoid")


def _squares(x: Floats, vectors: Floats) -> Floats:
    """`(rows, vectors)`, one vector at a time, so that no differences of all with all are held."""
    result = np.empty((len(x), len(vectors)))
    for k, vector in enumerate(vectors):
        result[:, k] = ((x - vector) ** 2).sum(axis=1)
    return result
