"""Ranges that somebody declares: the sample's, a file's, or words."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgepack.contract import Interface
from edgepack.errors import UsageError
from edgepack.ir.types import Floats

REMEDY = "give FILE.toml, FILE.json or column=low:high"
_WORD = re.compile(r"(?P<name>.+?)(\[(?P<column>\d+)\])?=(?P<low>[^:]+):(?P<high>[^:]+)")


def declared(words: Sequence[str], interface: Interface, sample: Mapping[str, Floats]) -> dict[str, Floats]:
    """The ranges by input, `(2, width)`: the sample's, but where a word or a file says another.

    Args:
        words: each `column=low:high`, `X[3]=low:high` for one column of a wide input, or a TOML or JSON file whose
            keys are columns and whose values are `[low, high]`.

    Raises:
        UsageError: a word that is none, a column that is no number of the model, ends that are no range.
    """
    ranges = {name: ends.copy() for name, ends in sample.items()}
    for word in words:
        path = Path(word)
        for at, (low, high) in _file(path) if path.suffix in (".toml", ".json") else [_word(word)]:
            _put(ranges, at, low, high, interface)
    return ranges


def undeclared(ranges: Mapping[str, Floats], interface: Interface) -> list[str]:
    """The inputs of numbers that have no range."""
    names = [i.name for i in interface.inputs if i.kind == "number"]
    return [name for name in names if name not in ranges or not np.isfinite(ranges[name]).all()]


def _put(ranges: dict[str, Floats], at: str, low: float, high: float, interface: Interface) -> None:
    numbers = {i.name: i.width for i in interface.inputs if i.kind == "number"}
    name, column = at, None
    if at not in numbers and (match := re.fullmatch(r"(.+)\[(\d+)\]", at)):
        name, column = match[1], int(match[2])
    if name not in numbers or (column is not None and column >= numbers[name]):
        raise UsageError(f"bounds of {at}: no column of numbers; the model has {', '.join(numbers) or 'none'}")
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise UsageError(f"bounds of {at}: {low:g} to {high:g} is no range; give the lower number first")
    ends = ranges.setdefault(name, np.full((2, numbers[name]), np.nan))
    ends[:, slice(None) if column is None else column] = np.array([[low], [high]]) if column is None else [low, high]


def _word(word: str) -> tuple[str, tuple[float, float]]:
    match = _WORD.fullmatch(word)
    try:
        if match is None:
            raise ValueError
        column = "" if match["column"] is None else f"[{match['column']}]"
        return match["name"] + column, (float(match["low"]), float(match["high"]))
    except ValueError as error:
        raise UsageError(f"bounds {word!r:.80}: no range; {REMEDY}") from error


def _file(path: Path) -> list[tuple[str, tuple[float, float]]]:
    try:
        text = path.read_text(encoding="utf-8")
        document: Any = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
        return [
            (str(name), (float(ends[0]), float(ends[1]))) for name, ends in document.items() if _is_pair(ends, name)
        ]
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); {REMEDY}") from error
    except (ValueError, AttributeError) as error:
        raise UsageError(f"{path}: {error}; write a [low, high] for each column") from error


def _is_pair(ends: Any, name: str) -> bool:
    numbers = isinstance(ends, list) and all(isinstance(e, int | float) and not isinstance(e, bool) for e in ends)
    if not numbers or len(ends) != 2:
        raise ValueError(f"{name}: {ends!r:.40} is no range")
    return True
