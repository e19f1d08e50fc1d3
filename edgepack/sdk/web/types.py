"""TypeScript's types of inputs and outputs, and what their comments say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgepack.sdk.code import Code
from edgepack.sdk.surface import Class, Field
from edgepack.sdk.web.javascript import value

_MANY = 64
"""More categories than that are a string's business, not a type's."""


def input_type(field: Field) -> Code:
    """The type of a member of the input, as it stands behind the member's name and a colon, with what parts them."""
    item = field.input
    if item.width > 1:
        inner = "number" if item.kind == "number" else "string"
        return Code(f" readonly ({inner} | null)[]" if item.accepts_missing else f" readonly {inner}[]")
    missing = ["null", "undefined"] if item.accepts_missing else []
    if item.kind == "number":
        return Code(" " + " | ".join(["number", *missing]))
    if not item.categories or len(item.categories) > _MANY:
        return Code(" " + " | ".join(["string", *missing]))
    words = [str(value(c)) for c in item.categories]
    other = ["(string & {})"] if field.unknown == "server" else []
    return _union([*words, *other, *missing], start=12 + len(field.identifier), indent=4)


def union(classes: Sequence[Class]) -> Code:
    """A label's type."""
    kinds = {type(c) for c in classes}
    if len(classes) <= _MANY and kinds <= {str, int}:
        return _union([str(value(c)) for c in classes], start=18, indent=4)
    base = {bool: "boolean", str: "string"}
    return Code(" " + " | ".join(sorted({base.get(kind, "number") for kind in kinds})))


def tuple_type(classes: Sequence[Class] | None) -> Code:
    """The type of the list of all classes."""
    if classes is None:
        return Code("null")
    if len(classes) > _MANY:
        return Code(f"readonly ({union(classes).strip()})[]")
    one = f"readonly [{', '.join(str(value(c)) for c in classes)}]"
    if len(one) <= 54:
        return Code(one)
    return Code("readonly [\n" + "".join(f"    {value(c)},\n" for c in classes) + "  ]")


def sample_literal(sample: Mapping[str, Any], indent: int) -> Code:
    """An input as code, without what it leaves out."""
    return value({name: cell for name, cell in sample.items() if cell is not None}, indent)


def stranger(field: Field) -> Code:
    """A value that is none of the categories."""
    known = set(field.input.categories or ())
    if field.input.kind == "string":
        return value("?" * (1 + max((len(str(c)) for c in known), default=0)))
    return value(next(float(k) for k in range(len(known) + 1) if float(k) not in known))


def _union(words: Sequence[str], *, start: int, indent: int) -> Code:
    one = " | ".join(words)
    if start + len(one) + 1 <= 80:
        return Code(f" {one}")
    if indent + len(one) + 1 <= 80:
        return Code(f"\n{' ' * indent}{one}")
    return Code("".join(f"\n{' ' * indent}| {word}" for word in words))
