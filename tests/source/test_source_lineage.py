import hashlib
import json
import re
from pathlib import Path

import pytest

from edgepack.source import resolve
from edgepack.source.digests import digest_tree
from edgepack.source.lineage import describe_registry
from edgepack.source.tracking import without_credentials


@pytest.fixture
def lineage(registry, tmp_path):
    return resolve("models:/wine@champion", tmp_path, tracking_uri=registry.uri).lineage


def test_the_lineage_is_json_and_names_every_link_of_the_chain(registry, lineage):
    assert json.loads(json.dumps(lineage, allow_nan=False)) == lineage
    assert lineage["warnings"] == []
    assert lineage["user"] == "ann"
    version, run, logged = lineage["model"], lineage["run"], lineage["logged_model"]
    assert (version["name"], version["version"], version["aliases"]) == ("wine", 1, ["champion", "stable"])
    assert (version["tags"], version["status"], version["run_id"]) == ({"stage": "gold"}, "READY", registry.run_id)
    assert (logged["model_id"], logged["name"]) == (registry.model_id, "model")
    assert (run["run_id"], run["experiment"]["name"], run["status"]) == (registry.run_id, "wine", "FINISHED")
    assert (run["params"], run["metrics"]) == ({"trees": "3"}, {"accuracy": 0.9, "ratio": "nan"})
    assert run["tags"] == {"team": "cellar"}
    assert run["git"]["commit"] == "c0ffee"
    assert run["datasets"] == [{"name": "bottles", "digest": "8e9f9e5c", "source_type": "local", "context": "training"}]
    training = lineage["training"]
    assert (training["run_id"], training["model_id"]) == (registry.run_id, registry.model_id)
    assert (training["serialization_format"], training["flavors"]) == ("skops", ["python_function", "sklearn"])
    assert "scikit-learn" in training["requirements"]
    assert all(training[f"{name}_version"] for name in ("python", "sklearn", "mlflow"))


def test_the_trainers_name_stands_under_its_own_key_only(lineage):
    rest = json.dumps({key: value for key, value in lineage.items() if key != "user"})
    assert not re.search(r"\bann\b", rest)  # MLflow makes run names up: mannered-owl-7 holds the letters
    assert "hunter2" not in rest
    assert lineage["run"]["entry_point"] == "train.py"
    assert lineage["run"]["git"]["repository"] == "https://example.org/wine.git"


def test_digests_are_those_of_the_files_and_of_their_listing(registry, tmp_path):
    source = resolve("models:/wine/1", tmp_path, tracking_uri=registry.uri)
    artifacts = source.lineage["artifacts"]
    on_disk = {path.relative_to(source.folder).as_posix(): path.read_bytes() for path in source.folder.rglob("*")}
    assert artifacts["files"] == {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
        for name, content in on_disk.items()
    }
    listing = "".join(f"{hashlib.sha256(on_disk[name]).hexdigest()}  {name}\n" for name in sorted(on_disk))
    assert artifacts["tree_sha256"] == hashlib.sha256(listing.encode()).hexdigest()


@pytest.mark.parametrize("change", ["content", "name", "extra"])
def test_any_change_of_a_file_changes_the_tree_digest(change):
    files = {"MLmodel": {"sha256": "a" * 64, "size_bytes": 1}, "model.skops": {"sha256": "b" * 64, "size_bytes": 2}}
    changed = {
        "content": files | {"MLmodel": {"sha256": "c" * 64, "size_bytes": 1}},
        "name": {"MLmodel": files["MLmodel"], "model.skopt": files["model.skops"]},
        "extra": files | {"x": {"sha256": "d" * 64, "size_bytes": 0}},
    }[change]
    assert digest_tree(changed) != digest_tree(files)
    assert digest_tree(dict(reversed(files.items()))) == digest_tree(files)


def test_the_note_of_mlflows_own_download_is_no_part_of_the_model(registry, tmp_path):
    source = resolve("models:/wine/1", tmp_path, tracking_uri=registry.uri)
    (source.folder / "registered_model_meta").write_text("model_name: wine")
    assert resolve(str(source.folder), tmp_path).lineage["artifacts"] == source.lineage["artifacts"]


def test_a_deleted_run_is_a_warning_of_the_registered_model(registry, tmp_path):
    lineage = resolve("models:/wine/2", tmp_path, tracking_uri=registry.uri).lineage
    assert lineage["warnings"] == [f"the training run {registry.deleted_run_id} was deleted"]
    assert lineage["run"]["lifecycle_stage"] == "deleted"


def test_a_run_that_is_gone_for_good_is_a_warning(registry):
    known = describe_registry(registry.client, version=None, logged_model=None, run_id="0" * 32)
    assert known["warnings"] == [f"the training run {'0' * 32} cannot be read: RESOURCE_DOES_NOT_EXIST"]
    assert known["run"] is None


def test_files_that_name_another_run_are_a_warning(registry, tmp_path):
    lineage = resolve("models:/wine/6", tmp_path, tracking_uri=registry.uri).lineage
    assert lineage["warnings"] == [f"the files say run_id {registry.run_id}, MLflow says {registry.legacy_run_id}"]


def test_a_local_folder_tells_what_its_files_know(registry, tmp_path):
    folder: Path = resolve("models:/wine/1", tmp_path, tracking_uri=registry.uri).folder
    lineage = resolve(str(folder), tmp_path).lineage
    assert [lineage[key] for key in ("model", "logged_model", "run", "user")] == [None] * 4
    assert lineage["training"]["run_id"] == registry.run_id


@pytest.mark.parametrize(
    ("uri", "clean"),
    [
        ("https://a:b@host/x.git", "https://host/x.git"),
        ("https://host/a@b", "https://host/a@b"),
        ("git@host:x.git", "git@host:x.git"),
        ("models:/wine@champion", "models:/wine@champion"),
    ],
)
def test_credentials_leave_a_uri_and_nothing_else_does(uri, clean):
    assert without_credentials(uri) == clean
