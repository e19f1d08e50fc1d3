"""What an .mlpackage folder holds: a specification, and weights beside it."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

from edgepack_coreml.evaluate.mil.weights import Weights
from edgepack_coreml.evaluate.values import Unknown

MANIFEST = "Manifest.json"


def parts(path: Path) -> tuple[Path, Weights | None]:
    """The specification's file and, of an .mlpackage, its weights. Raises `Unknown` for anything else."""
    if path.is_file():
        return path, None
    if not path.is_dir():
        raise Unknown(f"{path.name}: is neither a file nor a folder; Core ML models are .mlmodel or .mlpackage")
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        inside = PurePosixPath(manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unknown(f"{path.name}: {MANIFEST} does not name the model; save the package again") from error
    file = path / "Data" / inside
    if inside.is_absolute() or ".." in inside.parts or not file.is_file():
        raise Unknown(f"{path.name}: {MANIFEST} names {str(inside)!r}, which is not a file in Data")
    return file, Weights(file.parent)
