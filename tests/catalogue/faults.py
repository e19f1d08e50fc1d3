"""Programs with one fault each, such as somebody makes who writes a lowering; and whether comparing finds it out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import numpy as np

from catalogue.case import Case, FedSparse, fitted, within
from edgepack.columns import take
from edgepack.contract import Answers, Columns
from edgepack.ir import Node, Program
from edgepack.ir.ops import Forest, Label, OnnxBlock, Op
from edgepack.ir.types import TypeMismatch
from edgepack.lower import lower
from edgepack.parity import Reference, compare, make_cases, run_parity
from edgepack.passes import optimize
from edgepack.rows import columns_of

OTHERS = {
    "add": "subtract",
    "divide": "multiply",
    "equal": "greater",
    "greater": "greater_equal",
    "greater_equal": "greater",
    "max": "min",
    "maximum": "minimum",
    "min": "max",
    "minimum": "maximum",
    "multiply": "divide",
    "subtract": "add",
    "sum": "max",
}
"""By a function's name, another that is easily written in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What became of a case's faulty Programs.

    Attributes:
        semantic: those that answer otherwise than the right one on some row that the server answers, by name.
        missed: those of them that the conformance comparison passes all the same.
        equal: how many answer alike, within what parity allows, on every row of larger sets: no fault at all.
    """

    semantic: tuple[str, ...]
    missed: tuple[str, ...]
    equal: int


def judge(case: Case, *, count: int, rows: int, seed: int) -> Findings:
    """`count` faulty Programs of a case, each judged as the conformance tests judge the right one.

    Few of the rows show most faults. What a fifth of them does not show may be none: then it is asked for many more,
    whose right answers are worked out once, before all the rows are.
    """
    estimator, given = fitted(case)
    sample = given.toarray() if case.sparse else given
    program = lower(estimator, sample, output=case.output, fallback=False)
    server = FedSparse(estimator) if case.sparse else estimator
    reference = Reference(estimator=server, interface=program.interface, none_columns=program.none_columns)
    example = columns_of(sample, program.interface)

    def rows_of(wrong: Program, budget: int, seed: int) -> Any:
        cases = make_cases(wrong, folded=optimize(wrong), example=example, budget_rows=budget, seed=seed)
        return within(cases, case.limit)

    def found(wrong: Program, budget: int, seeds: Iterable[int] = (0,)) -> bool:
        verdicts = (run_parity(reference, {"faulty": _Interpreted(wrong)}, rows_of(wrong, budget, s)) for s in seeds)
        return any(not verdict.passed for (verdict,) in verdicts)

    @cache
    def known() -> tuple[Columns, Answers]:
        return _answered(reference, program, rows_of(program, 8 * rows // 5, seed + 1).columns)

    def equal(wrong: Program) -> bool:
        many = lambda: _answered(reference, program, rows_of(wrong, 2 * rows // 5, seed + 2).columns)  # noqa: E731
        return all(_alike(reference, wrong, *some()) for some in (known, many))

    rng = np.random.default_rng(seed)
    faulty = list(faults(program, rng))
    semantic, missed, alike = [], [], 0
    for name, wrong in (faulty[k] for k in rng.permutation(len(faulty))[:count]):
        try:
            if not found(wrong, rows // 40) and not found(wrong, rows // 5):
                if equal(wrong):
                    alike += 1
                    continue
                if not found(wrong, rows, case.seeds.values()):
                    missed.append(name)
        except Exception:  # whatever it stumbles over, nobody would ship it
            pass
        semantic.append(name)
    return Findings(semantic=tuple(semantic), missed=tuple(missed), equal=alike)


@dataclass(frozen=True, slots=True)
class _Interpreted:
    """A Program as a runtime that does exactly what it says."""

    program: Program

    @property
    def runtime(self) -> str:
        return "the Program itself"

    def run(self, columns: Columns) -> Any:
        with np.errstate(all="ignore"):
            return self.program.run(columns)


def _answered(reference: Reference, right: Program, columns: Columns) -> tuple[Columns, Answers]:
    """The rows that the server answers, and the right answers to them."""
    columns = take(columns, ~reference.answers(columns)[1])
    with np.errstate(all="ignore"):
        return columns, right.run(columns)


def _alike(reference: Reference, wrong: Program, columns: Columns, right: Answers) -> bool:
    """Whether a Program answers alike wherever the server does not choose among equals."""
    with np.errstate(all="ignore"):
        return compare(
            "faulty",
            "numpy",
            right,
            wrong.run(columns),
            columns=columns,
            margins=lambda at: reference.margins(take(columns, at)),
            ties=lambda at: reference.ties(take(columns, at)),
        ).passed


def faults(program: Program, rng: np.random.Generator) -> Iterator[tuple[str, Program]]:
    """Programs with one fault, by a name that says which; what holds together no more is no Program and left out."""
    for k, node in enumerate(program.nodes):
        for what, wrong in _faulty_nodes(program, node, rng):
            try:
                nodes = (*program.nodes[:k], wrong, *program.nodes[k + 1 :])
                yield f"{node.name} {type(node.op).__name__}: {what}", replace(program, nodes=nodes)
            except (TypeMismatch, ArithmeticError, LookupError, ValueError):
                continue
        if program.types()[node.name] == program.types()[node.inputs[0]]:
            yield f"{node.name} {type(node.op).__name__}: dropped", _without(program, node)


def _without(program: Program, node: Node) -> Program:
    def renamed(name: str) -> str:
        return node.inputs[0] if name == node.name else name

    return replace(
        program,
        nodes=tuple(replace(n, inputs=tuple(map(renamed, n.inputs))) for n in program.nodes if n is not node),
        outputs={output: renamed(name) for output, name in program.outputs.items()},
    )


def _faulty_nodes(program: Program, node: Node, rng: np.random.Generator) -> Iterator[tuple[str, Node]]:
    if len(node.inputs) > 1:
        yield "inputs turned", replace(node, inputs=node.inputs[::-1])
    for what, op in _faulty_ops(node.op, rng):
        yield what, replace(node, op=op)


def _faulty_ops(op: Op, rng: np.random.Generator) -> Iterator[tuple[str, Op]]:
    match op:
        case Forest():
            yield from _faulty_forests(op, rng)
            return
        case Label(classes=classes):
            yield "classes shifted", replace(op, classes=np.roll(classes, 1))
            return
        case OnnxBlock():
            return
    for field in fields(op):  # type: ignore[arg-type]
        for what, value in _faulty_values(getattr(op, field.name), rng):
            yield f"{field.name} {what}", replace(op, **{field.name: value})  # type: ignore[type-var]


def _faulty_values(value: Any, rng: np.random.Generator) -> Iterator[tuple[str, Any]]:
    match value:
        case bool():
            yield "turned", not value
        case str() if value in OTHERS:
            yield f"{value} is {OTHERS[value]}", OTHERS[value]
        case int():
            yield "one more", value + 1
            yield "one less", value - 1
        case float() if np.isfinite(value):
            yield "of the other sign", -value
            yield "wrong", value * 1.01 + 0.01
        case tuple() if value and all(isinstance(part, np.ndarray) for part in value):
            j = int(rng.integers(len(value)))
            for what, part in _faulty_values(value[j], rng):
                yield f"{j} {what}", (*value[:j], part, *value[j + 1 :])
        case np.ndarray() if value.size:
            yield from _faulty_arrays(value, rng)


def _faulty_arrays(x: Any, rng: np.random.Generator) -> Iterator[tuple[str, Any]]:
    at = tuple(int(rng.integers(n)) for n in x.shape)
    if x.dtype.kind == "f" and np.isfinite(x[at]):
        yield f"{at} of the other sign", _with(x, at, -x[at])
        yield f"{at} wrong", _with(x, at, x[at] * 1.01 + 0.01)
        yield f"{at} is 0", _with(x, at, 0.0)
    if x.dtype.kind == "i":
        yield f"{at} one more", _with(x, at, x[at] + 1)
        yield f"{at} one less", _with(x, at, x[at] - 1)
    for axis in range(x.ndim):
        if x.shape[axis] > 1:
            yield f"off by one along {axis}", np.roll(x, 1, axis=axis)


def _faulty_forests(forest: Forest, rng: np.random.Generator) -> Iterator[tuple[str, Forest]]:
    splits, leaves = np.flatnonzero(~forest.is_leaf), np.flatnonzero(forest.is_leaf)
    k = int(rng.choice(leaves))
    yield f"leaf {k} wrong", replace(forest, value=_with(forest.value, k, forest.value[k] * 1.01 + 0.01))
    yield f"leaf {k} of the other sign", replace(forest, value=_with(forest.value, k, -forest.value[k]))
    if not len(splits):
        return
    k = int(rng.choice(splits))
    yield f"split {k} wrong", replace(forest, threshold=_with(forest.threshold, k, forest.threshold[k] * 1.01 + 0.01))
    yield f"split {k} missing", replace(forest, nan_left=_with(forest.nan_left, k, not forest.nan_left[k]))
    left, right = _with(forest.left, k, forest.right[k]), _with(forest.right, k, forest.left[k])
    yield f"split {k} turned", replace(forest, left=left, right=right)


def _with(x: Any, at: Any, value: Any) -> Any:
    changed = x.copy()
    changed[at] = value
    return changed
