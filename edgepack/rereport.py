"""The report of a bundle that exists, with what has been learnt since it was sealed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgepack.errors import UsageError
from edgepack.recheck import files

if TYPE_CHECKING:
    from edgepack.bundle.bundle import Bundle
    from edgepack.report import Signature


def rereport(
    path: Path,
    *,
    key: Path | None = None,
    bench: Mapping[str, Any] | None = None,
    previous: Path | None = None,
) -> dict[str, Any]:
    """The report's document; `edgepack.report.to_html` makes the page of it.

    Args:
        key: the signer's public key, to verify the bundle with.
        bench: what `edgepack bench --out FILE.json` wrote.
        previous: an earlier version's bundle, to compare with.

    Raises:
        SignatureError: the bundle is not what was signed, or its files are not those of the manifest.
        UsageError: no such bundle, or no benchmark.
    """
    from edgepack.bundle.bundle import Bundle
    from edgepack.report import figures, read_program
    from edgepack.report.difference import difference

    bundle = Bundle.open(path, key=key)
    changes = None if previous is None else difference(Bundle.open(previous), bundle).to_document()
    return figures(
        bundle.manifest,
        signature=_signature(bundle, key),
        program=read_program(bundle.path),
        parts=_parts(bundle),
        bench=bench,
        changes=changes,
    )


def place_of(bundle: Path, out: Path | None) -> Path:
    """Where a report goes: beside the bundle, never into it, whose files are signed as they are.

    Raises:
        UsageError: `out` lies in the bundle.
    """
    place = out or bundle.resolve().parent / f"{bundle.resolve().name}.report.html"
    if place.resolve().is_relative_to(bundle.resolve()):
        raise UsageError(f"{place}: inside the bundle, which is sealed; choose a place beside it")
    return place


def _parts(bundle: Bundle) -> dict[str, Mapping[str, int]]:
    """As `export.parts_of`, of the targets that are installed here."""
    found: dict[str, Mapping[str, int]] = {}
    for name, (target, path) in files(bundle).items():
        if known := getattr(target, "parts", None):
            found[name] = known(path)
    return found


def _signature(bundle: Bundle, key: Path | None) -> Signature:
    from edgepack.bundle.files import SIGNATURE
    from edgepack.bundle.keys import key_id, load_public_key
    from edgepack.report import Signature

    if key is not None:
        return Signature(state="verified", key=key_id(load_public_key(key)))
    return Signature(state="present" if (bundle.path / SIGNATURE).is_file() else "none")
