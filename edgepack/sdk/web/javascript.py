"""JavaScript and TypeScript as Prettier lays them out: 80 columns, two spaces, trailing commas."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from edgepack.sdk.code import Code, braced, literal

_COLUMNS = 80


class Whole(int):
    """A whole number of 64 bits: a BigInt."""


def fit(one: str, many: str) -> Code:
    """The first of two ways of saying something, if its lines are not too long. Both were printed by a template."""
    return Code(one if all(len(shown) <= _COLUMNS for shown in one.splitlines()) else many)


def value(given: Any, indent: int = 0, column: int = _COLUMNS) -> Code:
    """A literal of text, numbers, booleans, None, lists and mappings.

    Args:
        indent: of the line that it starts on, in spaces.
        column: where on its line it starts, with what follows it on that line; by default lists are laid out in lines.
    """
    match given:
        case Mapping() if given:
            inner = " " * (indent + 2)
            keys = {name: line_key(name) for name in given}
            lines = [
                f"{inner}{keys[name]}: {value(item, indent + 2, indent + 5 + len(keys[name]))},\n"
                for name, item in given.items()
            ]
            return Code("{\n" + "".join(lines) + " " * indent + "}")
        case Mapping():
            return Code("{}")
        case list() | tuple():
            return _list(given, indent, column)
        case str():
            return text(given)
        case None:
            return Code("null")
        case Whole():
            return Code(f"{int(given)}n")
        case bool():
            return Code("true" if given else "false")
        case _:
            return number(given)


def line(given: Any) -> Code:
    """The same on one line, as a console shows it."""
    match given:
        case Mapping():
            return Code("{ " + ", ".join(f"{line_key(k)}: {line(v)}" for k, v in given.items()) + " }")
        case list() | tuple():
            return Code("[" + ", ".join(line(item) for item in given) + "]")
        case _:
            return value(given)


def line_key(name: str) -> str:
    """A member's name in an object."""
    plain = name.isidentifier() and name.isprintable() and name.isascii() | (max(name) <= "\uffff")
    return name if plain else text(name)


def text(given: str) -> Code:
    """A string in the quotes that need fewer escapes."""
    double = literal(given, escape=braced)
    if given.count('"') <= given.count("'"):
        return double
    return Code("'" + double[1:-1].replace('\\"', '"').replace("'", "\\'") + "'")


def number(given: float) -> Code:
    """A number's shortest form that reads back equal."""
    if not math.isfinite(given):
        return Code("NaN" if math.isnan(given) else "Infinity" if given > 0 else "-Infinity")
    if isinstance(given, float) and given.is_integer() and abs(given) < 1e16:
        return Code("-0" if given == 0 and math.copysign(1, given) < 0 else str(int(given)))
    mantissa, _, exponent = repr(given).partition("e")
    return Code(f"{mantissa}e{int(exponent)}" if exponent else mantissa)


def _list(items: Sequence[Any], indent: int, column: int) -> Code:
    if not items:
        return Code("[]")
    nested = len(items) > 1 and all(isinstance(item, list | tuple) and len(item) > 1 for item in items)
    if not nested and not all(isinstance(item, Mapping) for item in items):
        one = f"[{', '.join(value(item) for item in items)}]"
        if column + len(one) + 1 <= _COLUMNS:
            return Code(one)
    inner = " " * (indent + 2)
    if all(isinstance(item, int | float) and not isinstance(item, bool | Whole) for item in items):
        body = _filled([f"{value(item)}," for item in items], inner)
    else:
        body = "".join(f"{inner}{value(item, indent + 2, indent + 2)},\n" for item in items)
    return Code(f"[\n{body}{' ' * indent}]")


def _filled(words: Iterable[str], inner: str) -> str:
    """Words on as few lines as hold them."""
    lines = [inner]
    for word in words:
        if lines[-1] != inner and len(lines[-1]) + len(word) + 1 > _COLUMNS:
            lines.append(inner)
        lines[-1] += word if lines[-1] == inner else f" {word}"
    return "".join(f"{filled}\n" for filled in lines)
