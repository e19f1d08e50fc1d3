"""Bounds over ranges of numbers, read from the emitted files of linear models and perceptrons."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

import edgepack_coreml
import edgepack_onnx
from edgepack.columns import take
from edgepack.contract import Columns, EmitOptions, Verdict
from edgepack.ir import Program
from edgepack.ir.types import Floats
from edgepack.lower import lower
from edgepack.parity import Reference, Tolerance, bound_files, make_cases, within_ranges
from edgepack.parity.bounds.bound import Bound, bound
from edgepack.parity.bounds.declared import declared
from edgepack.parity.predicates import Undecidable
from edgepack.passes import optimize
from edgepack.rows import columns_of

ROWS = 240
TARGETS: Mapping[str, Any] = {"onnx": edgepack_onnx.target, "coreml": edgepack_coreml.target}


def rows() -> pd.DataFrame:
    r = np.random.default_rng(3)
    frame = pd.DataFrame({"age": r.normal(40, 12, ROWS), "fare": r.lognormal(2, 1, ROWS)}).astype(np.float32)
    frame["city"] = pd.Series(r.choice(["Bern", "Lyon", "Turin"], ROWS), dtype=object)
    frame["zone"] = r.choice([1.0, 2.0, 5.0], ROWS)
    frame.loc[::9, "age"] = np.nan
    return frame


def target_of(frame: pd.DataFrame) -> Any:
    return np.nan_to_num(frame.age) / 20 + np.log(frame.fare) + (frame.city == "Lyon") - (frame.zone == 5)


def pipeline(model: Any) -> Any:
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    onehot = OneHotEncoder(handle_unknown="ignore")
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    steps = [(numbers, ["age", "fare"]), (onehot, ["city", "zone"]), (ordinal, ["city"])]
    return make_pipeline(make_column_transformer(*steps, sparse_threshold=0), model)


def binary(value: Any) -> Any:
    return np.where(value > np.median(value), "yes", "no")


def ternary(value: Any) -> Any:
    return np.digitize(value, np.quantile(value, [0.3, 0.7]))


MLP = {"max_iter": 30, "random_state": 0}
MODELS: Mapping[str, tuple[Any, Any]] = {
    "ridge": (Ridge(), lambda v: v),
    "two targets": (LinearRegression(), lambda v: np.stack([v, -3 * v + 1], axis=1)),
    "log target": (TransformedTargetRegressor(Ridge(), func=np.log, inverse_func=np.exp), lambda v: v - v.min() + 1),
    "logistic": (LogisticRegression(), binary),
    "multinomial": (LogisticRegression(), ternary),
    "rectifiers": (MLPRegressor(hidden_layer_sizes=(60,), **MLP), lambda v: v),
    "tanh": (MLPClassifier((40, 30), activation="tanh", **MLP), ternary),
    "logistic neurons": (MLPClassifier((50,), activation="logistic", **MLP), binary),
}


class Emitted:
    """A fitted model, its Program, and a file of it."""

    def __init__(self, name: str, target: str, folder: Path) -> None:
        model, of = MODELS[name]
        frame = rows()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.estimator = pipeline(model).fit(frame, of(target_of(frame)))
        self.lowered: Program = lower(self.estimator, frame)
        self.target = TARGETS[target]
        self.path = self.target.emit(optimize(self.lowered), folder, EmitOptions()).path
        self.sample = columns_of(frame, self.lowered.interface)
        self.reference = Reference(
            estimator=self.estimator, interface=self.lowered.interface, none_columns=self.lowered.none_columns
        )

    def bound(self, path: Path | None = None) -> Bound:
        read = self.target.read_sums(path or self.path, self.lowered.interface)
        assert read is not None
        return bound(self.lowered, read, self.lowered.ranges)

    def worst(self, columns: Columns, path: Path | None = None) -> float:
        """The largest difference of the answers that are numbers."""
        runner = self.target.open(path or self.path, self.lowered.interface)
        server, device = self.reference.predict(columns), runner.run(columns)
        return max(float(np.abs(server[k] - device[k]).max()) for k in server if k != "label")

    def adversarial(self, limit: Bound) -> list[Columns]:
        """Corners, and the case generator's rows that lie within the ranges and that the server answers."""
        cases = make_cases(self.lowered, example=self.sample, budget_rows=600).columns
        ranges = self.lowered.ranges
        within = within_ranges(type("Limited", (), {"ranges": ranges})(), cases)
        for i in self.lowered.interface.inputs:
            if i.kind == "number":
                within &= np.isfinite(cases[i.name]).all(axis=1) | np.isnan(cases[i.name]).all(axis=1)
        cases = take(cases, within)
        _, refused = self.reference.answers(cases)
        return [limit.box.columns(limit.corners), take(cases, ~refused)]

    def verdict(self, path: Path, tolerance: Tolerance, ranges: Mapping[str, Floats] | None = None) -> Verdict:
        measured = Verdict(target=self.target.name, runtime="a runtime", status="measured", rows=1)
        files = {self.target.name: (self.target, path)}
        given = self.lowered.ranges if ranges is None else ranges
        (found,) = bound_files([measured], self.lowered, self.reference, files, ranges=given, tolerance=tolerance)
        return found


CASES = [
    (name, target)
    for name, target in product(MODELS, TARGETS)
    if (name, target) not in (("log target", "coreml"), ("two targets", "coreml"))
]
"""Core ML has no classic form of an exponential or of two sums that are read back."""


@pytest.fixture(scope="module")
def emitted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Emitted:
    name, target = request.param
    return Emitted(name, target, tmp_path_factory.mktemp("bounds"))


every = pytest.mark.parametrize("emitted", CASES, indirect=True, ids=" on ".join)


@every
def test_no_adversarial_row_is_off_by_more_than_the_bound(emitted: Emitted) -> None:
    limit = emitted.bound()
    for columns in emitted.adversarial(limit):
        assert emitted.worst(columns) <= limit.answers + 4e-16 * (limit.link != "identity")


@every
def test_the_bound_of_doubles_is_of_their_size_and_that_of_floats_of_theirs(emitted: Emitted) -> None:
    is_float = emitted.path.is_dir()
    assert 0 < emitted.bound().answers < (1e-2 if is_float else 1e-10)


@every
def test_a_planted_weight_never_escapes_the_bound(emitted: Emitted, tmp_path: Path) -> None:
    for mutant in emitted.target.mutants(emitted.path, emitted.lowered.interface, each=4, seed=1):
        if mutant.kind not in ("weight", "category", "last bits"):
            continue
        for plant in filter(None, (mutant.plant, mutant.magnified)):
            path = tmp_path / emitted.path.name
            plant(path)
            read = emitted.target.read_sums(path, emitted.lowered.interface)
            if read is None:
                continue
            try:
                limit = bound(emitted.lowered, read, emitted.lowered.ranges)
            except Undecidable:  # then nothing is claimed
                continue
            for columns in emitted.adversarial(limit):
                assert emitted.worst(columns, path) <= limit.answers + 4e-16 * (limit.link != "identity")


@pytest.mark.parametrize(
    "emitted", [case for case in CASES if case[1] == "onnx" or not case[0].startswith(("rect", "tanh", "logistic n"))],
    indirect=True, ids=" on ".join,
)  # fmt: skip
def test_the_verdict_is_proved_and_a_planted_weight_makes_a_witness(emitted: Emitted, tmp_path: Path) -> None:
    assert emitted.verdict(emitted.path, Tolerance()).status == "proved"
    planted = 0
    for mutant in emitted.target.mutants(emitted.path, emitted.lowered.interface, each=3, seed=2):
        if mutant.kind != "weight":
            continue
        path = tmp_path / emitted.path.name
        mutant.plant(path)
        if emitted.target.read_sums(path, emitted.lowered.interface) is None:
            continue
        found = emitted.verdict(path, Tolerance())
        if found.status == "proved":
            assert emitted.bound(path).answers <= Tolerance().value
            continue
        if found.status == "measured":  # a little more than is allowed, by the bound alone
            assert emitted.bound(path).answers < 2 * Tolerance().value
            continue
        assert found.status == "failed", mutant.place
        row = found.worst_rows[0]
        assert row["server"] != row["device"]
        planted += 1
    assert planted


@pytest.mark.parametrize("emitted", [("rectifiers", "coreml")], indirect=True, ids=" on ".join)
def test_floats_stay_measured_with_the_bound_told_unless_it_is_allowed(emitted: Emitted) -> None:
    found = emitted.verdict(emitted.path, Tolerance())
    assert found.status == "measured"
    assert "no answer can be off by more than" in found.reason
    assert emitted.verdict(emitted.path, Tolerance(value=1.0)).status == "proved"


@pytest.mark.parametrize("emitted", [("ridge", "onnx")], indirect=True, ids=" on ".join)
def test_wider_ranges_have_a_larger_bound_and_no_range_has_none(emitted: Emitted) -> None:
    interface, sample = emitted.lowered.interface, emitted.lowered.ranges
    wide = declared(["age=-1e6:1e6", "fare=0:1e30"], interface, sample)
    read = emitted.target.read_sums(emitted.path, interface)
    assert bound(emitted.lowered, read, wide).scores > 1e6 * emitted.bound().scores
    assert emitted.verdict(emitted.path, Tolerance(), ranges={}).status == "measured"


@pytest.mark.parametrize("emitted", [("ridge", "onnx")], indirect=True, ids=" on ".join)
def test_a_file_says_the_ranges_too(emitted: Emitted, tmp_path: Path) -> None:
    interface, sample = emitted.lowered.interface, emitted.lowered.ranges
    (tmp_path / "ranges.toml").write_text("age = [18, 90]\nfare = [0, 5e2]\n")
    (tmp_path / "ranges.json").write_text('{"age": [18, 90], "fare": [0, 500.0]}')
    for file in ("ranges.toml", "ranges.json"):
        found = declared([str(tmp_path / file)], interface, sample)
        assert found["age"].tolist() == [[18.0], [90.0]]
        assert found["fare"].tolist() == [[0.0], [500.0]]
        assert found["zone"].tolist() == sample["zone"].tolist()
    assert "age 18 to 90" in str(bound(emitted.lowered, emitted.target.read_sums(emitted.path, interface), found))


def test_the_functions_of_runtimes_are_within_the_roundings_that_bounds_assume(tmp_path: Path) -> None:
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper

    from edgepack.parity.bounds.side import FUNCTION_ROUNDINGS

    r = np.random.default_rng(0)
    x = np.concatenate([r.normal(size=20_000) * s for s in (1e-6, 0.1, 1, 5, 30)]).clip(-80, 80)
    exact = x.astype(np.longdouble)
    wanted = {"Tanh": np.tanh(exact), "Sigmoid": 1 / (1 + np.exp(-exact)), "Exp": np.exp(exact)}
    for name, truth in wanted.items():
        info = [helper.make_tensor_value_info(n, TensorProto.DOUBLE, [None]) for n in "xy"]
        graph = helper.make_graph([helper.make_node(name, ["x"], ["y"])], "g", info[:1], info[1:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        session = onnxruntime.InferenceSession(model.SerializeToString())
        (found,) = session.run(None, {"x": x})
        size = np.abs(truth) if name == "Exp" else 1.0
        assert np.all(np.abs(found - truth) <= FUNCTION_ROUNDINGS * 2.0**-53 * size), name
    assert onnx.__version__
