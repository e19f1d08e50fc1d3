"""Functions of single numbers.

The logit link of a generalized linear model is the one transcendental function that a classic stage computes in
double arithmetic: `exp` and `tanh` are made of it. Logarithms and roots start from a neural network layer, in float32;
a logarithm is then corrected to double by the exponential of what the layer gave.
"""

from __future__ import annotations

import math

import numpy as np

from edgepack.ir.ops import Elementwise
from edgepack_coreml import ensemble, linear
from edgepack_coreml.builder import Builder
from edgepack_coreml.feature import Feature
from edgepack_coreml.proto import messages
from edgepack_coreml.refused import Refused
from edgepack_coreml.source import Column, Numbers, Weighted, columns_of

NO, ONE = np.zeros(1, np.bool_), np.ones(1, np.bool_)

EXPONENTIALS = {"exp": (1.0, 0.0), "expm1": (1.0, -1.0), "exp2": (math.log(2.0), 0.0)}
"""`exp(factor · x) + offset`."""

LOGARITHMS = {
    "log": (0.0, 1.0),
    "log1p": (1.0, 1.0),
    "log2": (0.0, 1 / math.log(2.0)),
    "log10": (0.0, 1 / math.log(10.0)),
}
"""`ln(x + shift) · factor`."""

LARGE = 250.0
"""Where the second way to an exponential takes over; e²⁵⁰ is 10¹⁰⁸."""


def function(b: Builder, op: Elementwise, table: Numbers) -> Numbers:
    """The table after a numpy function.

    Raises:
        Refused: for a function that no stage computes.
    """
    name = op.function
    if name in EXPONENTIALS:
        return tuple(_exponential(b, column, *EXPONENTIALS[name]) for column in table)
    if name == "tanh":
        return tuple(_tanh(b, column) for column in table)
    if name in LOGARITHMS:
        return tuple(_logarithm(b, column, *LOGARITHMS[name]) for column in table)
    if name in ("sqrt", "absolute"):
        return columns_of(_network(b, table, name, "SQRT" if name == "sqrt" else "ABS"))
    raise Refused(f"{name} has no Core ML stage")


def _exponential(b: Builder, column: Column, factor: float, offset: float) -> Column:
    """`exp(x)` in double arithmetic: `e^c · σ(x − c)` differs from it by less than half an ulp where x < c − 37.

    For `x <= 250` c is 300. Beyond, it is 745, and `e^c` is multiplied in two steps, to reach infinity where exp does.
    A tree adds −∞ to x in the way that is not taken, which then gives 0.
    """
    scaled = linear.flattened((column,), np.full((1, 1), factor), np.zeros(1))
    z = b.scalar(column if factor == 1 else Column(source=scaled, index=0))
    z = _replaced(b, z, math.inf, 1e300)  # a gate would make NaN of infinity; this is as good
    small = _logistic(b, (z, _gate(b, z, 0.0, -np.inf)), -300.0)
    large = _logistic(b, (z, _gate(b, z, -np.inf, 0.0)), -745.0)
    grown = b.feature(f"{large.name}_scaled", "double", NO, NO)
    message = messages().Model()
    message.scaler.scaleValue.append(math.exp(372.0))
    b.add("scaler", [large], [grown], message)
    return Column(
        source=Weighted(
            columns=(*columns_of(small), *columns_of(grown)),
            coef=np.array([[math.exp(300.0), math.exp(373.0)]]),
            intercept=np.array([offset]),
        ),
        index=0,
    )


def _replaced(b: Builder, x: Feature, old: float, new: float) -> Feature:
    """A number with one value replaced."""
    out = b.feature(f"{x.name}_replaced", "double", NO, NO)
    message = messages().Model()
    message.imputer.replaceDoubleValue = old
    message.imputer.imputedDoubleValue = new
    b.add("imputer", [x], [out], message)
    return out


def _gate(b: Builder, x: Feature, below: float, above: float) -> Feature:
    """One value up to `LARGE`, another beyond; 0 for NaN, to which it is added."""
    growing = ensemble.Growing()
    node = growing.ask(ensemble.LESS_EQUAL, 0, LARGE, nan_yes=below == 0)
    growing.answer(node, growing.leaf(below), growing.leaf(above))
    out = b.feature(f"{x.name}_gate", "double", NO, NO)
    b.add("treeEnsembleRegressor", [x], [out], ensemble.regressor_body(growing.grown()), predicted=out.name)
    return out


def _logistic(b: Builder, parts: tuple[Feature, ...], offset: float) -> Feature:
    """`σ(Σ parts + offset)`."""
    out = b.feature(f"{parts[0].name}_logistic", "double", NO, NO)
    message = messages().Model()
    message.glmRegressor.weights.add(value=[1.0] * len(parts))
    message.glmRegressor.offset.append(offset)
    message.glmRegressor.postEvaluationTransform = message.glmRegressor.Logit
    b.add("glmRegressor", parts, [out], message, predicted=out.name)
    return out


def _tanh(b: Builder, column: Column) -> Column:
    """`2 · σ(2x) − 1`."""
    doubled = linear.flattened((column,), np.full((1, 1), 2.0), np.zeros(1))
    logistic = _logistic(b, (b.scalar(Column(source=doubled, index=0)),), 0.0)
    source = Weighted(columns=columns_of(logistic), coef=np.full((1, 1), 2.0), intercept=np.full(1, -1.0))
    return Column(source=source, index=0)


def _logarithm(b: Builder, column: Column, shift: float, factor: float) -> Column:
    """`ln(x + shift) · factor` in double arithmetic, from a float32 logarithm y of z = x + shift.

    `ln z = y + ln(z / e^y)`, and a normalizer gives `r = z / (z + e^y)`, which is near ½: `ln(r / (1 − r))` is
    `4r − 2` but for the third power of the layer's error, which is below 1e-6.
    """
    shifted = column
    if shift:
        shifted = Column(source=linear.flattened((column,), np.ones((1, 1)), np.full(1, shift)), index=0)
    (z,) = columns_of(b.scalar(shifted))
    (rough,) = columns_of(_network(b, (z,), "log", "LOG"))
    pair = b.array((z, _exponential(b, rough, 1.0, 0.0)))
    shares = b.feature(f"{pair.name}_shares", "array", np.zeros(2, np.bool_), np.zeros(2, np.bool_))
    message = messages().Model()
    message.normalizer.normType = message.normalizer.L1
    b.add("normalizer", [pair], [shares], message)
    # 0 and ∞ have no share; ½ leaves the layer's own −∞ and ∞ as they are
    share = _replaced(b, b.scalar(columns_of(shares)[0]), math.nan, 0.5)
    source = Weighted(
        columns=(rough, *columns_of(share)), coef=np.array([[factor, 4 * factor]]), intercept=np.full(1, -2 * factor)
    )
    return Column(source=source, index=0)


def _network(b: Builder, table: Numbers, name: str, kind: str) -> Feature:
    """A neural network of one unary layer, over an array: float32."""
    source = b.array(table)
    no = np.zeros(len(table), np.bool_)
    out = b.feature(f"{source.name}_{name}", "array", no, no)
    message = messages().Model()
    layer = message.neuralNetwork.layers.add(name=name, input=[source.name], output=[out.name])
    layer.unary.type = layer.unary.Operation.Value(kind)
    b.add("neuralNetwork", [source], [out], message)
    return out
