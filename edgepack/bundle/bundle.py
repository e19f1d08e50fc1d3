"""A bundle that has been opened: its manifest, and its artifacts ready to run."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgepack.bundle.files import MANIFEST, copy_measured, measure, names_in, read_small, told
from edgepack.bundle.lineage import lineage_path, read_lineage
from edgepack.bundle.manifest import Manifest
from edgepack.contract import Answers, Columns, Interface, Runner
from edgepack.errors import SignatureError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from edgepack.bundle.keyless.identity import TrustedIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundRunner:
    """A runner that takes rows in any form and refuses those that the server would refuse."""

    runner: Runner
    interface: Interface

    @property
    def runtime(self) -> str:
        """What runs the artifact: `onnxruntime 1.32.0 x86_64`."""
        return self.runner.runtime

    def run(self, rows: Any) -> dict[str, np.ndarray[Any, Any]]:
        """The artifact's answers, named and shaped as `contract.Answers` says.

        Args:
            rows: what `edgepack.rows.columns_of` takes: a DataFrame, a dict of columns or a 2-D array.

        Raises:
            UsageError: rows that do not fit the model's inputs or that the server refuses, a line for each reason.
        """
        from edgepack.rows import columns_of, domain_errors

        columns = columns_of(rows, self.interface)
        if reasons := domain_errors(columns, self.interface):
            raise UsageError("\n".join(reasons))
        return self.runner.run(columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle whose files are those that its manifest names."""

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: Path | str, *, key: Path | None = None, identity: TrustedIdentity | None = None) -> Bundle:
        """The bundle in a folder, checked.

        Args:
            key, identity: the signer's public key, or who signed without one. With either, the whole bundle is
                verified. Without, only the artifacts and the golden rows are compared with the manifest, which anybody
                may have written.

        Raises:
            SignatureError: the bundle is not what was signed, or its files are not those of the manifest.
            UsageError: no such folder, or no such key.
        """
        folder = Path(path)
        if key is not None or identity is not None:
            from edgepack.bundle.keys import load_public_key
            from edgepack.bundle.verify import verify_bundle

            trusted = [signer for signer in (load_public_key(key) if key else None, identity) if signer]
            return cls(path=folder, manifest=verify_bundle(folder, trusted).manifest)
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such bundle; give the folder that holds {MANIFEST}")
        manifest = Manifest.from_bytes(read_small(folder, MANIFEST))
        roots = tuple(f"{entry.artifact.path.as_posix()}/" for entry in manifest.artifacts)
        named = {file.path for file in manifest.files}
        names, unfit = names_in(folder)
        found = {name: measure(folder, name).sha256 for name in names if name in named or name.startswith(roots)}
        if problems := [*(line for line in unfit if line.startswith(roots)), *manifest.mismatches(found)]:
            raise SignatureError(f"{told(problems)}; get the bundle again")
        return cls(path=folder, manifest=manifest)

    @property
    def interface(self) -> Interface:
        """The model's inputs, outputs and classes."""
        return self.manifest.interface

    @property
    def origin(self) -> tuple[str, Mapping[str, Any]]:
        """The model's URI and lineage: out of the `lineage.json` beside the bundle where there is one, else as shipped.

        Raises:
            SignatureError: the file beside is not the one that belongs to this bundle.
        """
        source = self.manifest.source
        path = lineage_path(self.path.resolve())
        if "sha256" in source.lineage and path.is_file():
            return read_lineage(path, source.lineage["sha256"])
        return source.uri, source.lineage

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets that the bundle holds an artifact for, in the manifest's order."""
        return tuple(entry.artifact.target for entry in self.manifest.artifacts)

    def golden(self, target: str) -> tuple[Columns, Answers]:
        """The golden rows that a target's artifact answers. Raises `SignatureError` where they are other bytes now."""
        from edgepack.bundle.golden import read_golden

        file = self.manifest.golden_of(target)
        return read_golden(self.path / file.path, self.interface, sha256=file.sha256)

    def runner(self, target: str) -> BoundRunner:
        """A runner for the artifact of a target, loaded from the very bytes that the manifest names.

        The file is hashed on the way into a private folder, and loaded from there: whoever changes the bundle after it
        was opened changes nothing that runs.

        Raises:
            SignatureError: the artifact is not any more what the bundle was opened with.
            UsageError: no such artifact in the bundle, or the target is not installed.
        """
        from edgepack.targets import find_target

        for entry in self.manifest.artifacts:
            if entry.artifact.target == target:
                found = find_target(target)
                with tempfile.TemporaryDirectory(prefix="edgepack-") as private:
                    root = entry.artifact.path.as_posix()
                    self._copy(root, Path(private))
                    runner = found.open(Path(private) / root, self.interface)
                return BoundRunner(runner=runner, interface=self.interface)
        raise UsageError(f"{target}: not in {self.path}; it holds {', '.join(self.targets) or 'no artifact'}")

    def _copy(self, root: str, into: Path) -> None:
        """Copies a file or folder of the bundle. Raises `SignatureError` unless it is as in the manifest."""
        wanted = [f for f in self.manifest.files if f.path == root or f.path.startswith(f"{root}/")]
        for file in wanted:
            if copy_measured(self.path, file.path, into) != file.sha256:
                raise SignatureError(f"{file.path}: changed since the bundle was opened; get the bundle again")
