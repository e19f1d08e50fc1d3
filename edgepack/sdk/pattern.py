"""Python's regular expressions for words, said so that JavaScript (flag `v`), Kotlin and ICU read them alike.

They part over what `\\w`, `\\b` and `\\s` hold, over `.`, and over what needs an escape within `[…]`. So the classes
are written out, all signs are escaped by number, and what is neither is refused.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

WORD = r"\p{L}\p{N}_"
"""The inside of a class that holds what `\\w` does: Python asks `isalnum`, which is letters and all numbers."""

_QUANTIFIER = re.compile(r"(?:[*+?]|\{\d+(?:,\d*)?\}|\{,\d+\})\??")
_NUMBERED = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})")
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "a": "\a"}


class NotPortable(ValueError):
    """What in a pattern cannot be said everywhere."""


def portable(pattern: str) -> str:
    """The same expression in the shared dialect. At most one group captures, as in the original.

    Raises:
        NotPortable: a look-around, back-reference, flag or class that is not known here.
    """
    if re.compile(pattern).groups > 1:
        raise NotPortable("more than one group")
    return "".join(_parts(pattern.removeprefix("(?u)")))  # a text's patterns are Unicode's in any case


@cache
def spaces() -> str:
    """The inside of a class that holds what `str.isspace` does, and `\\s`."""
    return _ranges(c for c in range(sys.maxunicode + 1) if chr(c).isspace())


@cache
def combining() -> str:
    """The inside of a class of the characters that `unicodedata.combining` tells."""
    return _ranges(c for c in range(sys.maxunicode + 1) if unicodedata.combining(chr(c)))


def _parts(pattern: str) -> Iterator[str]:
    at = 0
    while at < len(pattern):
        c = pattern[at]
        rest = pattern[at:]
        if c == "\\":
            at, text = _escaped(pattern, at, within=False)
            yield text
        elif c == "[":
            end, text = _class(pattern, at)
            yield text
            at = end
        elif rest.startswith("(?"):
            if not rest.startswith("(?:"):
                raise NotPortable(f"{rest[:4]}…")
            yield "(?:"
            at += 3
        elif c in "(|)":
            yield c
            at += 1
        elif found := _QUANTIFIER.match(pattern, at):
            if pattern[found.end() : found.end() + 1] == "+":
                raise NotPortable(f"{found[0]}+")  # possessive
            yield f"{{0,{found[0][2:]}" if found[0].startswith("{,") else found[0]
            at = found.end()
        elif c == ".":
            yield r"[^\u000a]"
            at += 1
        elif c in "^$":
            raise NotPortable(c)
        else:
            yield _literal(c)
            at += 1


def _escaped(pattern: str, at: int, *, within: bool) -> tuple[int, str]:
    """Where an escape ends, and what says the same."""
    if numbered := _NUMBERED.match(pattern, at):
        return numbered.end(), _literal(chr(int(numbered[0][2:], 16)))
    return at + 2, _escape(pattern[at + 1], within=within)


def _escape(c: str, *, within: bool) -> str:
    """What stands for `\\c`, outside or inside a class."""
    inside = {"w": WORD, "d": r"\p{Nd}", "s": spaces()}
    if c in inside:
        return f"[{inside[c]}]"
    if c.lower() in inside:
        return f"[^{inside[c.lower()]}]"
    if c in "bB" and not within:
        word = f"[{WORD}]"
        edge = rf"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"
        return edge if c == "b" else rf"(?!{edge})"
    if c in _CONTROL:
        return _literal(_CONTROL[c])
    if c.isascii() and c.isalnum():
        raise NotPortable(f"\\{c}")
    return _literal(c)


def _class(pattern: str, start: int) -> tuple[int, str]:
    """Where a class ends, and what says the same."""
    at = start + 1
    negated = pattern[at] == "^"
    at += negated
    items: list[str] = []
    first = at
    while pattern[at] != "]" or at == first:
        if pattern.startswith(("[", "--", "&&", "||", "~~"), at):
            raise NotPortable(f"{pattern[at : at + 2]} in a class")
        if pattern[at] == "\\":
            at, text = _escaped(pattern, at, within=True)
            items.append(text)
        elif pattern[at] == "-" and items and pattern[at + 1] != "]":
            items.append("-")
            at += 1
        else:
            items.append(_literal(pattern[at]))
            at += 1
    return at + 1, f"[{'^' if negated else ''}{''.join(items)}]"


def _literal(c: str) -> str:
    """A character: a sign by its number, letters and digits as they are."""
    if c.isalnum():
        return c
    if ord(c) > 0xFFFF:
        return c
    return f"\\u{ord(c):04x}"


def _ranges(points: Iterable[int]) -> str:
    """A class's inside from ascending code points."""
    spans: list[list[int]] = []
    for point in points:
        if spans and spans[-1][1] == point - 1:
            spans[-1][1] = point
        else:
            spans.append([point, point])
    return "".join(_point(a) if a == b else f"{_point(a)}-{_point(b)}" for a, b in spans)


def _point(code: int) -> str:
    return f"\\u{code:04x}" if code <= 0xFFFF else chr(code)
