"""The environment that a model recorded, made by uv out of wheels alone and kept."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from edgepack.environments import InstallFailed, cache_folder, cached, call, find_uv
from edgepack.errors import SourceError

REQUIREMENTS = "requirements.txt"

_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[A-Za-z0-9,._ -]*\])?==([A-Za-z0-9.!+_-]+)")
_UNPINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[A-Za-z0-9,._ -]*\])?(?:\s*,?\s*[<>=!~]=?\s*[A-Za-z0-9.*+!]+)*")
_PASSED_ON = re.compile(
    r"PATH|HOME|LANG|LC_ALL|TMPDIR|XDG_CACHE_HOME|UV_.*|SSL_CERT_(FILE|DIR)|(HTTPS?|ALL|NO)_PROXY", re.IGNORECASE
)


def pinned(text: str, sklearn_version: str) -> tuple[str, ...]:
    """The `name==version` lines of a model's requirements, sorted, with the scikit-learn that saved it.

    Lines without a version are left to what the others need. mlflow is left out: nothing here uses it.

    Raises:
        SourceError: a line that points elsewhere (an option, an address, a path).
    """
    found = {"scikit-learn": sklearn_version}
    for line in text.splitlines():
        line = line.partition(" #")[0].partition(";")[0].strip()
        if not line or line.startswith("#"):
            continue
        if match := _PINNED.fullmatch(line):
            name = re.sub(r"[._]", "-", match[1]).lower()
            if name != "mlflow" and not name.startswith("mlflow-"):
                found.setdefault(name, match[2])
        elif not _UNPINNED.fullmatch(line):
            raise SourceError(f"{REQUIREMENTS}: {line!r:.80} is no name==version; log the model with such lines alone")
    return tuple(f"{name}=={version}" for name, version in sorted(found.items()))


def interpreter_of(lines: tuple[str, ...], python_version: str | None) -> Path:
    """The interpreter of an environment with these packages: made at the first use, needing no network afterwards.

    Args:
        lines: of `pinned`.
        python_version: that saved the model; this interpreter's, where uv does not find that one on this machine.

    Raises:
        SourceError: no uv, or the packages cannot be had as wheels.
    """
    wanted = ".".join((python_version or "").split(".")[:2])
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    content = "\n".join((wanted or here, here, *lines))
    place = cache_folder("models") / hashlib.sha256(content.encode()).hexdigest()[:24]
    if place.is_dir():
        return place / "bin" / "python"
    uv = find_uv()
    if uv is None:
        raise SourceError("uv is not installed, which makes the model's environment; pip install 'edgepack[runtimes]'")
    environment = {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)}

    def fill(folder: Path) -> None:
        python = sys.executable if wanted in ("", here) else _found(uv, wanted, folder.parent, environment)
        call([uv, "venv", "--quiet", "--no-config", "--python", python, str(folder)], folder.parent, environment)
        into = ["--python", str(folder / "bin" / "python")]
        install = [uv, "pip", "install", "--quiet", "--no-config", "--no-build", *into, *lines]
        call(install, folder.parent, environment)

    try:
        return cached(place, fill) / "bin" / "python"
    except InstallFailed as error:
        raise SourceError(f"its environment ({', '.join(lines)}) cannot be made: {error}") from error


def _found(uv: str, wanted: str, where: Path, environment: Mapping[str, str]) -> str:
    try:
        words = [uv, "python", "find", "--no-config", "--no-python-downloads", wanted]
        return call(words, where, environment).strip()
    except InstallFailed:
        return sys.executable
