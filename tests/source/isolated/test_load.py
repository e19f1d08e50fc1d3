"""Which process reads a model, and whose answers artifacts are compared with."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from edgepack.compiler import compile_model
from edgepack.errors import SourceError
from edgepack.export import export
from edgepack.source import load
from edgepack.source.isolated import load as near

from .malice import Run

ROWS = np.random.default_rng(0).normal(size=(40, 3))


def fitted() -> LogisticRegression:
    return LogisticRegression().fit(ROWS, ROWS[:, 0] > 0)


def pickled(save: Any, estimator: Any, **more: Any) -> Any:
    info = {"artifact_path": "input_example.json", "type": "ndarray"}
    return save(
        content=pickle.dumps(estimator),
        flavor={"serialization_format": "pickle", **more},
        example=ROWS[:5].tolist(),
        saved_input_example_info=info,
    )


def test_a_pickle_answers_from_a_worker_and_its_state_is_rebuilt(save: Any, tmp_path: Path) -> None:
    estimator = fitted()
    loaded = load(pickled(save, estimator), allow_pickle=True, env="auto", into=tmp_path)
    assert np.array_equal(loaded.server.predict_proba(ROWS), estimator.predict_proba(ROWS))
    assert np.array_equal(loaded.estimator.coef_, estimator.coef_)
    with pytest.raises(ValueError, match="ValueError: X has 2 features"):
        loaded.server.predict(ROWS[:, :2])
    with pytest.raises(AttributeError):
        loaded.server.fit(ROWS)


def test_a_pickle_runs_nothing_in_this_process(save: Any, tmp_path: Path) -> None:
    source = pickled(save, Run("import sys; sys.modules['edgepack'].ran = True"))
    with pytest.raises(SourceError, match=r"cannot be read .KeyError: 'edgepack'"):
        load(source, allow_pickle=True, env="auto", into=tmp_path)
    assert not hasattr(sys.modules["edgepack"], "ran")


def test_a_function_of_the_models_own_is_refused_with_the_remedy(save: Any, tmp_path: Path) -> None:
    source = pickled(save, FunctionTransformer(np.load).fit(ROWS))
    with pytest.raises(SourceError, match=r"holds a numpy\.\S*load, which edgepack does not trust.*--env current"):
        load(source, allow_pickle=True, env="auto", into=tmp_path)


def test_a_skops_model_of_this_version_is_read_here(save: Any, tmp_path: Path) -> None:
    assert load(save(fitted()), env="auto", into=tmp_path).server is None


@pytest.mark.parametrize(("env", "version"), [("auto", "1.2.2"), ("isolated", "1.2.2"), ("isolated", None)])
def test_another_version_is_read_in_its_own_environment(
    save: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, env: Any, version: str | None
) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(near, "interpreter_of", lambda lines, python: asked.append(lines) or Path(sys.executable))
    source = pickled(save, fitted(), **({"sklearn_version": version} if version else {}))
    assert load(source, allow_pickle=True, env=env, into=tmp_path).server is not None
    assert any("scikit-learn==" in line for line in asked[0])


def test_another_version_is_refused_here(save: Any) -> None:
    source = pickled(save, fitted(), sklearn_version="1.2.2")
    with pytest.raises(SourceError, match=r"saved by scikit-learn 1\.2\.2.*give --env isolated"):
        load(source, allow_pickle=True, env="current")


def test_where_nothing_confines_a_pickle_is_not_sent(
    save: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = "edgepack.runtimes.process.write_frame"
    monkeypatch.setattr(sent, lambda *_, **__: pytest.fail("it was sent"))
    start = near.Worker.__init__

    def unconfined(self: Any, *words: Any) -> None:
        start(self, *words)
        self.unconfined = "no Landlock"

    monkeypatch.setattr(near.Worker, "__init__", unconfined)
    with pytest.raises(SourceError, match=r"no Landlock, so nothing would keep a pickle in its place.*--env current"):
        load(pickled(save, fitted()), allow_pickle=True, env="auto", into=tmp_path)


def test_a_state_that_was_rebuilt_wrongly_is_found_by_parity(
    save: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answers are the original's; so a mistake in what was rebuilt cannot hide."""
    from edgepack.errors import ParityError

    rebuild = near.rebuild

    def wrongly(*words: Any) -> Any:
        estimator = rebuild(*words)
        estimator.coef_ = estimator.coef_ * 1.001
        return estimator

    monkeypatch.setattr(near, "rebuild", wrongly)
    source = pickled(save, fitted())
    with pytest.raises(ParityError, match="first parts at lowering"):
        export(str(source.folder), out=tmp_path / "dist", allow_pickle=True, rows=200)
    assert not (tmp_path / "dist").exists()


def test_the_model_itself_says_which_rows_it_accepts(save: Any, tmp_path: Path) -> None:
    compiled = compile_model(str(pickled(save, fitted()).folder), tmp_path, allow_pickle=True)
    assert compiled.is_provable
    assert [i.accepts_missing for i in compiled.program.interface.inputs] == [False]
    columns = {"X": np.array([[0.0, np.nan, 1.0], [0.0, 1.0, 2.0]])}
    answers, refused = compiled.reference.answers(columns)
    assert refused.tolist() == [True, False]
    assert len(answers["label"]) == 1
