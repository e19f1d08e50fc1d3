"""`edgepack verify --online`: the registry still has the version, its aliases and its files, or says what changed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from edgepack.errors import SourceError
from edgepack.source import resolve
from edgepack.source.online import compare_online

URI = "models:/drifting/1"


@pytest.fixture
def drifting(registry: Any, tmp_path: Path) -> Any:
    """A registered model whose files lie where a test may change them; its lineage as at an export."""
    source = resolve("models:/wine/1", tmp_path / "wine", tracking_uri=registry.uri)
    files = tmp_path / "files"
    shutil.copytree(source.folder, files)
    client = registry.client
    client.create_registered_model("drifting")
    client.create_model_version("drifting", files.as_uri(), registry.run_id)
    client.set_registered_model_alias("drifting", "champion", "1")
    yield client, files, resolve(URI, tmp_path / "then", tracking_uri=registry.uri).lineage
    client.delete_registered_model("drifting")


def compared(registry: Any, lineage: Any, **more: Any) -> list[str]:
    return compare_online(URI, lineage, tracking_uri=registry.uri, **more)


def digest_alone(lineage: Any) -> Any:
    """What a bundle ships with `--lineage digest`."""
    return {"artifacts": {"tree_sha256": lineage["artifacts"]["tree_sha256"]}}


def test_nothing_has_changed(registry: Any, drifting: Any) -> None:
    _, _, lineage = drifting
    assert compared(registry, lineage, aliases=["champion"]) == []
    assert compared(registry, digest_alone(lineage)) == []


def test_an_alias_that_moved_on_is_told(registry: Any, drifting: Any) -> None:
    client, _, lineage = drifting
    client.delete_registered_model_alias("drifting", "champion")
    says = [f"{URI}: alias 'champion' is not on version 1 any more"]
    assert compared(registry, lineage) == says
    assert compared(registry, digest_alone(lineage)) == []  # which ships no aliases
    assert compared(registry, digest_alone(lineage), aliases=["champion"]) == says


def test_files_that_changed_are_told_by_name_where_the_bundle_knows_them(registry: Any, drifting: Any) -> None:
    _, files, lineage = drifting
    (files / "requirements.txt").write_text("scikit-learn==0.1\n")
    (files / "more.txt").write_text("x")
    (files / "python_env.yaml").unlink()
    assert compared(registry, lineage) == [
        f"{URI}: more.txt is new",
        f"{URI}: python_env.yaml is gone",
        f"{URI}: requirements.txt has another sha256",
    ]
    assert compared(registry, digest_alone(lineage)) == [
        f"{URI}: its files are not those that the bundle was made from"
    ]


def test_without_a_digest_nothing_is_called_the_same(registry: Any, drifting: Any) -> None:
    assert compared(registry, {}) == [
        f"{URI}: the bundle tells no digest of the model's files, so they cannot be compared"
    ]


def test_a_version_that_is_gone_is_an_error(registry: Any, drifting: Any) -> None:
    client, _, lineage = drifting
    client.delete_model_version("drifting", "1")
    with pytest.raises(SourceError, match="'drifting' has no version 1"):
        compared(registry, lineage)


@pytest.mark.parametrize("uri", ["model", "runs:/0f3a/model"])
def test_what_was_never_registered_has_no_registry_to_ask(uri: str) -> None:
    with pytest.raises(SourceError, match="not a registered model"):
        compare_online(uri, {})
