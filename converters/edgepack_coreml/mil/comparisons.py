"""Numbers that float32 values are compared with, rounded so that each comparison stays what it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from edgepack.ir import Node, Program
from edgepack.ir.ops import Binary, Constant
from edgepack_coreml.mil.rounding import rounded_down, rounded_up

STRICT = {"greater": True, "greater_equal": False}


def comparable(program: Program) -> Program:
    """The Program with bounds that are float32 numbers: of 0.9999999 the float32 below it is left, where `x >` it."""
    return replace(program, nodes=tuple(_rounded(program)))


def _rounded(program: Program) -> Iterator[Node]:
    constants = {node.name: (node, node.op) for node in program.nodes if isinstance(node.op, Constant)}
    for node in program.nodes:
        at = [k for k, name in enumerate(node.inputs) if name in constants]
        if not (isinstance(node.op, Binary) and node.op.function in STRICT and len(at) == 1):
            yield node
            continue
        bound, op = constants[node.inputs[at[0]]]
        is_below = STRICT[node.op.function] == (at[0] == 1)  # x > c and c >= x change above c, x >= c and c > x at it
        row = (rounded_down if is_below else rounded_up)(op.row)
        moved = replace(bound, name=f"{node.name}_bound", op=Constant(row=row))
        yield moved
        yield replace(node, inputs=tuple(moved.name if k == at[0] else name for k, name in enumerate(node.inputs)))
