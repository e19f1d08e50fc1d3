"""Every command that may load the original model takes the same `--env`, and heeds it."""

from __future__ import annotations

import inspect
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner

from edgepack.bundle.bundle import Bundle
from edgepack.cli import COMMANDS, app
from edgepack.errors import SourceError
from edgepack.export import export

ROWS = np.random.default_rng(0).normal(size=(40, 3))
LOADING = {
    "export": ("export", "MODEL"),
    "check": ("check", "MODEL"),
    "inspect": ("inspect", "MODEL"),
    "inspect of a bundle": ("inspect", "BUNDLE", "--program"),
    "parity": ("parity", "BUNDLE"),
    "self-test": ("parity", "BUNDLE", "--self-test"),
    "drift of a quantized bundle": ("parity", "BUNDLE", "--server", "http://127.0.0.1:9"),
    "bench": ("bench", "BUNDLE"),
    "bench with a server": ("bench", "BUNDLE", "--serve"),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pickle."""
    folder = tmp_path_factory.mktemp("pickled") / "model"
    folder.mkdir()
    (folder / "model.pkl").write_bytes(pickle.dumps(LogisticRegression().fit(ROWS, ROWS[:, 0] > 0)))
    (folder / "input_example.json").write_text(json.dumps(ROWS[:5].tolist()))
    flavor = {"pickled_model": "model.pkl", "serialization_format": "pickle", "sklearn_version": sklearn.__version__}
    example = {"artifact_path": "input_example.json", "type": "ndarray"}
    (folder / "MLmodel").write_text(json.dumps({"flavors": {"sklearn": flavor}, "saved_input_example_info": example}))
    return folder


@pytest.fixture(scope="module")
def bundle(model: Path) -> Bundle:
    return export(str(model), out=model.parent / "dist", allow_pickle=True, env="current", rows=200)


def test_whatever_takes_a_pickle_takes_env() -> None:
    for command in COMMANDS:
        names = inspect.signature(command).parameters
        assert ("allow_pickle" in names) == ("env" in names), command.__name__


@pytest.mark.parametrize("words", LOADING.values(), ids=LOADING)
@pytest.mark.parametrize("env", ["auto", "isolated", "current"])
def test_the_model_is_loaded_where_the_option_says(
    model: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], env: str
) -> None:
    asked: list[tuple[Any, Any]] = []

    def load(_source: Any, *, allow_pickle: Any, env: Any, into: Path) -> Any:
        asked.append((allow_pickle, env))
        raise SourceError("enough")

    monkeypatch.setattr("edgepack.source.load", load)
    monkeypatch.setattr("edgepack.bundle.manifest.Manifest.is_quantized", True)
    places = {"MODEL": str(model), "BUNDLE": str(bundle.path)}
    words = tuple(places.get(word, word) for word in words)
    done = CliRunner().invoke(app, [*words, "--allow-pickle", "--env", env])
    assert str(done.exception) == "enough"
    assert asked == [(True, env)]


def test_a_server_that_would_read_what_is_kept_apart_is_not_started(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgepack.bench.ServedModel", lambda *_, **__: pytest.fail("it was started"))
    done = CliRunner().invoke(app, ["bench", str(bundle.path), "--allow-pickle", "--serve"])
    assert "--serve would read the model in this environment and with your rights; give --env current" in str(
        done.exception
    )
