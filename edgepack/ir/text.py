"""The Program as text that people read and golden tests compare."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from edgepack.ir.ops import Forest, Op
from edgepack.ir.program import Program


def to_text(program: Program) -> str:
    """One line per input, node and output; fitted arrays shortened to dtype, shape and range."""
    types = program.types()
    rows: list[tuple[str, str, str]] = []
    for k, i in enumerate(program.interface.inputs):
        rows.append((f"i{k} = input {i.name!r}", str(types[f"i{k}"]), _domain(i.categories)))
    for node in program.nodes:
        call = ", ".join([*node.inputs, *_parameters(node.op)])
        rows.append((f"{node.name} = {type(node.op).__name__}({call})", str(types[node.name]), node.step))
    left = min(max(len(r[0]) for r in rows), 100)
    middle = max(len(r[1]) for r in rows)
    lines = [f"{a:<{left}}  {b:<{middle}}  {c}".rstrip() for a, b, c in rows]
    lines += [f"{output} = {name}" for output, name in program.outputs.items()]
    return f"program ({program.interface.input_dtype} inputs)\n" + "\n".join(f"  {line}" for line in lines) + "\n"


def _domain(categories: tuple[str | float, ...] | None) -> str:
    return "" if categories is None else f"{len(categories)} categories"


def _parameters(op: Op) -> list[str]:
    if isinstance(op, Forest):
        link = "sum" if op.divisor == 1 else "mean"
        return [
            f"{link} of {len(op.roots)} trees",
            f"{len(op.feature)} nodes",
            f"base={_short(op.base)}",
            f"compare={op.compare}",
        ]
    return [
        f"{f.name}={_short(getattr(op, f.name))}"
        for f in fields(op)  # type: ignore[arg-type]
        if getattr(op, f.name) is not None and f.name not in ("model", "estimator")
    ]


def _short(x: object) -> str:
    if isinstance(x, np.ndarray):
        if x.size <= 4 and x.ndim == 1:
            return "[" + ", ".join(_short(v) for v in x.tolist()) + "]"
        span = ""
        if x.dtype != object and x.size:
            span = f" {_short(float(np.nanmin(x)))}…{_short(float(np.nanmax(x)))}" if not np.isnan(x).all() else " nan"
        return f"{'str' if x.dtype == object else x.dtype}{list(x.shape)}{span}"
    return f"{x:.6g}" if isinstance(x, float) else repr(x)
