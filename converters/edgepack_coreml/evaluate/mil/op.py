"""What an operation takes: the signature of its function is the list of its inputs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from edgepack_coreml.evaluate.mil.tensor import Tensor
from edgepack_coreml.evaluate.values import Unknown

FLOATS = frozenset({"float16", "float32"})
NUMBERS = FLOATS | {"int32"}
ANY = NUMBERS | {"bool"}
BOOL = frozenset({"bool"})
INT32 = frozenset({"int32"})
SMALL = frozenset({"int8", "uint8", "int16", "uint16"})
INTEGERS = SMALL | INT32 | {"uint32"}

Const = Tensor
"""An input that must be a constant."""
Result = Tensor | tuple[Tensor, ...]
Given = Mapping[str, Tensor | list[Tensor]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """An operation.

    Attributes:
        run: takes the inputs by MIL's names, and gives one tensor or several. An input annotated as anything but a
            tensor is a constant of that type. An input `ios` is the opset's.
        dtypes: what the inputs that are tensors may hold; all of them hold the same.
        apart: inputs that hold something else, and what.
        since: the iOS of the first opset that has the operation.
        later: inputs that came with later opsets.
        more: what tensors may hold in addition, by the iOS that brought it.
    """

    run: Callable[..., Result]
    dtypes: frozenset[str] = ANY
    apart: Mapping[str, frozenset[str]] = field(default_factory=dict)
    since: int = 15
    later: Mapping[str, int] = field(default_factory=dict)
    more: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def bound(self, given: Given, ios: int) -> dict[str, Any]:
        """The arguments for `run`. Raises `Unknown` for inputs, types and opsets that the operation does not have."""
        if ios < self.since:
            raise Unknown(f"needs the opset of iOS {self.since}; the program's is that of iOS {ios}")
        parameters = dict(_parameters(self.run))
        arguments: dict[str, Any] = {"ios": ios} if parameters.pop("ios", None) else {}
        for name in given:
            if name not in parameters:
                raise Unknown(f"input {name!r} is not known; knows {', '.join(parameters)}")
            if ios < self.later.get(name, 0):
                raise Unknown(f"input {name!r} needs the opset of iOS {self.later[name]}; the program's is iOS {ios}")
        for name, parameter in parameters.items():
            if name in given:
                arguments[name] = _argument(name, str(parameter.annotation).removesuffix(" | None"), given[name])
            elif parameter.default is inspect.Parameter.empty:
                raise Unknown(f"input {name!r} is missing")
        self._check(arguments, ios)
        return arguments

    def _check(self, arguments: Mapping[str, Any], ios: int) -> None:
        """Raises `Unknown` unless all tensors hold what the operation takes, and the same."""
        known = self.dtypes.union(*(kinds for since, kinds in self.more.items() if since <= ios))
        shared: dict[str, str] = {}
        for name, argument in arguments.items():
            tensors = argument if isinstance(argument, list) else [argument]
            for dtype in (t.data.dtype.name for t in tensors if isinstance(t, Tensor)):
                if dtype not in self.apart.get(name, known):
                    raise Unknown(
                        f"input {name!r} is of {dtype}; knows {', '.join(sorted(self.apart.get(name, known)))}"
                    )
                if name not in self.apart:
                    shared.setdefault(dtype, name)
        if len(shared) > 1:
            raise Unknown(f"inputs of several types: {', '.join(f'{name!r} of {t}' for t, name in shared.items())}")


@cache
def _parameters(run: Callable[..., Result]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(run).parameters


def _argument(name: str, kind: str, value: Tensor | list[Tensor]) -> Any:
    if kind == "list[Tensor]":
        return value if isinstance(value, list) else [value]
    if isinstance(value, list):
        raise Unknown(f"input {name!r} has {len(value)} values; knows one")
    if kind == "Tensor":
        return value
    if value.rows:
        raise Unknown(f"input {name!r} is computed; knows it as a constant")
    if kind == "Const":
        return value
    dtypes, rank, read = READ[kind]
    if value.data.dtype.name not in dtypes or value.rank != rank:
        raise Unknown(f"input {name!r} is {value.data.dtype.name}{list(value.shape)}; needs {kind}")
    return read(value.data.tolist())


READ: Mapping[str, tuple[frozenset[str], int, Callable[[Any], Any]]] = {
    "bool": (BOOL, 0, bool),
    "int": (INTEGERS, 0, int),
    "str": (frozenset({"object"}), 0, str),
    "tuple[bool, ...]": (BOOL, 1, tuple),
    "tuple[int, ...]": (INTEGERS, 1, tuple),
}
