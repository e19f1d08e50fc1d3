"""docs/extending.md does what it says: its code becomes a distribution, which edgepack finds by its metadata."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from catalogue.case import rows_of, run, target_of
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import check_array

from edgepack.errors import UnsupportedError, UsageError
from edgepack.lower import lower
from edgepack.lowerings import taught_names

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "extending.md"
X = rows_of("strictly positive")


def blocks() -> dict[str, str]:
    """The document's files by the names in their first lines."""
    found = re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return dict(found)


def install(folder: Path, name: str, entries: dict[str, str]) -> None:
    """A distribution as pip leaves it: metadata and entry points."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = "".join(f"{taught} = {value}\n" for taught, value in entries.items())
    (info / "entry_points.txt").write_text(f"[edgepack.lowerings]\n{lines}")


def installed(folder: Path) -> Path:
    """The document's distribution."""
    package = folder / "acme"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for name in ("steps", "lowerings"):
        (package / f"{name}.py").write_text(blocks()[f"acme/{name}.py"])
    entries = tomllib.loads(blocks()["pyproject.toml"])["project"]["entry-points"]["edgepack.lowerings"]
    install(folder, "acme", entries)
    return folder


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The document's package, importable."""
    monkeypatch.syspath_prepend(installed(tmp_path))
    for name in [n for n in sys.modules if n.partition(".")[0] == "acme"]:
        monkeypatch.delitem(sys.modules, name)
    import acme.steps  # type: ignore[import-not-found]

    yield acme
    for name in [n for n in sys.modules if n.partition(".")[0] == "acme"]:
        del sys.modules[name]


def taught(monkeypatch: pytest.MonkeyPatch, lowering: Any, kind: Any) -> None:
    """As if a distribution taught a class."""
    name = f"{kind.__module__}.{kind.__qualname__}"
    monkeypatch.setattr("edgepack.lower.taught.find_lowering", lambda asked: lowering if asked == name else None)


def test_the_documents_steps_become_artifacts_on_both_targets(acme: Any, tmp_path: Path) -> None:
    share = FunctionTransformer(acme.steps.share_of_first, kw_args={"scale": 100.0})
    model = make_pipeline(acme.steps.Winsorizer(), share, StandardScaler(), Ridge()).fit(X, target_of("value", X))
    program = lower(model, X, fallback=False)
    compared = run(model, X, program, tmp_path, rows=400, limit=1e6)
    assert {target: v.passed for target, v in compared.verdicts.items()} == {
        "onnx": True,
        "coreml": True,
    }


def test_listing_what_is_taught_imports_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from edgepack.lowerings import taught_names; print(*sorted(taught_names()));"
        "print(*{'acme', 'numpy', 'sklearn'} & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(installed(tmp_path)), *sys.path])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "acme.steps.Winsorizer acme.steps.share_of_first\n\n"


def test_a_skops_model_may_hold_what_is_taught(acme: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow.sklearn

    from edgepack.errors import SourceError
    from edgepack.source import load, resolve

    model = make_pipeline(acme.steps.Winsorizer(), FunctionTransformer(acme.steps.share_of_first), Ridge())
    model.fit(X, target_of("value", X))
    names = sorted(taught_names())
    folder = tmp_path / "model"
    mlflow.sklearn.save_model(
        model, folder, serialization_format="skops", skops_trusted_types=names, pip_requirements=["scikit-learn"]
    )
    loaded = load(resolve(str(folder), tmp_path))
    assert np.array_equal(loaded.estimator.predict(X), model.predict(X))
    monkeypatch.setattr("edgepack.source.loading.taught_names", frozenset)
    with pytest.raises(SourceError, match=r"does not trust: acme\.steps\.Winsorizer, .* or teach edgepack yours"):
        load(resolve(str(folder), tmp_path))


def test_a_refusal_carries_the_steps_name(acme: Any) -> None:
    model = make_pipeline(FunctionTransformer(acme.steps.share_of_first, kw_args={"scale": 0}), Ridge())
    with pytest.raises(UnsupportedError) as caught:
        lower(model.fit(X, X[:, 0]), X)
    said = "functiontransformer → FunctionTransformer: scale=0 keeps nothing; give another scale"
    assert str(caught.value) == said


def test_two_lowerings_of_one_name_are_refused(acme: Any, tmp_path: Path) -> None:
    install(tmp_path, "other", {"acme.steps.Winsorizer": "acme.lowerings:winsorizer"})
    with pytest.raises(UsageError, match=r"^acme\.steps\.Winsorizer: .* acme, other; uninstall all but one of them$"):
        lower(acme.steps.Winsorizer().fit(X), X)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("acme.nowhere:f", "cannot be imported (No module named 'acme.nowhere'); install other again"),
        ("acme.steps:Winsorizer", "is no function; have other name one (docs/extending.md)"),
    ],
)
def test_an_entry_point_that_is_no_lowering_is_refused(acme: Any, tmp_path: Path, value: str, says: str) -> None:
    install(tmp_path, "other", {"acme.steps.share": value})
    exec("def share(x): return x", acme.steps.__dict__)
    with pytest.raises(UsageError) as caught:
        lower(FunctionTransformer(acme.steps.share).fit(X), X)
    assert str(caught.value) == f"acme.steps.share: {value} {says}"


class Halves(ClassifierMixin, BaseEstimator):
    def fit(self, x: Any, y: Any) -> Halves:
        self.classes_, self.n_features_in_ = np.unique(y), x.shape[1]
        return self

    def predict_proba(self, x: Any) -> Any:
        p = 1 / (1 + np.exp(-check_array(x)[:, :1]))
        return np.hstack([1 - p, p])

    def predict(self, x: Any) -> Any:
        return self.classes_[self.predict_proba(x).argmax(axis=1)]


def _sigmoid(est: Any, x: Any) -> Any:
    from edgepack.extend import apply, ops

    return apply(ops.Complement(), apply(ops.Sigmoid(), apply(ops.Select(columns=np.array([0])), x)))


def test_a_classifier_is_taught_by_its_probabilities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taught(monkeypatch, _sigmoid, Halves)
    x = rows_of("plain")
    model = Halves().fit(x, target_of("words", x) == "low")
    compared = run(model, x, lower(model, x), tmp_path, rows=300)
    assert [v.passed for v in compared.verdicts.values()] == [True, True]


def test_parity_catches_a_lowering_that_says_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgepack.extend import apply, ops

    taught(monkeypatch, lambda est, x: apply(ops.Complement(), _sigmoid(est, x).inputs[0].inputs[0]), Halves)
    x = rows_of("plain")
    model = Halves().fit(x, target_of("words", x) == "low")
    compared = run(model, x, lower(model, x), tmp_path, rows=300)
    assert compared.verdicts["onnx"].status == "failed"


def wrong(est: Any, x: Any) -> Any:
    return {}["nothing"]


@pytest.mark.parametrize(
    ("lowering", "says"),
    [
        (wrong, r"its lowering .*wrong raised KeyError: 'nothing'; correct it"),
        (lambda est, x: 3, r"its lowering .* returned 3; return what `apply` gives"),
        (lambda est, x: x, r"its lowering gives number\[6\]; return probabilities, one column per class"),
    ],
)
def test_a_lowering_that_fails_is_told(monkeypatch: pytest.MonkeyPatch, lowering: Any, says: str) -> None:
    taught(monkeypatch, lowering, Halves)
    x = rows_of("plain")
    with pytest.raises(UnsupportedError, match=rf"^Halves: {says}$"):
        lower(Halves().fit(x, x[:, 5]), x)


def test_a_lowering_that_misuses_an_op_sees_the_ops_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgepack.extend import apply, ops

    taught(monkeypatch, lambda est, x: apply(ops.Complement(), x), Halves)
    x = rows_of("plain")
    with pytest.raises(UnsupportedError, match=r"^Halves: Complement\(number\[6\]\): takes \(number\[1\]\)"):
        lower(Halves().fit(x, x[:, 5]), x)
