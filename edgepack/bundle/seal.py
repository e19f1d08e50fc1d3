"""Assembles a bundle: all of it or nothing, in one rename."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgepack.bundle.bundle import Bundle
from edgepack.bundle.files import GOLDEN, MANIFEST, SIGNATURE, golden_of, unsafe_name
from edgepack.bundle.lineage import Mode, lineage_document, lineage_path, shipped_lineage, shipped_uri
from edgepack.bundle.manifest import Manifest, build_manifest, write_manifest
from edgepack.bundle.swap import swap
from edgepack.contract import Answers, Artifact, Columns, Interface, Verdict
from edgepack.errors import UsageError

if TYPE_CHECKING:
    from edgepack.bundle.signers import SigningKey

Document = Callable[[Manifest], bytes]
"""Renders a further file of the bundle, such as `report.html`, from its manifest."""


def seal_bundle(
    out: Path,
    *,
    name: str,
    version: int | None,
    interface: Interface,
    uri: str,
    lineage: Mapping[str, Any],
    lineage_mode: Mode = "digest",
    artifacts: Sequence[Artifact],
    columns: Columns,
    answers: Answers,
    goldens: Mapping[str, tuple[Columns, Answers]] | None = None,
    verdicts: Sequence[Verdict],
    tools: Mapping[str, str],
    bench: Mapping[str, Any] | None = None,
    expires_utc: str | None = None,
    quantization: Mapping[str, Any] | None = None,
    documents: Mapping[str, Document] | None = None,
    key: SigningKey | None = None,
    overwrite: bool = False,
) -> Bundle:
    """The bundle at `out`: artifacts, golden rows, manifest, documents and, with a key, a signature over them all.

    It is assembled in a hidden folder beside `out` and renamed at the end: an interruption or a full disk leaves
    either the whole new bundle or what was there before.

    Args:
        lineage_mode: how much of the URI and lineage the manifest holds; with `digest` the rest is written beside the
            bundle, to `lineage_path(out)`.
        artifacts: emitted anywhere; each is copied to `<target>/<its name>`.
        columns, answers: the golden rows.
        goldens: those of targets whose artifacts were quantized in another way than the first's.
        expires_utc: as in `build_manifest`.
        documents: further files by name, each rendered from the manifest before the bundle is signed.
        overwrite: whether a bundle at `out` is replaced. Anything else there never is.

    Raises:
        UsageError: `out` is taken or cannot be written, or an argument does not fit a manifest.
    """
    given, out = out, out.resolve()
    ensure_free(out, overwrite=overwrite)
    partial = _sibling(out, "partial")
    beside = partial.with_suffix(".lineage")
    try:
        partial.mkdir(parents=True)
        placed = [_place(artifact, partial) for artifact in artifacts]
        from edgepack.bundle.golden import write_golden

        write_golden(partial / GOLDEN, columns, answers, interface)
        for target, own in (goldens or {}).items():
            write_golden(partial / golden_of(target), *own, interface)
        document = build_manifest(
            partial,
            name=name,
            version=version,
            interface=interface,
            uri=shipped_uri(uri, lineage_mode),
            lineage=shipped_lineage(uri, lineage, lineage_mode),
            artifacts=placed,
            verdicts=verdicts,
            goldens=tuple(goldens or ()),
            tools=tools,
            bench=bench,
            expires_utc=expires_utc,
            quantization=quantization,
        )
        manifest = Manifest.from_bytes(write_manifest(document, partial).read_bytes())
        for file_name, render in (documents or {}).items():
            _write_document(partial, file_name, render(manifest))
        if key is not None:
            from edgepack.bundle.sign import sign_bundle

            sign_bundle(partial, key)
        beside.write_bytes(lineage_document(uri, lineage))
        _move(partial, out)
        if lineage_mode == "digest":
            beside.replace(lineage_path(out))
        else:
            lineage_path(out).unlink(missing_ok=True)  # of the bundle that was replaced
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error}); make room or choose another place") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        beside.unlink(missing_ok=True)
    return Bundle(path=given, manifest=manifest)


def ensure_free(out: Path, *, overwrite: bool) -> None:
    """Returns if a bundle may be written to `out`: nothing is there, or an empty folder, or a bundle to be replaced.

    Raises:
        UsageError: it may not.
    """
    standing = next(place for place in (out, *out.parents) if place.exists())
    if standing != out and not standing.is_dir():
        raise UsageError(f"{standing}: is a file, so no folder fits in it; choose another folder")
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / MANIFEST).is_file():
        raise UsageError(f"{out}: exists and is no bundle, so it is never replaced; choose another folder")
    if not overwrite:
        raise UsageError(f"{out}: exists; choose another folder or pass --overwrite")


def _place(artifact: Artifact, folder: Path) -> Artifact:
    """The artifact, copied into the bundle."""
    inside = Path(artifact.target) / artifact.path.name
    (folder / inside).parent.mkdir(exist_ok=True)
    if artifact.path.is_dir():
        shutil.copytree(artifact.path, folder / inside, symlinks=True)  # a link stays one, and is refused as one
    else:
        shutil.copyfile(artifact.path, folder / inside)
    return replace(artifact, path=inside)


def _write_document(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    if unsafe_name(name) or name == SIGNATURE or path.exists():
        raise UsageError(f"{name}: not free for a document of the bundle; give it another name")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _move(partial: Path, out: Path) -> None:
    """Renames the new bundle into place; the old one, if any, comes back should that fail.

    Where the system can, they change places at once, so that even a process that is killed leaves one of the two.
    """
    if not (out / MANIFEST).is_file():
        partial.rename(out)  # an empty folder gives way
        return
    if swap(partial, out):
        return  # the old one goes with the rest that is hidden
    old = _sibling(out, "old")
    try:
        out.rename(old)
        partial.rename(out)
    except BaseException:
        if old.exists() and not out.exists():
            old.rename(out)
        raise
    finally:
        if out.exists():
            shutil.rmtree(old, ignore_errors=True)


def _sibling(out: Path, purpose: str) -> Path:
    return out.with_name(f".{out.name}.{secrets.token_hex(4)}.{purpose}")
