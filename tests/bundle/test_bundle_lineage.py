"""A bundle carries as much of its lineage as was chosen, and proves the rest that stays beside it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepack.bundle.bundle import Bundle
from edgepack.bundle.lineage import lineage_path, shipped_uri
from edgepack.bundle.seal import seal_bundle
from edgepack.contract import Artifact, Input, Interface
from edgepack.errors import SignatureError

LINEAGE = {
    "uri": "models:/m/1",
    "model": {"name": "m", "version": 1, "tags": {"team": "pricing"}},
    "run": {"run_id": "0f3a", "name": "alice", "metrics": {"auc": 0.91}},
    "user": "alice",
    "artifacts": {"tree_sha256": "ab" * 32, "files": {"MLmodel": {"sha256": "cd" * 32, "size_bytes": 3}}},
}


def sealed(tmp_path: Path, **changes: Any) -> Bundle:
    (tmp_path / "emitted.onnx").write_bytes(b"onnx")
    fixed: dict[str, Any] = {
        "name": "m",
        "version": 1,
        "interface": Interface(inputs=(Input(name="age", kind="number"),), outputs=("value",)),
        "uri": "models:/m/1",
        "lineage": LINEAGE,
        "artifacts": [Artifact(target="onnx", path=tmp_path / "emitted.onnx", format="ONNX", min_runtime="")],
        "columns": {"age": np.array([[1.0]])},
        "answers": {"value": np.array([0.5])},
        "verdicts": [],
        "tools": {},
    }
    return seal_bundle(tmp_path / "dist" / "m-1", **{**fixed, **changes})


def test_a_digest_ships_identifiers_alone_and_the_rest_lies_beside(tmp_path: Path) -> None:
    bundle = sealed(tmp_path)
    beside = tmp_path / "dist" / "m-1.lineage.json"
    assert dict(bundle.manifest.source.lineage) == {
        "sha256": hashlib.sha256(beside.read_bytes()).hexdigest(),
        "run": {"run_id": "0f3a"},
        "artifacts": {"tree_sha256": "ab" * 32},
    }
    assert "alice" not in (bundle.path / "manifest.json").read_text()
    assert json.loads(beside.read_bytes())["lineage"] == LINEAGE
    assert bundle.origin == ("models:/m/1", LINEAGE)
    beside.unlink()
    assert bundle.origin == ("models:/m/1", bundle.manifest.source.lineage)


def test_a_lineage_that_is_not_the_bundles_own_is_refused(tmp_path: Path) -> None:
    bundle = sealed(tmp_path)
    beside = lineage_path(bundle.path)
    beside.write_text(beside.read_text().replace("alice", "mallory"))
    with pytest.raises(SignatureError, match=r"m-1\.lineage\.json: not the lineage\.json of this bundle"):
        _ = bundle.origin


def test_the_modes_follow_one_another(tmp_path: Path) -> None:
    """What lies beside is always that of the bundle that is there."""
    beside = lineage_path(sealed(tmp_path).path)
    full = sealed(tmp_path, lineage_mode="full", overwrite=True)
    assert not beside.exists()
    assert full.origin == ("models:/m/1", LINEAGE)
    sealed(tmp_path, overwrite=True)
    assert beside.exists()
    none = sealed(tmp_path, lineage_mode="none", overwrite=True)
    assert not beside.exists()
    assert none.origin == ("", {})
    assert [path.name for path in (tmp_path / "dist").iterdir()] == ["m-1"]


@pytest.mark.parametrize(
    ("uri", "shipped"),
    [
        ("models:/m/3", "models:/m/3"),
        ("runs:/0f3a/model", "runs:/0f3a/model"),
        ("/home/alice/secret/model", "model"),
        ("../model/", "model"),
    ],
)
def test_no_path_of_a_machine_is_shipped(tmp_path: Path, uri: str, shipped: str) -> None:
    assert shipped_uri(uri, "digest") == shipped
    assert shipped_uri(uri, "full") == uri
    assert shipped_uri(uri, "none") == ""
    bundle = sealed(tmp_path, uri=uri, lineage={**LINEAGE, "uri": uri})
    assert bundle.manifest.source.uri == shipped
    assert bundle.origin[0] == uri
