"""What a value of a Program is: a table of numbers, of strings, or a column of labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Type:
    """`number[width]` is `(rows, width) float64`, `string[width]` object of `str | None`, `label` is `(rows,)`."""

    kind: Literal["number", "string", "label"]
    width: int = 1

    def __str__(self) -> str:
        """`number[3]`, `string[1]`, `label`."""
        return self.kind if self.kind == "label" else f"{self.kind}[{self.width}]"


class TypeMismatch(Exception):
    """An op was given inputs that it has no meaning for; the message shows the signature that did not fit."""


def number(width: int) -> Type:
    """The type of `(rows, width) float64`."""
    return Type("number", width)


def string(width: int) -> Type:
    """The type of `(rows, width)` objects that are `str`, or `None` where missing."""
    return Type("string", width)
