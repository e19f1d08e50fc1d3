import logging
import os
import socket
import sqlite3
from pathlib import Path

import pytest

from edgepack.errors import SourceError
from edgepack.source import load, resolve


@pytest.mark.parametrize(
    "form", ["models:/wine/1", "models:/wine@champion", "models:/{model_id}", "runs:/{run_id}/model"]
)
def test_every_form_of_uri_brings_the_same_model(registry, tmp_path, form):
    uri = form.format(model_id=registry.model_id, run_id=registry.run_id)
    source = resolve(uri, tmp_path, tracking_uri=registry.uri)
    registered = form.startswith("models:/wine")

    assert source.uri == uri
    assert source.name == ("wine" if registered else "model")
    assert source.version == (1 if registered else None)
    assert source.aliases == (("champion", "stable") if registered else ())
    assert source.folder.is_relative_to(tmp_path)
    assert source.signature is not None
    assert source.signature["inputs"][0]["tensor-spec"]["shape"] == [-1, 3]
    assert source.lineage["logged_model"]["model_id"] == registry.model_id
    fitted = load(source)
    assert fitted.estimator.predict(fitted.example).shape == (2,)


def test_a_local_folder_is_used_where_it_is(registry, tmp_path):
    downloaded = resolve("models:/wine/1", tmp_path, tracking_uri=registry.uri)
    source = resolve(str(downloaded.folder), tmp_path / "unused")
    assert (source.folder, source.name, source.version) == (downloaded.folder, downloaded.folder.name, None)
    assert source.lineage["artifacts"] == downloaded.lineage["artifacts"]
    assert source.lineage["run"] is None
    assert not (tmp_path / "unused").exists()


def test_two_downloads_into_one_folder_do_not_mix(registry, tmp_path):
    first, second = (resolve(f"models:/wine/{number}", tmp_path, tracking_uri=registry.uri) for number in (1, 2))
    assert first.folder != second.folder
    assert load(first).estimator.__class__ is not load(second).estimator.__class__


def test_a_model_of_mlflow_2_is_found_among_its_runs_artifacts(registry, tmp_path):
    source = resolve(f"runs:/{registry.legacy_run_id}/old/classifier", tmp_path, tracking_uri=registry.uri)
    assert source.name == "classifier"
    assert load(source).estimator.n_estimators == 3


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("models:/wine/7", "'wine' has no version 7; versions: 1, 2, 3, 4, 5, 6; aliases: champion → 1, stable → 1"),
        ("models:/wine@prod", "'wine' has no alias 'prod'; versions: 1, .*; aliases: champion → 1, stable → 1"),
        ("models:/wines/1", "no registered model 'wines'; the registry has wine$"),
        ("models:/it's@x", 'no registered model "it\'s"; the registry has wine$'),
        ("models:/m-123", "no such logged model in sqlite:"),
        ("models:/wine/3", "its files are gone from .*; restore them or log the model again"),
        ("models:/wine/4", "notes.txt: links and special files are not followed"),
        ("models:/wine/5", "the registry says FAILED_REGISTRATION"),
        ("runs:/123/model", "no such run in sqlite:"),
        ("runs:/{run_id}/modle", "the run logged no model there; it has model$"),
        ("runs:/{deleted_run_id}/model", "this run was deleted; restore it"),
    ],
)
def test_what_is_missing_is_named_with_what_there_is(registry, tmp_path, uri, message):
    uri = uri.format(run_id=registry.run_id, deleted_run_id=registry.deleted_run_id)
    with pytest.raises(SourceError, match=message) as caught:
        resolve(uri, tmp_path, tracking_uri=registry.uri)
    assert str(caught.value).startswith(f"{uri}: ")
    assert "\n" not in str(caught.value)


def test_a_mistyped_database_is_refused_and_not_created(tmp_path):
    with pytest.raises(SourceError, match=r"no database at .*typo\.db; give --tracking-uri"):
        resolve("models:/wine/1", tmp_path, tracking_uri=f"sqlite:///{tmp_path}/deep/typo.db")
    assert list(tmp_path.iterdir()) == []


def test_without_a_tracking_uri_the_default_database_must_exist(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=r"sqlite:///mlflow\.db: no database at"):
        resolve("models:/wine/1", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_tracking_uri_of_the_environment_is_used(registry, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry.uri)
    assert resolve("models:/wine/1", tmp_path).version == 1


@pytest.mark.parametrize("content", ["text", "empty", "foreign"])
def test_a_file_that_holds_no_store_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "mlflow.db"
    if content == "foreign":
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE songs (title TEXT)")
        database.close()
    else:
        path.write_text("once upon a time" * 100 if content == "text" else "")
    before = path.read_bytes()
    with pytest.raises(SourceError, match=r"not a SQLite database|holds no MLflow tracking store"):
        resolve("models:/wine/1", tmp_path, tracking_uri=f"sqlite:///{path}")
    assert path.read_bytes() == before


@pytest.mark.parametrize("store", ["mlruns", "./mlruns", "file:///tmp/mlruns"])
def test_the_file_store_is_refused_with_the_way_out(tmp_path, store):
    with pytest.raises(SourceError, match="mlflow migrate-filestore"):
        resolve("models:/wine/1", tmp_path, tracking_uri=store)


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.mark.parametrize("scheme", ["http", "postgresql", "mysql+pymysql"])
def test_a_server_that_is_down_is_said_to_be_without_its_password(tmp_path, closed_port, scheme):
    with pytest.raises(SourceError, match=f"^{scheme.replace('+', '.')}://127.0.0.1:{closed_port}.* does not answer"):
        resolve("models:/wine/1", tmp_path, tracking_uri=f"{scheme}://ann:secret@127.0.0.1:{closed_port}", timeout_s=2)


def test_a_server_that_never_answers_is_given_up(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(SourceError, match="does not answer"):
            resolve("models:/wine/1", tmp_path, tracking_uri=address, timeout_s=2)


@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_a_folder_without_a_model_is_refused(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"no such folder|holds no MLmodel file"):
        resolve(str(tmp_path / folder), tmp_path)


@pytest.mark.parametrize(
    "text",
    ["[", "just text", "flavors: 3", "{}", "flavors: {sklearn: 7}", "\x00", "flavors: {}\nsignature: {inputs: x}"],
)
def test_an_unreadable_description_is_refused(tmp_path, text):
    (tmp_path / "MLmodel").write_text(text)
    with pytest.raises(SourceError, match="MLmodel is not readable"):
        resolve(str(tmp_path), tmp_path)


@pytest.mark.parametrize("target", ["MLmodel", "/etc/hostname", "nowhere", "."])
def test_links_in_a_local_folder_are_refused(tmp_path, target):
    (tmp_path / "MLmodel").write_text("flavors: {sklearn: {}}")
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(SourceError, match="link: links and special files are not followed"):
        resolve(str(tmp_path), tmp_path)


def test_nothing_is_printed_and_nothing_is_left_behind(registry, tmp_path, monkeypatch, capfd):
    import mlflow

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    environment, store = dict(os.environ), mlflow.get_tracking_uri()
    levels = {name: logging.getLogger(name).level for name in ("mlflow", "alembic")}
    (tmp_path / "into").mkdir()
    resolve("models:/wine/1", tmp_path / "into", tracking_uri=registry.uri)
    assert capfd.readouterr() == ("", "")
    assert dict(os.environ) == environment
    assert mlflow.get_tracking_uri() == store
    assert {name: logging.getLogger(name).level for name in levels} == levels
    assert [path.name for path in Path().iterdir()] == ["into"]
