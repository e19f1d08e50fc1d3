"""The Program with its weights and leaves on a coarser grid: its meaning is the quantized one from there on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Literal

import numpy as np

from edgepack.contract import Columns
from edgepack.ir.ops import Affine, Distances, Forest, Linear, Lookup, Op
from edgepack.ir.program import Node, Program
from edgepack.ir.types import Floats
from edgepack.quantize import grid
from edgepack.quantize.activations import NO_RANGES, Range, Ranges, in_whole_numbers, ranges_of
from edgepack.quantize.balance import balanced, followed, singles
from edgepack.quantize.grid import Snap
from edgepack.quantize.merge import without_equal_leaves

Method = Literal["fp16", "int8", "int4", "w8a8"]
METHODS: tuple[Method, ...] = ("fp16", "int8", "int4", "w8a8")
OF_WEIGHTS: tuple[Method, ...] = METHODS[:3]
"""Those that every target knows."""

FEWEST_NUMBERS = 64
"""Smaller tables stay as they are: their bytes are lost among those of the graph."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One table of numbers of a Program, and what became of it.

    Attributes:
        step: the scikit-learn step that it comes from.
        kind: `weights`, `points`, `table` or `leaves`; `weights and activations` where sums are whole numbers' now.
        numbers: how many.
        distinct: how many different ones there were, and are now.
        kept: why it was left as it is; empty where it was quantized.
    """

    step: str
    kind: str
    numbers: int
    distinct: tuple[int, int]
    kept: str = ""

    @property
    def touched(self) -> bool:
        """Whether it was quantized."""
        return not self.kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantized:
    """A quantized Program and what was done to each of its tables."""

    program: Program
    method: Method
    parts: tuple[Part, ...]

    @property
    def touched(self) -> int:
        """How many tables were quantized."""
        return sum(part.touched for part in self.parts)

    def __str__(self) -> str:
        """`int8: 2 of 3 tables; kept: table of OneHotEncoder (24 numbers: too few)`."""
        kept = [f"{part.kind} of {part.step} ({part.kept})" for part in self.parts if part.kept]
        told = f"{self.method}: {self.touched} of {len(self.parts)} tables"
        return f"{told}; kept: {', '.join(kept)}" if kept else told


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """The table of an op that may be quantized, and how each method does it."""

    kind: str
    name: str
    snap: Mapping[Method, Snap]


def _field(kind: str, name: str, int8: Snap, int4: Snap) -> Field:
    return Field(kind=kind, name=name, snap=MappingProxyType({"fp16": grid.halves, "int8": int8, "int4": int4}))


SHARES: Mapping[Method, Snap] = MappingProxyType(
    {
        "fp16": partial(grid.shares, units=2048),
        "int8": partial(grid.shares, units=255),
        "int4": partial(grid.shares, units=15),
    }
)
"""For leaves that are distributions, so that probabilities go on adding up to 1."""

SIXTEEN = partial(grid.clusters, count=16)


FIELDS: Mapping[type[Op], Field] = MappingProxyType(
    {
        Linear: _field("weights", "coef", grid.rows_of_int8, SIXTEEN),
        Distances: _field("points", "points", grid.columns_of_int8, SIXTEEN),
        Lookup: _field("table", "table", grid.columns_of_int8, SIXTEEN),
        Forest: _field("leaves", "value", partial(grid.levels, count=256), partial(grid.levels, count=16)),
    }
)
"""Thresholds are no field: a moved threshold sends rows another way, and no tolerance bounds what they find there."""


def quantize(program: Program, method: Method, ranges: Ranges = NO_RANGES) -> Quantized:
    """The Program with every large table on the method's grid.

    `fp16`: float16. `int8`: whole multiples of one float32 per output (weights) or per column (points, tables); leaves
    on 256 levels. `int4`: 16 numbers per table, chosen where its numbers are dense; leaves on 16 levels.
    Splits whose two leaves became equal are merged.
    `w8a8`: weighted sums in whole numbers, of weights of 7 bits and activations of 8; everything else stays.

    Args:
        ranges: for `w8a8`, what each weighted sum takes, as `calibrated` gives it.
    """
    nodes: dict[str, Node] = {}
    parts = []
    read = Counter(name for node in program.nodes for name in node.inputs) + Counter(program.outputs.values())
    for node in program.nodes:
        field = FIELDS.get(type(node.op))
        if field is None:
            nodes[node.name] = node
            continue
        pair = balanced(node.op) if isinstance(node.op, Linear) and method != "fp16" else None
        before = nodes.get(node.inputs[0])
        scaler = before.op if before and isinstance(before.op, Affine) and read[before.name] == 1 else None
        given = pair[1] if pair else node.op
        op, part = _moved(given, field, method, node.step or node.name, ranges.get(node.name))
        if scaler and part.touched:
            scaler = followed(scaler, pair[0]) if pair else scaler
        if before and scaler and part.touched:
            nodes[before.name] = replace(before, op=singles(scaler))
        elif pair:
            scale = Node(name=f"{node.name}x", op=pair[0], inputs=node.inputs, step=node.step)
            nodes[scale.name] = scale
            node = replace(node, inputs=(scale.name,))
        nodes[node.name] = replace(node, op=op)
        parts.append(part)
    return Quantized(program=replace(program, nodes=tuple(nodes.values())), method=method, parts=tuple(parts))


def calibrated(program: Program, rows: Columns) -> Ranges:
    """What each weighted sum of a Program takes, for these rows, as `w8a8` needs it."""
    return ranges_of(quantize(program, "int8").program, rows)


def has_wide_weights(program: Program) -> bool:
    """Whether some weights are enough to be quantized."""
    return any(isinstance(node.op, Linear) and node.op.coef.size >= FEWEST_NUMBERS for node in program.nodes)


def _moved(op: Op, field: Field, method: Method, step: str, between: Range | None) -> tuple[Op, Part]:
    numbers: Floats = getattr(op, field.name)
    used = np.s_[op.is_leaf] if isinstance(op, Forest) else np.s_[:]
    before = numbers[used]
    part = Part(step=step.split(" → ")[-1], kind=field.kind, numbers=before.size, distinct=(_distinct(before),) * 2)
    if before.size < FEWEST_NUMBERS:
        return op, replace(part, kept=f"{before.size} numbers: too few")
    if not np.isfinite(before).all():
        return op, replace(part, kept="not all finite")
    if method == "w8a8":
        return _whole(op, part, between)
    snap = SHARES if isinstance(op, Forest) and grid.are_shares(before) else field.snap
    try:
        after = snap[method](before)
    except OverflowError as error:
        return op, replace(part, kept=str(error))
    if np.array_equal(before, after):
        return op, replace(part, kept="on the grid already")
    moved = numbers.copy()
    moved[used] = after
    changed = replace(op, **{field.name: moved})  # type: ignore[type-var]
    match changed:
        case Forest():
            changed = without_equal_leaves(changed)
        case Linear():  # what it adds is stored beside them
            changed = replace(changed, intercept=changed.intercept.astype(np.float32).astype(np.float64))
    return changed, replace(part, distinct=(_distinct(before), _distinct(after)))


def _whole(op: Op, part: Part, between: Range | None) -> tuple[Op, Part]:
    found = in_whole_numbers(op, between) if isinstance(op, Linear) else "no weighted sum"
    if isinstance(found, str):
        return op, replace(part, kept=found)
    after: Floats = found.weights.astype(np.float64) * found.scale[:, None]
    distinct = part.distinct[0], _distinct(after)
    return found, replace(part, kind="weights and activations", distinct=distinct)


def _distinct(numbers: Floats) -> int:
    return len(np.unique(numbers))
