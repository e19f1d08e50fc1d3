"""How large numbers may be before float32 overflows on the way to an answer that it could hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgepack.contract import Columns, Interface
from edgepack.ir import Program
from edgepack.ir.types import Array

LARGEST = float(np.finfo(np.float32).max)
SIZES = (LARGEST, *(10.0**k for k in (36, 30, 24, 18, 15, 12, 9, 8, 7, 6, 5, 4, 3, 2, 1)))
ROWS = 96
CLOSE = 1e-6


def largest_number(program: Program) -> float:
    """The largest of `SIZES` up to which numbers of any sign, mixed with small ones, keep their answers.

    The Program runs twice over such rows, once as it is and once with every value beyond float32 made infinite.
    """
    for size in SIZES[:-1]:
        if _keeps(program, _rows(program.interface, size)):
            return size
    return SIZES[-1]


def _rows(interface: Interface, size: float) -> Columns:
    r = np.random.default_rng(0)
    columns: dict[str, Array] = {}
    for i in interface.inputs:
        if i.kind == "string":
            columns[i.name] = np.full((ROWS, i.width), None, object)
            continue
        x = r.choice([0.0, 1.0, -1.0, 0.5, size, -size, size / 3], (ROWS, i.width))
        x[: ROWS // 4] *= np.where(r.random((ROWS // 4, i.width)) < 2 / max(i.width, 2), 1.0, 1 / size)  # few large
        x[-2:] = [[size], [-size]]
        columns[i.name] = x.astype(np.float32).astype(np.float64)
    return columns


def _keeps(program: Program, columns: Columns) -> bool:
    exact = _values(program, columns, narrow=False)
    narrow = _values(program, columns, narrow=True)
    return all(_close(exact[name], narrow[name]) for name in program.outputs.values())


def _values(program: Program, columns: Columns, *, narrow: bool) -> Mapping[str, Array]:
    values: dict[str, Any] = {f"i{k}": columns[i.name] for k, i in enumerate(program.interface.inputs)}
    for node in program.nodes:
        with np.errstate(all="ignore"):
            value = node.op.run(*(values[name] for name in node.inputs))
            if narrow and value.dtype.kind == "f":
                value = np.where(np.abs(value) > LARGEST, np.copysign(np.inf, value), value)
        values[node.name] = value
    return values


def _close(exact: Array, narrow: Array) -> bool:
    if exact.dtype.kind != "f":
        return bool(np.array_equal(exact, narrow))
    with np.errstate(all="ignore"):
        near = np.abs(exact - narrow) <= CLOSE * np.maximum(np.abs(exact), 1)
    return bool(np.all(near | (exact == narrow) | (np.isnan(exact) & np.isnan(narrow))))
