"""What `edgepack check` says is what `edgepack export` does, for models of every kind, refused ones among them."""

from __future__ import annotations

import json
import pickle
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
import yaml
from catalogue import CASES
from catalogue.case import fitted, rows_of, target_of
from sklearn import (
    calibration,
    cluster,
    decomposition,
    dummy,
    ensemble,
    kernel_approximation,
    linear_model,
    neighbors,
    pipeline,
    preprocessing,
)
from sklearn.compose import ColumnTransformer
from threadpoolctl import threadpool_limits

from edgepack.errors import UnsupportedError
from edgepack.export import export
from edgepack.lower.dispatch import PREDICTORS
from edgepack.survey import Survey, survey
from edgepack.targets import find_target

TARGETS = ("onnx", "coreml")
FIRST = list({name.split(",")[0]: name for name in reversed(CASES)}.values())
SLICE = [name for name in FIRST if zlib.crc32(name.encode()) % 12 == 0 and not CASES[name].sparse]


class Unknown(preprocessing.StandardScaler):
    """A class that nothing knows."""


class UnknownModel(linear_model.Ridge):
    """A class that nothing knows."""


def piped(*steps: Any) -> Any:
    return pipeline.Pipeline([(f"s{k}", step) for k, step in enumerate(steps)])


# of each: how to make it, and what it learns
ODD: dict[str, tuple[Any, str]] = {
    "an unknown transformer": (lambda: piped(Unknown(), linear_model.Ridge()), "value"),
    "an unknown model": (lambda: piped(preprocessing.StandardScaler(), UnknownModel()), "value"),
    "two refusals": (lambda: piped(decomposition.NMF(2, max_iter=5), Unknown(), UnknownModel()), "value"),
    "a refused option": (lambda: dummy.DummyClassifier(strategy="stratified"), "words"),
    "a function of its own": (lambda: piped(preprocessing.FunctionTransformer(np.sort), linear_model.Ridge()), "value"),
    "an option that Core ML refuses": (lambda: neighbors.NearestCentroid(), "words"),
    "one that answers no row": (lambda: cluster.DBSCAN(), "none"),
    "via skl2onnx": (lambda: piped(preprocessing.StandardScaler(), calibration.CalibratedClassifierCV(cv=2)), "binary"),
    "via skl2onnx, alone": (lambda: ensemble.AdaBoostRegressor(n_estimators=3, random_state=0), "value"),
    "columns": (
        lambda: piped(ColumnTransformer([("a", preprocessing.MinMaxScaler(), [0]), ("b", Unknown(), [1])]), Unknown()),
        "none",
    ),
}


def saved(estimator: Any, sample: Any, folder: Path) -> str:
    """A model folder as MLflow leaves one."""
    folder.mkdir()
    rows = np.asarray(sample)[:20]
    (folder / "model.pkl").write_bytes(pickle.dumps(estimator))
    (folder / "input_example.json").write_text(json.dumps(rows.tolist()))
    flavor = {
        "pickled_model": "model.pkl",
        "serialization_format": "pickle",
        "sklearn_version": sklearn.__version__,
    }
    description = {
        "flavors": {"sklearn": flavor},
        "saved_input_example_info": {"artifact_path": "input_example.json", "type": "ndarray", "format": "tf-serving"},
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(description))
    return str(folder)


def model_of(name: str) -> tuple[Any, Any]:
    if name in CASES:
        return fitted(CASES[name])
    make, target = ODD[name]
    x = rows_of("positive")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = target_of(target, x)
        return (make().fit(x) if y is None else make().fit(x, y)), x


def exported(model: str, target: str, into: Path, data: Any = None) -> tuple[str, ...]:
    """The problems that an export ends with; none where it goes through to parity."""
    try:
        export(
            model, targets=[target], out=into, allow_pickle=True, env="current", rows=200, data=data, keep_failed=True
        )
    except UnsupportedError as error:
        return tuple(map(str, error.problems))
    return ()


@pytest.fixture(autouse=True)
def _without_some_lowerings(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if edgepack knew these through skl2onnx alone."""
    for kind in (calibration.CalibratedClassifierCV, ensemble.AdaBoostRegressor):
        monkeypatch.delitem(PREDICTORS, kind)


@pytest.mark.parametrize("name", [*ODD, *SLICE])
def test_a_check_says_what_an_export_does(name: str, tmp_path: Path) -> None:
    with threadpool_limits(1):
        agree(name, tmp_path)


@pytest.mark.conformance
@pytest.mark.parametrize("name", [name for name in FIRST if not CASES[name].sparse])
def test_every_check_says_what_an_export_does(name: str, tmp_path: Path) -> None:
    agree(name, tmp_path)


def agree(name: str, folder: Path) -> None:
    model = saved(*model_of(name), folder / "model")
    for target in TARGETS:
        found = survey(model, [find_target(target)], allow_pickle=True, env="current")
        said = tuple(map(str, found.problems))
        assert exported(model, target, folder / target) == said
        assert found.supported == (not said)
        hold_together(found, target)


def hold_together(found: Survey, target: str) -> None:
    """Every problem stands at its step, every unsupported step has one."""
    unsupported = [step.name for step in found.steps if step.status[target] == "unsupported"]
    assert bool(unsupported) == (not found.supported)
    assert all(step.problems[target] for step in found.steps if step.name in unsupported)
    assert not any(step.problems[target] for step in found.steps if step.name not in unsupported)
    assert found.steps


def test_a_check_with_data_says_what_an_export_with_data_does(tmp_path: Path) -> None:
    """Cosines of the sample's numbers have digits in float32; of a million times as large ones they have none."""
    estimator = piped(kernel_approximation.RBFSampler(gamma=0.5, n_components=5, random_state=0), linear_model.Ridge())
    near, far = rows_of("unit"), rows_of("unit") * 1e6
    model = saved(estimator.fit(near, target_of("value", near)), near, tmp_path / "model")
    said = {}
    for name, data in (("without", None), ("near", near), ("far", far)):
        found = survey(model, [find_target("coreml")], allow_pickle=True, env="current", data=data)
        said[name] = tuple(map(str, found.problems))
        assert exported(model, "coreml", tmp_path / name, data=data) == said[name]
    assert said["without"] == said["near"] == ()
    assert "too few digits" in said["far"][0]


def test_the_odd_ones_are_what_their_names_say(tmp_path: Path) -> None:
    def statuses(name: str) -> dict[str, tuple[str, ...]]:
        model = saved(*model_of(name), tmp_path / name)
        found = survey(model, [find_target(target) for target in TARGETS], allow_pickle=True, env="current")
        return {step.name: tuple(step.status[target] for target in TARGETS) for step in found.steps}

    assert statuses("via skl2onnx") == {
        "s0 → StandardScaler": ("supported", "supported"),
        "s1 → CalibratedClassifierCV": ("via skl2onnx", "unsupported"),
    }
    assert statuses("two refusals") == {
        "s0 → NMF": ("unsupported", "unsupported"),
        "s1 → Unknown": ("unsupported", "unsupported"),
        "s2 → UnknownModel": ("unsupported", "unsupported"),
    }
    assert statuses("an option that Core ML refuses") == {"NearestCentroid": ("supported", "unsupported")}
