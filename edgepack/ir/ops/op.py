"""What every op is."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from edgepack.ir.types import Array, Type, TypeMismatch


@runtime_checkable
class Op(Protocol):
    """A step of a Program: fitted arrays, the types that it takes and gives, and its meaning."""

    def infer(self, *types: Type) -> Type:
        """The type of the result. Raises `TypeMismatch` for inputs that the op has no meaning for."""

    def run(self, *values: Array) -> Array:
        """The result for inputs of the types that `infer` accepts, in float64, without changing them."""


def one(op: object, types: tuple[Type, ...], kind: str, width: int | None = None) -> Type:
    """The only input's type, if it is of this kind (and width). Raises `TypeMismatch` otherwise."""
    wanted = f"{kind}[{'n' if width is None else width}]"
    given = ", ".join(map(str, types))
    if len(types) != 1 or types[0].kind != kind or (width is not None and types[0].width != width):
        raise TypeMismatch(f"{type(op).__name__}({given}): takes ({wanted})")
    return types[0]
