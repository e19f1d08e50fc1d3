"""Which parts of an ML Program compute in float16: products with learned weights, and activations between them.

All else stays float32: scaling, categories, thresholds, the sums that leave, and the answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgepack.ir import Node, Program
from edgepack.ir.ops import Clip, Elementwise, Linear, Sigmoid
from edgepack.ir.types import Array, Flags, Floats
from edgepack_coreml.mil.graph import Graph, Var
from edgepack_coreml.sample import sample_rows

ACTIVATIONS = (Clip, Elementwise, Sigmoid)
SMALLEST, LARGEST = 2.0**-6, 2.0**8
"""Columns whose largest number is of such a size enter as they are."""
AWAY = 4.0
"""Columns whose numbers are no further from 0 than so many times their spread do, too: two bits of eleven are lost."""
FACTORS = 24
"""No column is scaled by more than `2 ** FACTORS`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Product:
    """How a `Linear` computes in float16.

    Attributes:
        center, spread: `(inputs,)`: columns enter as `(x − center) / spread`; both None where the input is float16.
        scale: `(outputs,)`: the sums leave multiplied by these, as float32; None where they stay float16.
    """

    center: Floats | None = None
    spread: Floats | None = None
    scale: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Halves:
    """What of a Program computes in float16.

    Attributes:
        products: by the name of a `Linear`.
        kept: values that are float16.
    """

    products: Mapping[str, Product]
    kept: frozenset[str]

    @classmethod
    def of(cls, program: Program, nodes: Sequence[Node]) -> Halves:
        """Of the nodes that are written as operations. Sizes of numbers are taken from rows of the sample's range."""
        kept = _kept(program, nodes)
        with np.errstate(all="ignore"):
            values = program.values(sample_rows(program))
        products = {
            node.name: _product(node.op, values[node.inputs[0]], node.inputs[0] in kept, node.name in kept)
            for node in nodes
            if isinstance(node.op, Linear)
        }
        return cls(products=products, kept=kept)


def linear(g: Graph, op: Linear, product: Product, x: Var) -> Var:
    """Weighted sums in float16; the intercept of sums that leave is added in float32."""
    coef, intercept = op.coef, op.intercept
    if product.center is not None and product.spread is not None:
        x = g.less_constant(x, product.center)
        x = g.mul(x=x, y=1 / product.spread) if np.any(product.spread != 1) else x
        x = g.cast(x=x, dtype="fp16")
        intercept = intercept + coef @ product.center
        coef = coef * product.spread
    if product.scale is None:
        with g.halves():
            return g.linear(x=x, weight=coef, bias=intercept)
    with g.halves():
        sums = g.linear(x=x, weight=coef / product.scale[:, None])
    sums = g.number(sums)
    sums = g.mul(x=sums, y=product.scale) if np.any(product.scale != 1) else sums
    return g.add(x=sums, y=intercept) if np.any(intercept) else sums


def _kept(program: Program, nodes: Sequence[Node]) -> frozenset[str]:
    """Results of products, and of activations behind them, that only products and such activations take."""
    takers: dict[str, list[Node]] = {}
    for node in program.nodes:
        for name in node.inputs:
            takers.setdefault(name, []).append(node)
    outputs = set(program.outputs.values())
    free: set[str] = set()
    for node in reversed(program.nodes):
        after = takers.get(node.name, [])
        inner = (isinstance(t.op, Linear) or (isinstance(t.op, ACTIVATIONS) and t.name in free) for t in after)
        if after and node.name not in outputs and all(inner):
            free.add(node.name)
    kept: set[str] = set()
    for node in nodes:
        behind = isinstance(node.op, ACTIVATIONS) and node.inputs[0] in kept
        if node.name in free and (isinstance(node.op, Linear) or behind):
            kept.add(node.name)
    return frozenset(kept)


def _product(op: Linear, x: Array, enters_half: bool, stays_half: bool) -> Product:
    product = Product()
    center, spread = np.zeros(x.shape[1]), np.ones(x.shape[1])
    if not enters_half:
        center, spread = _entrance(x)
        product = replace(product, center=center, spread=spread)
    if stays_half:
        return product
    with np.errstate(all="ignore"):
        size = np.abs((x - center) @ op.coef.T)
    return replace(product, scale=np.where(_moderate(size := _largest(size)), 1.0, _power_of_two(size)))


def _entrance(x: Array) -> tuple[Floats, Floats]:
    """The middle of each column and half its width, rounded up to a power of 2; 0 and 1 for those that need neither."""
    finite = np.isfinite(x)
    low = np.where(finite, x, np.inf).min(axis=0, initial=np.inf)
    high = np.where(finite, x, -np.inf).max(axis=0, initial=-np.inf)
    low, high = np.where(low <= high, low, 0.0), np.where(low <= high, high, 0.0)
    largest = np.maximum(np.abs(low), np.abs(high))
    plain = (largest == 0) | (_moderate(largest) & (largest <= AWAY * (high - low) / 2))
    middle, half = (low + high) / 2, (high - low) / 2
    half = np.where(half > 0, half, np.maximum(np.abs(middle), SMALLEST))
    return np.where(plain, 0.0, middle), np.where(plain, 1.0, _power_of_two(half))


def _largest(x: Array) -> Floats:
    return np.asarray(np.where(np.isfinite(x), x, 0.0).max(axis=0, initial=0.0))


def _moderate(largest: Floats) -> Flags:
    return np.asarray((largest >= SMALLEST) & (largest <= LARGEST))


def _power_of_two(size: Floats) -> Floats:
    _, exponent = np.frexp(np.where(size > 0, size, 0.5))
    return np.asarray(np.exp2(np.clip(exponent, -FACTORS, FACTORS).astype(np.float64)))
