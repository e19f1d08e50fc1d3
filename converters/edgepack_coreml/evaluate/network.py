"""Neural networks of one layer, in single precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgepack.ir.types import Array
from edgepack_coreml.evaluate.values import Dictionaries, Evaluate, Unknown, Value, Values, only, shape_of

SQRT, LOG, ABS = 0, 5, 6
FUNCTIONS: dict[int, Callable[[Array], Array]] = {SQRT: np.sqrt, LOG: np.log, ABS: np.abs}


def network(model: Any) -> Evaluate:
    """One layer over one array, every step rounded to float32, as on a CPU: `f(scale · x + shift)`, or `α · x + β`.

    Source: UnaryFunctionLayerParams (a scale of 0 means 1) and ActivationLinear in NeuralNetwork.proto.
    """
    only(model.neuralNetwork, "layers", "arrayInputShapeMapping")
    features = [*model.description.input, *model.description.output]
    if len(model.neuralNetwork.layers) != 1 or len(features) != 2:
        raise Unknown("neuralNetwork: knows one layer from one array to another")
    given, gives = (shape_of(f) for f in features)
    if given.kind != "array" or gives.kind != "array" or given.dims != gives.dims:
        raise Unknown(f"neuralNetwork: from {given} to {gives}; knows one array to another of its shape")
    layer = model.neuralNetwork.layers[0]
    source, output = (f.name for f in features)
    if list(layer.input) != [source] or list(layer.output) != [output] or layer.WhichOneof("layer") not in LAYERS:
        raise Unknown(f"neuralNetwork: layer {layer.name!r} does not lead from {source!r} to {output!r}")
    only(layer, "name", "input", "output", layer.WhichOneof("layer"))
    function = LAYERS[layer.WhichOneof("layer")](layer)

    def evaluate(values: Values) -> dict[str, Value]:
        x = values[source]
        if isinstance(x, Dictionaries):
            raise Unknown(f"feature {source!r}: is not made of numbers")
        with np.errstate(all="ignore"):
            return {output: function(x.astype(np.float32)).astype(gives.dtype)}

    return evaluate


def _unary(layer: Any) -> Callable[[Array], Array]:
    only(layer.unary, "type", "shift", "scale")
    if layer.unary.type not in FUNCTIONS:
        raise Unknown(f"neuralNetwork: unary function {layer.unary.type}; knows {sorted(FUNCTIONS)}")
    function = FUNCTIONS[layer.unary.type]
    scale, shift = np.float32(layer.unary.scale or 1.0), np.float32(layer.unary.shift)
    return lambda x: function(scale * x + shift)


def _activation(layer: Any) -> Callable[[Array], Array]:
    only(layer.activation, "linear")
    only(layer.activation.linear, "alpha", "beta")
    alpha, beta = np.float32(layer.activation.linear.alpha), np.float32(layer.activation.linear.beta)
    return lambda x: alpha * x + beta


LAYERS: dict[str, Callable[[Any], Callable[[Array], Array]]] = {"activation": _activation, "unary": _unary}
