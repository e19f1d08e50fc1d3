"""Writes packages: all of one or nothing of it, in one rename."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgepack.bundle.swap import swap
from edgepack.errors import UsageError
from edgepack.sdk.names import package_name
from edgepack.sdk.platform import Platform
from edgepack.sdk.platforms import find_platform
from edgepack.sdk.surface import Surface, surface_of

if TYPE_CHECKING:
    from edgepack.bundle.bundle import Bundle

MARK = "edgepack-sdk.txt"
"""The file that says that a folder was written here, and may be replaced."""


def generate(bundle: Bundle, platforms: Sequence[str], out: Path, *, overwrite: bool = False) -> list[Path]:
    """The folders of the packages written into `out`, one per platform: `house-prices-web`.

    The same bundle gives the same bytes.

    Args:
        overwrite: whether a package that is there already is replaced. Any other folder never is.

    Raises:
        UsageError: no such platform, the bundle lacks its artifact, or a place that is taken or cannot be written.
        UnsupportedError: a platform cannot do the model's host steps.
    """
    chosen = [find_platform(name) for name in dict.fromkeys(platforms)]
    if not chosen:
        raise UsageError("no platform; give at least one, such as --platform web")
    planned = []
    for platform in chosen:
        surface = surface_of(bundle, platform.target)
        platform.check(surface)
        planned.append((platform, surface))
    places = folders_of(bundle.manifest.name, platforms, out)
    require_free(places, overwrite=overwrite)
    for place, (platform, surface) in zip(places, planned, strict=True):
        _write(place, platform, surface)
    return places


def require_targets(platforms: Sequence[str], targets: Sequence[str]) -> None:
    """Returns if these targets give every platform its artifact. Raises `UsageError`."""
    for platform in map(find_platform, platforms):
        if platform.target not in targets:
            raise UsageError(f"{platform.name}: its package needs {platform.target}; add --target {platform.target}")


def folders_of(model: str, platforms: Sequence[str], out: Path) -> list[Path]:
    """Where in `out` the packages for a model of this name are written. Raises `UsageError` for no such platform."""
    return [out / find_platform(name).folder(package_name(model)) for name in dict.fromkeys(platforms)]


def require_free(places: Sequence[Path], *, overwrite: bool) -> None:
    """Returns if a package may be written at each place. Raises `UsageError`."""
    for place in places:
        if not place.exists() and not place.is_symlink():
            continue
        if not overwrite:
            raise UsageError(f"{place}: is there already; pass --overwrite, or choose another --out")
        if place.is_symlink() or not (place / MARK).is_file():
            raise UsageError(
                f"{place}: not a package of edgepack, which alone --overwrite replaces; choose another --out"
            )


def _write(place: Path, platform: Platform, surface: Surface) -> None:
    fresh = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        fresh.mkdir(parents=True)
        for name, text in platform.render(surface).items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        for name, source in platform.copies(surface).items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copyfile)(source, fresh / name)
        (fresh / MARK).write_text(
            "Written by `edgepack sdk`, which replaces this folder as a whole.\n", encoding="utf-8"
        )
        if place.exists():
            if not swap(fresh, place):
                shutil.rmtree(place)
                fresh.rename(place)
        else:
            fresh.rename(place)
    except OSError as error:
        raise UsageError(f"{place}: cannot be written ({error.strerror}); choose another --out") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
