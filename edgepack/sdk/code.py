"""Text of others in code: literals, comments and Markdown that stay what they are, whatever the text holds."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

_SHOWN = 60


class Code(str):
    """Text that may stand in a package as it is. Everything else that a template prints is refused."""

    __slots__ = ()


def require_code(value: object) -> object:
    """The value, if a template may print it: `Code` and whole numbers. Raises `TypeError`."""
    if isinstance(value, Code) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise TypeError(f"{value!r:.80} is not code; print it through a filter")


def literal(text: str, *, escape: Callable[[str], str], also: str = "") -> Code:
    """A string literal in double quotes, on one line, with nothing invisible in it.

    Args:
        escape: the language's escape for one character, such as `braced`.
        also: further characters that mean something within quotes.
    """
    shown = "".join(
        f"\\{c}" if c in f'"\\{also}' else c if _stands_alone(c) else escape(c) for c in _without_halves(text)
    )
    return Code(f'"{shown}"')


def braced(c: str) -> str:
    """`\\u{a0}`, as Swift and JavaScript have it."""
    return f"\\u{{{ord(c):x}}}"


def four_digits(c: str) -> str:
    """`\\u00a0`, a pair of them beyond the first 65,536: Kotlin, Java and JSON."""
    units = c.encode("utf-16-be")
    return "".join(f"\\u{units[k]:02x}{units[k + 1]:02x}" for k in range(0, len(units), 2))


def told(text: str) -> Code:
    """The text in quotes for a comment, shortened, which neither ends the comment nor means anything to a doc tool."""
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    plain = "".join(c if c.isprintable() and c not in "`*/\\@{}[]<>&$#" else _named(c) for c in _without_halves(short))
    return Code(f"“{plain}”")


def markdown(text: str) -> Code:
    """The text for Markdown: on one line, no markup, no HTML."""
    plain = "".join(c if c.isprintable() else _named(c) for c in _without_halves(text))
    return Code("".join(f"\\{c}" if c in r"\`*_[]<>#|~&$" else c for c in plain))


def _stands_alone(c: str) -> bool:
    """Whether a reader sees the character, and sees it as it is: no mark upon another."""
    return c.isprintable() and not unicodedata.category(c).startswith("M")


def _named(c: str) -> str:
    """What stands for a character that could be taken for markup."""
    return {
        "*": "∗",
        "/": "∕",
        "\\": "∖",
        "`": "ˋ",
        "<": "‹",
        ">": "›",
        "@": "＠",
        "$": "＄",
        "#": "＃",
        "&": "＆",
    }.get(c, {"{": "(", "}": ")", "[": "(", "]": ")"}.get(c, f"(U+{ord(c):04X})"))


def _without_halves(text: str) -> str:
    """Half of a surrogate pair is no text; a bundle's JSON holds none."""
    return text.encode("utf-8", "replace").decode("utf-8")
