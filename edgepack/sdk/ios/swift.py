"""Swift, as its API design guidelines and swift-format have it: four spaces, 100 columns where a name lets it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from edgepack.sdk.code import Code, braced, literal
from edgepack.sdk.surface import Field, LabelKind

_COLUMNS = 100
LABELS: Mapping[LabelKind, str] = {"string": "String", "integer": "Int", "boolean": "Bool", "number": "Double"}


def value(given: Any) -> Code:
    """A literal of a text, number or boolean."""
    if isinstance(given, str):
        return literal(given, escape=braced)
    if isinstance(given, bool):
        return Code("true" if given else "false")
    return number(given)


def number(given: float) -> Code:
    """A number's shortest form that reads back equal."""
    if not math.isfinite(given):
        return Code(".nan" if math.isnan(given) else ".infinity" if given > 0 else "-.infinity")
    return Code(repr(given))


def listed(items: Sequence[Any], indent: int) -> Code:
    """An array; each item on a line of its own where they do not fit beside each other."""
    one = f"[{', '.join(value(item) for item in items)}]"
    if len(one) <= _COLUMNS - indent - 40:
        return Code(one)
    inner = " " * (indent + 4)
    return Code("[\n" + "".join(f"{inner}{value(item)},\n" for item in items) + " " * indent + "]")


def member_type(field: Field) -> Code:
    """The type of a member of the input."""
    one = "Double" if field.input.kind == "number" else "String"
    if field.input.width > 1:
        return Code(f"[{one}]")
    return Code(f"{one}?" if field.optional else one)


def checks(field: Field, type_name: str) -> list[Code]:
    """The statements that put a member's value among the features."""
    item, name = field.input, field.identifier
    known = f", known: {type_name}.Categories.{name}" if field.unknown == "refused" else ""
    if item.kind == "string":
        call = f'Check.text({name}, "{name}", missing: {value(item.missing_token) if field.optional else "nil"}{known})'
    elif item.width == 1:
        call = f'Check.number({name}, "{name}", optional: {value(field.optional)}{known})'
    else:
        call = f'Check.numbers({name}, "{name}", count: {item.width}, optional: {value(field.optional)}{known})'
    return [Code(f"features[{value(item.name)}] = try {call}")]


def from_cell(field: Field) -> Code:
    """The member's value out of a golden row."""
    cell = f"cells[{value(field.input.name)}]"
    if field.input.width > 1:
        return Code(f"try numbers({cell})")
    found = f"number({cell})" if field.input.kind == "number" else f"{cell} as? String"
    return Code(found if field.optional else f"try XCTUnwrap({found})")


def stranger(field: Field) -> Code:
    """A value that is none of the categories."""
    known = set(field.input.categories or ())
    if field.input.kind == "string":
        return value("?" * (1 + max((len(str(c)) for c in known), default=0)))
    return value(next(float(k) for k in range(len(known) + 1) if float(k) not in known))


def capital(field: Field) -> Code:
    """The member's name as part of another."""
    return Code(field.identifier[0].upper() + field.identifier[1:])


def call(arguments: Mapping[str, Any]) -> Code:
    """A call's arguments, one on a line; those without a value are left out."""
    lines = [f"    {name}: {_argument(cell)}" for name, cell in arguments.items() if cell is not None]
    return Code("\n" + ",\n".join(lines) + "\n" if lines else "")


def shown(type_name: str, answers: Mapping[str, Any]) -> Code:
    """An answer as `print` shows it."""
    return Code(f"{type_name}({', '.join(f'{name}: {_argument(cell)}' for name, cell in answers.items())})")


def _argument(cell: Any) -> str:
    if isinstance(cell, list):
        return f"[{', '.join(_argument(item) for item in cell)}]"
    return ".nan" if cell is None else ".infinity" if isinstance(cell, dict) else value(cell)
