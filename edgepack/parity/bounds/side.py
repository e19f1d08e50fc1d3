"""A Program read as sums of atoms, layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgepack.ir import Program
from edgepack.ir.ops import (
    Affine,
    Clip,
    Concat,
    Constant,
    Elementwise,
    Forest,
    Impute,
    Indicate,
    Linear,
    Lookup,
    OneHot,
    Select,
    Sigmoid,
    Sum,
    Where,
)
from edgepack.ir.types import Array, Floats
from edgepack.parity.bounds.box import Box, Slot
from edgepack.parity.bounds.column import Column, finite, form_of, inputs, through_trees
from edgepack.parity.bounds.form import DOUBLE, SINGLE, Extent, Form, extent, rounded, weighted
from edgepack.parity.predicates import Undecidable

Table = tuple[Column, ...] | Form

FUNCTION_ROUNDINGS = 16
"""How many roundings a runtime's function may be off: of 1 for tanh and the logistic one, of its value for exp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bend:
    """Where a Program bends its sums by a monotone function: what comes out are atoms of the next layer.

    Attributes:
        op: the function.
        form: its argument, as the Program means it.
        start: the first atom that comes out, and the number of columns.
    """

    op: Any
    form: Form
    start: int
    width: int


@dataclass(slots=True, kw_only=True)
class Layers:
    """What both sides share: the slots of the inputs, then those that bends gave.

    Attributes:
        directions: by how much the sides differ at each bend.
    """

    box: Box
    slots: list[Slot]
    bends: list[Bend] = field(default_factory=list)
    directions: list[Form] = field(default_factory=list)

    def difference(self, a: Form, b: Form) -> tuple[Form, Floats]:
        """`a − b` as a form, and how far the two sides are apart at most: `(width,)`."""
        if len(a.const) != len(b.const):
            raise Undecidable(f"{len(b.const)} sums in the file where the program has {len(a.const)}")
        atoms = max(len(a.coef), len(b.coef))
        apart = Form(coef=a.padded(atoms) - b.padded(atoms), const=a.const - b.const, error=np.zeros_like(a.const))
        sizes = extent(a, self.slots).size + extent(b, self.slots).size
        between = extent(apart, self.slots).magnitude + 4 * DOUBLE * sizes + a.error + b.error
        return apart, between * (1 + 1e-9)


@dataclass(slots=True, kw_only=True)
class Side:
    """One of the two computations.

    Attributes:
        program: what it computes.
        narrow: the values that it rounds to float32.
        layers: shared; the side that `leads` adds the bends, the other meets them in order.
    """

    program: Program
    narrow: frozenset[str]
    layers: Layers
    leads: bool
    met: int = 0
    known: dict[str, Table] = field(default_factory=dict)

    def form(self, name: str) -> Form:
        """A value as sums of atoms. Raises `Undecidable` for ops that are no sums, and no functions known here."""
        return self._form(self._table(name))

    def _form(self, table: Table) -> Form:
        return table if isinstance(table, Form) else form_of(self._numbers(table), self.layers.box)

    @staticmethod
    def _numbers(columns: tuple[Column, ...]) -> tuple[Column, ...]:
        if any(column.is_text for column in columns):
            raise Undecidable("strings get into a sum")
        return columns

    def _table(self, name: str) -> Table:
        if not self.known:
            self.known.update(inputs(self.layers.box))
        if name not in self.known:
            node = self.program.node_of(name)
            if node is None:
                raise Undecidable(f"no value named {name}")
            unit = SINGLE if name in self.narrow else DOUBLE
            self.known[name] = self._applied(node.op, [self._table(n) for n in node.inputs], unit)
        return self.known[name]

    def _applied(self, op: Any, tables: list[Table], unit: float) -> Table:
        slots, first = self.layers.slots, tables[0]
        if isinstance(op, Affine | Constant | Linear | Sum | Where):
            plain = [t for t in tables if not isinstance(t, Form)]
            if len(plain) == len(tables) and (exact := finite(op, plain)) is not None:
                return exact
        match op:
            case Concat():
                if any(isinstance(t, Form) for t in tables):
                    return _joined([self._form(t) for t in tables])
                return tuple(c for t in tables if not isinstance(t, Form) for c in t)
            case Select(columns=columns):
                picked = columns.tolist()
                return first.select(picked) if isinstance(first, Form) else tuple(first[k] for k in picked)
            case Impute(sentinel=float(sentinel)) if isinstance(first, Form) and sentinel != sentinel:
                extent(first, slots)  # there is no NaN to replace
                return first
            case Impute(fill=fill, sentinel=sentinel) if not isinstance(first, Form):
                ops = [Impute(fill=fill[j : j + 1], sentinel=sentinel) for j in range(len(fill))]
                return tuple(made for c, o in zip(first, ops, strict=True) for made in c.mapped(o))
            case Indicate() if not isinstance(first, Form):
                return tuple(made for c in first for made in c.mapped(op))
            case Lookup() if not isinstance(first, Form):
                return tuple(first[0].mapped(op))
            case OneHot(size=size) if not isinstance(first, Form):
                keys = np.arange(size, dtype=np.float64)
                return tuple(first[0].mapped(Lookup(keys=keys, table=np.eye(size + 2, size))))
            case Forest() if not isinstance(first, Form):
                return through_trees(first, op)
            case Affine():
                return self._affine(op, self._form(first), unit)
            case Linear(coef=coef, intercept=intercept):
                return weighted(self._form(first), coef, intercept, slots, unit)
            case Sum():
                forms = [self._form(t) for t in tables]
                width = len(forms[0].const)
                weights = np.tile(np.eye(width), len(forms))
                return weighted(_joined(forms), weights, np.zeros(width), slots, unit)
            case Clip() | Elementwise() | Sigmoid():
                return self._bent(op, self._form(first), unit)
        raise Undecidable(f"{type(op).__name__} is more than a sum")

    def _affine(self, op: Affine, form: Form, unit: float) -> Form:
        slots = self.layers.slots
        if op.center is not None:
            form = rounded(form.shifted(-op.center), slots, unit)
        if op.divisor is not None:
            form = rounded(form.scaled(1 / op.divisor), slots, unit)
        if op.factor is not None:
            form = rounded(form.scaled(op.factor), slots, unit)
        return form if op.offset is None else rounded(form.shifted(op.offset), slots, unit)

    def _bent(self, op: Any, form: Form, unit: float) -> Form:
        """The function's values as atoms of their own, the same on both sides."""
        layers = self.layers
        reach = extent(form, layers.slots)
        function = _function(op)
        if self.leads:
            start = sum(slot.atoms for slot in layers.slots)
            layers.bends.append(Bend(op=op, form=form, start=start, width=len(form.const)))
            low, high = function(reach.low), function(reach.high)
            spare = _spare(op, DOUBLE, low, high)
            low, high = (low - spare).tolist(), (high + spare).tolist()
            layers.slots += [
                Slot(low=a, high=b, start=start + k) for k, (a, b) in enumerate(zip(low, high, strict=True))
            ]
            apart = form.error
        else:
            moved = None if self.met == len(layers.bends) else _moved(layers.bends[self.met].op, op)
            if moved is None:
                raise Undecidable(f"{_name(op)} stands elsewhere in the file than in the program")
            direction, apart = layers.difference(layers.bends[self.met].form, form)
            layers.directions.append(direction)
            apart = apart + moved
        bend = layers.bends[self.met]
        self.met += 1
        wide = Extent(low=reach.low - form.error, high=reach.high + form.error, size=reach.size)
        error = _steepness(op, wide) * apart + _spare(op, unit, function(wide.low), function(wide.high))
        coef = np.zeros((bend.start + bend.width, bend.width))
        coef[bend.start :] = np.eye(bend.width)
        return Form(coef=coef, const=np.zeros(bend.width), error=error)


def _joined(forms: list[Form]) -> Form:
    atoms = max(len(f.coef) for f in forms)
    return Form(
        coef=np.concatenate([f.padded(atoms) for f in forms], axis=1),
        const=np.concatenate([f.const for f in forms]),
        error=np.concatenate([f.error for f in forms]),
    )


def _name(op: Any) -> str:
    return op.function if isinstance(op, Elementwise) else type(op).__name__


def _function(op: Any) -> Callable[[Floats], Array]:
    """The function of a bend. Raises `Undecidable` for one that is not known to grow with its argument."""
    if isinstance(op, Elementwise) and op.function not in ("tanh", "exp"):
        raise Undecidable(f"{op.function} is not among the functions that are bounded")

    def run(x: Floats) -> Array:
        return op.run(x[None, :])[0]

    return run


def _moved(a: Any, b: Any) -> Floats | float | None:
    """How far two functions are from one another; None for functions of different kinds."""
    if type(a) is not type(b) or _name(a) != _name(b):
        return None
    if not isinstance(a, Clip):
        return 0.0
    ends = np.stack([a.low, a.high]), np.stack([b.low, b.high])
    if np.any(np.isfinite(ends[0]) != np.isfinite(ends[1])) or np.any(b.low > b.high):
        return None
    with np.errstate(invalid="ignore"):
        moved: Floats = np.where(np.isfinite(ends[0]), np.abs(ends[0] - ends[1]), 0.0).max(axis=0)
    return moved * (1 + 1e-9)


def _steepness(op: Any, reach: Extent) -> Floats | float:
    """How much the function's values can be apart, beside its arguments."""
    match op:
        case Sigmoid():
            return 0.25
        case Elementwise(function="exp"):
            steep: Floats = np.exp(reach.high) * (1 + 1e-9)
            return steep
    return 1.0


def _spare(op: Any, unit: float, low: Array, high: Array) -> Floats:
    """How far a runtime's own result may be from the function's; clipping is exact."""
    largest = np.maximum(np.abs(low), np.abs(high))
    if isinstance(op, Clip):
        return np.zeros_like(largest)
    if not np.isfinite(largest).all():
        raise Undecidable(f"{_name(op)} overflows")
    if not isinstance(op, Elementwise) or op.function != "exp":
        largest = np.ones_like(largest)  # a logistic function of ONNX Runtime is right beside 1, not beside its value
    return FUNCTION_ROUNDINGS * unit * largest
