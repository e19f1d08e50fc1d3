"""What the ONNX target cannot say."""

from __future__ import annotations

from collections.abc import Iterator

from edgepack.contract import Problem
from edgepack.ir import Node, Program
from edgepack.ir.ops import Concat, Impute, Lookup, OnnxBlock, Select
from edgepack_onnx.block import block_problems
from edgepack_onnx.ops import WRITERS


def problems_of(program: Program) -> list[Problem]:
    """Everything at once, in the program's order."""
    tokens = _tokens(program)
    return [
        Problem(step=node.step or node.name, reason=reason, remedy=remedy)
        for node in program.nodes
        for reason, remedy in _problems(node, tokens)
    ]


def _problems(node: Node, tokens: dict[str, tuple[str | None, ...]]) -> Iterator[tuple[str, str]]:
    op = node.op
    if type(op) not in WRITERS:
        yield f"{type(op).__name__} has no ONNX form", "use another target"
    if isinstance(op, OnnxBlock):
        for reason in block_problems(op):
            yield reason, "use an estimator that edgepack lowers itself"
    for name in node.inputs:
        for column, token in enumerate(tokens.get(name, ())):
            if token is not None and _confuses(op, column, token):
                yield f"missing token {token!r} is also a value of its own here", "choose another missing_token"


def _confuses(op: object, column: int, token: str) -> bool:
    """Whether an op treats the token's text otherwise than a missing value."""
    if isinstance(op, Lookup):
        return any(key == token and (row != op.missing).any() for key, row in zip(op.keys, op.table, strict=False))
    return isinstance(op, Impute) and op.sentinel is not None and token in (op.sentinel, op.fill[column])


def _tokens(program: Program) -> dict[str, tuple[str | None, ...]]:
    """What stands for missing in each column of each value of strings; None where nothing can be missing."""
    tokens: dict[str, tuple[str | None, ...]] = {}
    for k, i in enumerate(program.interface.inputs):
        if i.kind == "string":
            tokens[f"i{k}"] = (i.missing_token if i.accepts_missing else None,) * i.width
    for node in program.nodes:
        if node.inputs[0] not in tokens:
            continue
        given = tokens[node.inputs[0]]
        match node.op:
            case Select(columns=columns):
                tokens[node.name] = tuple(given[c] for c in columns)
            case Concat():
                tokens[node.name] = tuple(token for name in node.inputs for token in tokens[name])
            case Impute(sentinel=sentinel):
                tokens[node.name] = given if sentinel is not None else (None,) * len(given)
    return tokens
