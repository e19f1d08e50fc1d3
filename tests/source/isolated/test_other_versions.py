"""Models of other scikit-learns export to the answers of their own. Needs uv and a package index, at the first use.

`make oracles` asks the oldest, one in between and today's; `make conformance` the versions between them too.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import sklearn

from edgepack.environments import cache_folder
from edgepack.errors import EdgepackError, SourceError
from edgepack.export import export
from edgepack.source.example import parse_example
from edgepack.source.isolated.environment import interpreter_of, pinned
from edgepack.source.mlmodel import read_description

pytestmark = pytest.mark.oracle

VERSIONS = {
    "1.2.2": "numpy==1.26.4\nscipy==1.11.4\npandas==2.1.4",
    "1.5.2": "numpy==1.26.4\nscipy==1.13.1\npandas==2.2.3",
    sklearn.__version__: "numpy==2.4.6\nscipy==1.17.1\npandas==3.1.1",
}
BETWEEN = {
    "1.3.2": "numpy==1.26.4\nscipy==1.11.4\npandas==2.1.4",
    "1.4.2": "numpy==1.26.4\nscipy==1.13.1\npandas==2.2.3",
    "1.6.1": "numpy==2.2.6\nscipy==1.15.3\npandas==2.2.3",
    "1.7.2": "numpy==2.3.5\nscipy==1.16.3\npandas==2.3.3",
    "1.8.0": "numpy==2.3.5\nscipy==1.16.3\npandas==2.3.3",
}
LISTED = VERSIONS | BETWEEN


@pytest.fixture(
    scope="module", params=[*VERSIONS, *(pytest.param(version, marks=pytest.mark.conformance) for version in BETWEEN)]
)
def models(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / request.param
    try:
        python = interpreter_of(pinned(LISTED[request.param], request.param), None)
    except SourceError as error:
        pytest.skip(f"scikit-learn {request.param} was NOT tested: {error}")
    subprocess.run([python, "-I", Path(__file__).with_name("fit.py"), folder], check=True)
    return folder


def test_every_model_answers_as_its_own_scikit_learn_does(models: Path, tmp_path: Path) -> None:
    wrong: dict[str, object] = {}
    for folder in sorted(models.iterdir()):
        try:
            bundle = export(str(folder), out=tmp_path, allow_pickle=True, env="isolated", rows=300)
        except EdgepackError as error:
            wrong[folder.name] = str(error)
            continue
        rows = parse_example((folder / "input_example.json").read_bytes(), read_description(folder))
        answers = bundle.runner("onnx").run(rows)
        own = np.asarray(json.loads((folder / "answers.json").read_text()), np.float64)
        found = answers.get("probabilities", answers.get("value", answers.get("label")))
        error = np.max(np.abs(np.asarray(found, np.float64) - own) / np.maximum(1, np.abs(own)))
        if error > 1e-6 or not all(verdict.passed for verdict in bundle.manifest.verdicts):
            wrong[folder.name] = error
    assert wrong == {}


def test_it_exports_again_without_a_network(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Warm: the environment is there, and uv is not even looked for."""
    export(str(models / "forest"), out=tmp_path, allow_pickle=True, env="isolated", rows=200)
    monkeypatch.setattr("edgepack.source.isolated.environment.find_uv", lambda: pytest.fail("uv was looked for"))
    export(str(models / "forest"), out=tmp_path, allow_pickle=True, env="isolated", rows=200, overwrite=True)
    assert not list(cache_folder("models").glob(".new-*"))
