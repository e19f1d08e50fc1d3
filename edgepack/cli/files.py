"""What a command is given, and what it writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgepack.gate import Policy
    from edgepack.parity import Tolerance


def tolerance_of(given: float | None, policy: Policy | None = None) -> Tolerance | None:
    """A given number for probabilities and values alike, else the policy's tolerances; None for the defaults."""
    from edgepack.parity import Tolerance

    if policy is None or not (policy.tolerance or policy.label_changes):
        return None if given is None else Tolerance(probabilities=given, value=given)
    defaults = Tolerance()
    return Tolerance(
        probabilities=given if given is not None else policy.tolerance.get("probabilities", defaults.probabilities),
        value=given if given is not None else policy.tolerance.get("value", defaults.value),
        label_changes=policy.label_changes,
        yields=given is None and not policy.tolerance,
    )


def policy_of(path: Path | None) -> Policy | None:
    """The policy of a file, or of the one that the current folder holds; None without either. Raises `UsageError`."""
    from edgepack.gate import find_policy, read_policy

    found = path or find_policy(Path())
    return None if found is None else read_policy(found)


def read(path: Path | None) -> Any:
    """The rows of a data file, if one is given. Raises `UsageError`."""
    if path is None:
        return None
    from edgepack.parity.data import read_data

    return read_data(path)


def read_document(path: Path) -> Any:
    """The JSON document in a file. Raises `UsageError`."""
    from json import loads

    from edgepack.errors import UsageError

    try:
        return loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); give another file") from error
    except ValueError as error:
        raise UsageError(f"{path}: not JSON ({error}); give what --out FILE.json wrote") from error


def write(path: Path, text: str) -> None:
    """Writes a report, with the folders that it needs. Raises `UsageError` where that fails."""
    from edgepack.errors import UsageError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
