"""Estimators and functions that other distributions teach: functions from values to values (docs/extending.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgepack.errors import EdgepackError
from edgepack.ir.ops import Op
from edgepack.ir.types import Type, TypeMismatch
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lowerings import find_lowering


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """What arrives at a step, or what an op makes of values. Made by `apply`.

    Attributes:
        type: a table of numbers or strings and its width.
        op: None for what arrives.
        inputs: the values that the op takes.
    """

    type: Type
    op: Op | None = None
    inputs: tuple[Value, ...] = ()

    @property
    def width(self) -> int:
        """How many columns."""
        return self.type.width


def apply(op: Op, *inputs: Value) -> Value:
    """What an op makes of values. Raises `TypeMismatch` where it does not take them."""
    return Value(type=op.infer(*(value.type for value in inputs)), op=op, inputs=inputs)


def transformed(est: Any, table: Table, b: Builder) -> Table | None:
    """What a transformer of a class that somebody teaches gives."""
    given = answer(est, table, b)
    return None if given is None else b.table(given)


def answer(est: Any, table: Table, b: Builder) -> str | None:
    """What a predictor of a class that somebody teaches answers: a classifier's probabilities, a regressor's value."""
    lowering = find_lowering(full_name(type(est)))
    return None if lowering is None else _said(lowering, _arriving(table, b), b, est)


def function(name: str, arguments: dict[str, Any]) -> Callable[[str, Builder], str] | None:
    """What says a Python function that somebody teaches, with the arguments of its FunctionTransformer."""
    lowering = find_lowering(name)
    return None if lowering is None else lambda x, b: _said(lowering, x, b, **arguments)


def full_name(kind: Any) -> str:
    """By what name a class is taught."""
    return f"{kind.__module__}.{kind.__qualname__}"


def _arriving(table: Table, b: Builder) -> str:
    return b.gather(table) if any(c.kind == "string" for c in table.columns) else b.doubles(table)


def _said(lowering: Callable[..., Any], x: str, b: Builder, *first: Any, **arguments: Any) -> str:
    """The name of the value that a lowering returns, after its ops were emitted."""
    arrived = Value(b.types[x])
    try:
        value = lowering(*first, arrived, **arguments)
    except (Refused, TypeMismatch, EdgepackError):
        raise
    except Exception as error:  # somebody else's code
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise Refused(f"its lowering {full_name(lowering)} raised {reason}; correct it") from error
    if not isinstance(value, Value) or value.type.kind == "label":
        raise Refused(f"its lowering {full_name(lowering)} returned {value!r:.60}; return what `apply` gives")
    names = {id(arrived): x}
    _emit(value, names, b)
    return names[id(value)]


def _emit(value: Value, names: dict[int, str], b: Builder) -> None:
    """Emits the ops behind a value, each once, those that it takes first."""
    waiting = [value]
    while waiting:
        last = waiting[-1]
        if id(last) in names:
            waiting.pop()
        elif missing := [v for v in last.inputs if id(v) not in names]:
            waiting += missing
        elif last.op is None:
            raise Refused("its lowering returned a value of another call; make it of the one that it was given")
        else:
            names[id(waiting.pop())] = b.emit(last.op, *(names[id(v)] for v in last.inputs))
