"""Neural networks of unary layers, in single precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgepack.ir.types import Array
from edgepack_coreml.evaluate.values import Dictionaries, Evaluate, Unknown, Value, Values, only, shape_of

SQRT, LOG, ABS = 0, 5, 6
FUNCTIONS: dict[int, Callable[[Array], Array]] = {SQRT: np.sqrt, LOG: np.log, ABS: np.abs}


def network(model: Any) -> Evaluate:
    """`f(scale · x + shift)` for one layer over one array; every step rounded to float32, as on a CPU.

    Source: UnaryFunctionLayerParams in NeuralNetwork.proto (a scale of 0 means 1).
    """
    only(model.neuralNetwork, "layers")
    features = [*model.description.input, *model.description.output]
    if len(model.neuralNetwork.layers) != 1 or len(features) != 2 or any(shape_of(f).kind != "array" for f in features):
        raise Unknown("neuralNetwork: knows one layer from one array to another")
    layer = model.neuralNetwork.layers[0]
    only(layer, "name", "input", "output", "unary")
    source, output = (f.name for f in features)
    if list(layer.input) != [source] or list(layer.output) != [output] or not layer.HasField("unary"):
        raise Unknown(f"neuralNetwork: layer {layer.name!r} does not lead from {source!r} to {output!r}")
    only(layer.unary, "type", "shift", "scale")
    if layer.unary.type not in FUNCTIONS:
        raise Unknown(f"neuralNetwork: unary function {layer.unary.type}; knows {sorted(FUNCTIONS)}")
    function = FUNCTIONS[layer.unary.type]
    scale, shift = np.float32(layer.unary.scale or 1.0), np.float32(layer.unary.shift)

    def evaluate(values: Values) -> dict[str, Value]:
        x = values[source]
        if isinstance(x, Dictionaries):
            raise Unknown(f"feature {source!r}: is not made of numbers")
        with np.errstate(all="ignore"):
            return {output: function(scale * x.astype(np.float32) + shift).astype(np.float64)}

    return evaluate
