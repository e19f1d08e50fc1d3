"""What a command is given, and what it writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgepack.parity import Tolerance


def tolerance_of(given: float | None) -> Tolerance | None:
    """One number for probabilities and values alike; None for the defaults."""
    if given is None:
        return None
    from edgepack.parity import Tolerance

    return Tolerance(probabilities=given, value=given)


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
