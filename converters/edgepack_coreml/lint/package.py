"""The files of an .mlmodel, or of an .mlpackage folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

MANIFEST = "Manifest.json"
WEIGHTS = "weights/weight.bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What was found.

    Attributes:
        name: of the file or folder.
        specification: the encoded model; None where `problems` say why there is none.
        weights: the bytes of the weights; None where there are none.
        problems: of the package itself, each with the file that it is in.
    """

    name: str
    specification: bytes | None
    weights: bytes | None
    problems: tuple[tuple[str, str], ...] = ()


def read(path: Path) -> Package:
    """A file as it is; of a folder, what its manifest names."""
    if path.is_file():
        return Package(name=path.name, specification=path.read_bytes(), weights=None)
    problems: list[tuple[str, str]] = []
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        entries: dict[str, Any] = manifest["itemInfoEntries"]
        root = entries[manifest["rootModelIdentifier"]]["path"]
        named = {str(entry["path"]) for entry in entries.values()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"does not name the model ({type(error).__name__}: {error})"
        return Package(name=path.name, specification=None, weights=None, problems=((MANIFEST, reason),))
    data = path / "Data"
    for name in sorted(named):
        if not _inside(data, name):
            problems.append((MANIFEST, f"names {name!r}, which is not in Data"))
    for file in sorted(p for p in data.rglob("*") if p.is_file()):
        inner = file.relative_to(data).as_posix()
        if not any(inner == name or inner.startswith(f"{name}/") for name in named):
            problems.append((f"Data/{inner}", f"is not named in {MANIFEST}"))
    model, weights = data / root, (data / root).parent / WEIGHTS
    return Package(
        name=path.name,
        specification=model.read_bytes() if _inside(data, root) and model.is_file() else None,
        weights=weights.read_bytes() if weights.is_file() else None,
        problems=tuple(problems),
    )


def _inside(data: Path, name: str) -> bool:
    parts = PurePosixPath(name)
    return not parts.is_absolute() and ".." not in parts.parts and (data / name).exists()
