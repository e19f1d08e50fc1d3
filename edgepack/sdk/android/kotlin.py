"""Kotlin as its coding conventions lay it out: types of inputs and outputs, literals, and what comments say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from edgepack.contract import Kind
from edgepack.sdk.code import Code, four_digits, literal
from edgepack.sdk.surface import Failure, Field, LabelKind

LABELS: Mapping[LabelKind, Code] = {
    "string": Code("String"),
    "integer": Code("Long"),
    "boolean": Code("Boolean"),
    "number": Code("Double"),
}
"""The type of a label."""


def value(given: Any) -> Code:
    """A literal of text, a number, a boolean, a list of such, or null."""
    match given:
        case None:
            return Code("null")
        case bool():
            return Code("true" if given else "false")
        case str():
            return literal(given, escape=four_digits, also="$")
        case list() | tuple():
            return Code(f"listOf({', '.join(value(item) for item in given)})")
        case _:
            return number(float(given))


def number(given: float) -> Code:
    """A Double's shortest form that reads back equal."""
    if not math.isfinite(given):
        return Code(
            f"Double.{'NaN' if math.isnan(given) else 'POSITIVE_INFINITY' if given > 0 else 'NEGATIVE_INFINITY'}"
        )
    return Code(repr(given))


def kotlin_kind(kind: Kind) -> Code:
    """The type of one value of an input."""
    return Code("Double" if kind == "number" else "String")


def input_type(field: Field) -> Code:
    """The type of a member of the input."""
    item = field.input
    inner = f"{kotlin_kind(item.kind)}{'?' if item.accepts_missing else ''}"
    return Code(f"List<{inner}>" if item.width > 1 else inner)


def settable_type(field: Field) -> Code:
    """The same for a member that is null before it is set."""
    return Code(f"{input_type(field).removesuffix('?')}?")


def asserted(field: Field) -> Code:
    """What follows an expression that may be null, where the member is one value that must be there."""
    return Code("!!" if field.input.width == 1 and not field.optional else "")


def case(failure: Failure) -> Code:
    """The class of a case of the error type: `UnknownCategory`."""
    return Code(failure.name[0].upper() + failure.name[1:])


def label_of(expression: str, kind: Code) -> Code:
    """The expression for a label in JSON as the type that the output has it in."""
    return Code({"Double": f"({expression} as Number).toDouble()"}.get(kind, expression))


def read_as(field: Field) -> Code:
    """The function of the tests that reads the member from JSON."""
    item = field.input
    if item.width > 1:
        return Code(f"{item.kind}{'Cells' if item.accepts_missing else 'List'}")
    return Code(item.kind)
