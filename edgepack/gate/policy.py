"""The policy file: the table `tool.edgepack.parity` of pyproject.toml, or `parity` of edgepack.toml."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgepack.errors import UsageError
from edgepack.runtimes import Spec

PROJECT, OWN = "pyproject.toml", "edgepack.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What an artifact may cost at most; None where nothing is demanded.

    Attributes:
        p50_us: the median of single golden rows on the host that judges, not on a phone.
        instructions_per_row: of single golden rows through ONNX Runtime's C API, as callgrind counts them: unlike a
            time, the same whatever else the host does. Needs the policy's `headers`.
    """

    size_bytes: int | None = None
    compressed_size_bytes: int | None = None
    p50_us: float | None = None
    instructions_per_row: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a bundle must hold to pass.

    Attributes:
        path: the file that it was read from.
        targets: artifacts that must be there and pass.
        runtimes: further runtimes in which ONNX must pass.
        tolerance: by output, `probabilities` or `value`; the default tolerances where not given.
        label_changes: how many labels may differ, beside ties.
        coverage: the least share of every kind of reachable place that the rows must reach, 0 to 1.
        budgets: by target.
        headers: the folder of ONNX Runtime's C headers; in the file, relative to the file's folder.
    """

    path: Path
    targets: tuple[str, ...] = ()
    runtimes: tuple[Spec, ...] = ()
    tolerance: Mapping[str, float] = field(default_factory=dict)
    label_changes: int = 0
    coverage: float | None = None
    budgets: Mapping[str, Budget] = field(default_factory=dict)
    headers: Path | None = None


def find_policy(folder: Path) -> Path | None:
    """The policy file of a folder: edgepack.toml, or a pyproject.toml that has the table; None where neither is."""
    if (folder / OWN).is_file():
        return folder / OWN
    project = folder / PROJECT
    if project.is_file() and _table(_toml(project), _keys(project)) is not None:
        return project
    return None


def read_policy(path: Path) -> Policy:
    """The policy that a file holds.

    Raises:
        UsageError: no such file, no TOML, no such table, or anything in the table that is not known or of another
            type: a line for each, with its path (`tool.edgepack.parity.tolerance.value: …`).
    """
    keys = _keys(path)
    table = _table(_toml(path), keys)
    at = ".".join(keys)
    if table is None:
        raise UsageError(f"{path}: has no table [{at}]; write one, or leave --policy out")
    problems: list[str] = []
    found = _read(table, at, _PARITY, problems)
    tolerance = _read(found.pop("tolerance", {}), f"{at}.tolerance", _TOLERANCE, problems)
    budgets = {
        target: Budget(**_read(given, f"{at}.budget.{target}", _BUDGET, problems))
        for target, given in found.pop("budget", {}).items()
    }
    if problems:
        raise UsageError("\n".join(f"{path}: {problem}" for problem in problems))
    if "headers" in found:
        found["headers"] = path.parent / found["headers"]
    return Policy(path=path, tolerance=tolerance, budgets=budgets, **found)


class _Wrong(Exception):
    """What is wrong with a value, and the remedy."""


Reader = Callable[[Any], Any]


def _read(table: Any, at: str, readers: Mapping[str, Reader], problems: list[str]) -> dict[str, Any]:
    """The values of a table that are right; the others are told in `problems`, with their paths."""
    if not isinstance(table, dict):
        problems.append(f"{at}: {table!r:.40} is no table; write [{at}]")
        return {}
    found = {}
    for key, value in table.items():
        if (reader := readers.get(key)) is None:
            problems.append(f"{at}.{key}: not known; give {', '.join(readers)}")
            continue
        try:
            found[key] = reader(value)
        except (_Wrong, UsageError) as wrong:
            problems.append(f"{at}.{key}: {wrong}")
    return found


def _number(least: float, most: float, remedy: str) -> Reader:
    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise _Wrong(f"{value!r:.40} is no {remedy}")
        return float(value)

    return read


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _Wrong(f"{value!r:.40} is no count; give a whole number from 0")
    return value


def _words(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise _Wrong(f"{value!r:.40} is no list of strings")
    if twice := sorted({word for word in value if value.count(word) > 1}):
        raise _Wrong(f"{', '.join(twice)} twice; give each once")
    return tuple(value)


def _runtimes(value: Any) -> tuple[Spec, ...]:
    return tuple(Spec.parse(word) for word in _words(value))


def _path(value: Any) -> Path:
    if not isinstance(value, str) or not value:
        raise _Wrong(f"{value!r:.40} is no folder; give the folder of ONNX Runtime's C headers")
    return Path(value)


def _tables(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong(f"{value!r:.40} is no table; give one table per target")
    return value


def _as_it_is(value: Any) -> Any:
    return value


_DIFFERENCE = _number(0, math.inf, "tolerance; give a number from 0")
_TOLERANCE: Mapping[str, Reader] = {"probabilities": _DIFFERENCE, "value": _DIFFERENCE}
_BUDGET: Mapping[str, Reader] = {
    "size_bytes": _count,
    "compressed_size_bytes": _count,
    "p50_us": _number(0, math.inf, "time; give microseconds"),
    "instructions_per_row": _number(0, math.inf, "count; give a number from 0"),
}
_PARITY: Mapping[str, Reader] = {
    "targets": _words,
    "runtimes": _runtimes,
    "label_changes": _count,
    "headers": _path,
    "coverage": _number(0, 1, "share; give a number from 0 to 1"),
    "tolerance": _as_it_is,
    "budget": _tables,
}


def _keys(path: Path) -> Sequence[str]:
    return ("tool", "edgepack", "parity") if path.name == PROJECT else ("parity",)


def _table(document: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        if not isinstance(document, dict) or key not in document:
            return None
        document = document[key]
    return document


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UsageError(f"{path}: no such file; give a {PROJECT} or an {OWN}") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read as TOML ({error}); repair the file") from error
