"""What artifacts tell of their model, and that no more of the lineage leaves than was chosen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline

from edgepack.contract import EmitOptions
from edgepack.described import descriptions_of, metadata_of
from edgepack.lower import lower
from edgepack.passes import optimize
from edgepack.source.model import Source
from edgepack.targets import find_target
from edgepack_coreml.proto import messages

SHA256 = "ab" * 32
PRIVATE = ("alice", "Prices for the Oslo team", "MIT-0", "oslo-flats", "1f0c2a9b", "1.9.1", "0123abc", "pricing")
LINEAGE: dict[str, Any] = {
    "uri": "models:/rents/3",
    "model": {
        "description": "Prices for the Oslo team",
        "tags": {"license": "MIT-0", "team": "pricing"},
        "created": None,
    },
    "logged_model": None,
    "run": {
        "run_id": "0f3a",
        "git": {"commit": "0123abc"},
        "tags": {},
        "datasets": [{"name": "oslo-flats", "digest": "1f0c2a9b", "context": "training"}],
    },
    "user": "alice",
    "training": {"run_id": "0f3a", "sklearn_version": "1.9.1", "created": "2026-01-02T03:04:05"},
    "artifacts": {"tree_sha256": SHA256},
}
SIGNATURE = {
    "inputs": [
        {"type": "long", "name": "rooms", "required": True},
        {"type": "double", "name": "area", "required": False},
        {"type": "string", "name": "not an input", "required": True},
    ],
    "outputs": [{"type": "string", "required": True}],
}
FRAME = pd.DataFrame({"rooms": np.arange(60.0) % 5, "area": np.arange(60.0)})
SOURCE = Source(
    uri="models:/rents@champion",
    name="rents",
    version=3,
    aliases=("champion",),
    folder=Path(),
    signature=SIGNATURE,
    lineage=LINEAGE,
)


def emitted(target: str, mode: Any, folder: Path, estimator: Any = None) -> tuple[Path, bytes]:
    """The artifact, and all of its bytes."""
    fitted = make_pipeline(SimpleImputer(), estimator or LogisticRegression()).fit(FRAME, FRAME["area"] > 30)
    program = optimize(lower(fitted, FRAME))
    options = EmitOptions(
        name="rents",
        metadata=metadata_of(SOURCE, "models:/rents/3", mode),
        descriptions=descriptions_of(SOURCE, program.interface),
    )
    path = find_target(target).emit(program, folder, options).path
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return path, b"".join(file.read_bytes() for file in files)


@pytest.mark.parametrize("target", ["onnx", "coreml", "coreml program"])
@pytest.mark.parametrize("mode", ["full", "digest", "none"])
def test_no_more_leaves_than_was_chosen(target: str, mode: str, tmp_path: Path) -> None:
    network = MLPRegressor(hidden_layer_sizes=(40,), max_iter=3) if target == "coreml program" else None
    _, content = emitted(target.split()[0], mode, tmp_path, network)
    assert [text.encode() in content for text in PRIVATE] == [mode == "full" and text != "pricing" for text in PRIVATE]
    assert [text.encode() in content for text in (SHA256, "0f3a", "models:/rents/3")] == [mode != "none"] * 3


def test_xcode_shows_who_made_it_and_what_it_is(tmp_path: Path) -> None:
    path, _ = emitted("coreml", "full", tmp_path)
    description = messages().Model.FromString(path.read_bytes()).description
    about = description.metadata
    assert (about.author, about.license, about.versionString) == ("alice", "MIT-0", "3")
    assert about.shortDescription == "Prices for the Oslo team"
    own = dict(about.userDefined)
    assert own["edgepack.datasets"] == "oslo-flats 1f0c2a9b (training)"
    assert own["edgepack.trained_with"] == "scikit-learn 1.9.1"
    assert own["edgepack.created"] == "2026-01-02T03:04:05" and own["edgepack.git_commit"] == "0123abc"
    assert [i["name"] for i in json.loads(own["edgepack.inputs"])] == ["rooms", "area"]
    sentences = {f.name: f.shortDescription for f in [*description.input, *description.output]}
    assert sentences["rooms"] == "A number, float32; NaN when missing; MLflow long"
    assert sentences["area"] == "A number, float32; NaN when missing; MLflow double, optional"
    assert sentences["classLabel"] == "The most likely class; MLflow string"


def test_a_digest_still_names_the_model_and_its_version(tmp_path: Path) -> None:
    path, _ = emitted("coreml", "digest", tmp_path)
    about = messages().Model.FromString(path.read_bytes()).description.metadata
    assert (about.author, about.license, about.versionString) == ("", "", "3")
    assert about.shortDescription == "rents, version 3"


def test_a_folder_without_registry_or_signature_has_little_to_tell() -> None:
    bare = Source(uri="m", name="m", version=None, aliases=(), folder=Path(), signature=None, lineage={})
    assert set(metadata_of(bare, "m", "full")) == {"description", "edgepack.model", "edgepack.uri", "edgepack.tool"}
    fitted = make_pipeline(SimpleImputer(), LogisticRegression()).fit(FRAME, FRAME["area"] > 30)
    assert descriptions_of(bare, lower(fitted, FRAME).interface) == {}
    tensors = {"inputs": [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}], "outputs": None}
    one = Source(uri="m", name="m", version=None, aliases=(), folder=Path(), signature=tensors, lineage={})
    assert descriptions_of(one, lower(fitted, FRAME).interface) == {}
