"""What every platform's package says about a member of the input."""

from __future__ import annotations

from edgepack.sdk.code import Code, told
from edgepack.sdk.surface import Field


def documented(field: Field, *, absent: str, unknown: str) -> Code:
    """A member's comment: its column, whether it may be left out, and what becomes of an unknown category.

    Args:
        absent: what stands in a list for a value that is missing.
        unknown: the error for a category that the server refuses.
    """
    item = field.input
    one, many = {"number": ("a number", "numbers"), "string": ("a text", "texts")}[item.kind]
    parts = [f"Column {told(item.name)}: {one if item.width == 1 else f'{item.width} {many}'}."]
    if item.accepts_missing:
        parts.append("May be left out." if item.width == 1 else f"{absent} stands for what is missing.")
    known = len(item.categories or ())
    if field.unknown == "server":
        parts.append(f"Any but the {known} known is answered as the server answers it.")
    if field.unknown == "refused":
        parts.append(f"Any but the {known} known is refused: {unknown}.")
    return Code(" ".join(parts))
