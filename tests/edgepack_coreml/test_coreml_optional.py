"""Numbers that an app may leave out: those that trees alone take, as NaN."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from edgepack.contract import EmitOptions
from edgepack.lower import lower
from edgepack.passes import optimize
from edgepack.rows import columns_of
from edgepack_coreml import target
from edgepack_coreml.evaluate import Evaluator, load
from edgepack_coreml.evaluate.values import Dictionaries, Unknown
from edgepack_coreml.proto import messages
from edgepack_coreml.runner import given

R = np.random.default_rng(0)
FRAME = pd.DataFrame({"age": R.normal(40, 12, 300), "fare": R.lognormal(3, 1, 300)}).astype(np.float32).astype(float)
FRAME["city"] = pd.Series(R.choice(["oslo", "rome", "café"], 300), dtype=object)
FRAME.loc[::9, "age"] = np.nan
Y = np.where((FRAME["fare"] > 25) ^ (FRAME["city"] == "rome") ^ FRAME["age"].isna(), "high", "low")
NUMBERS = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
MIXED = ColumnTransformer(
    [("n", NUMBERS, ["age"]), ("f", "passthrough", ["fare"]), ("c", OneHotEncoder(handle_unknown="ignore"), ["city"])]
)
TREES = {
    "strings": make_pipeline(MIXED, RandomForestClassifier(7, random_state=0)),
    "numbers": make_pipeline(
        ColumnTransformer([("n", NUMBERS, ["age", "fare"])]), RandomForestClassifier(7, random_state=0)
    ),
}


def written(estimator: Any, folder: Path, y: Any = Y) -> tuple[Any, Path]:
    program = optimize(lower(estimator.fit(FRAME, y), FRAME, fallback=False))
    path = target.emit(program, folder, EmitOptions(name="m")).path
    assert target.lint(path, program.interface) == []
    return program, path


def free(model: Any) -> list[str]:
    return [f.name for f in model.description.input if f.type.isOptional]


def read(path: Path) -> Any:
    return messages().Model.FromString(path.read_bytes())


@pytest.mark.parametrize("name", TREES)
def test_a_number_that_is_left_out_is_the_servers_missing_value(name: str, tmp_path: Path) -> None:
    estimator = TREES[name]
    program, path = written(estimator, tmp_path)
    model = read(path)
    assert free(model) == ["age", "fare"]
    shown = {f.name: f.shortDescription for f in model.description.input}
    assert shown["age"].endswith("NaN or left out when missing") and "left out" not in shown.get("city", "")
    rows = given(columns_of(FRAME, program.interface), program.interface)
    evaluator = load(path)
    found = evaluator.run({name: x for name, x in rows.items() if name != "age"})[model.description.output[1].name]
    server = estimator.predict_proba(FRAME.assign(age=np.nan))
    assert isinstance(found, Dictionaries)
    assert np.abs(found.numbers - server).max() < 1e-12
    assert np.abs(server - estimator.predict_proba(FRAME)).max() > 0.1


def test_a_model_may_be_asked_with_nothing_at_all(tmp_path: Path) -> None:
    estimator = make_pipeline(ColumnTransformer([("n", NUMBERS, ["age", "fare"])]), HistGradientBoostingRegressor())
    _, path = written(estimator, tmp_path, FRAME["fare"].to_numpy())
    (value,) = load(path).run({}).values()
    nothing = FRAME.iloc[:1].assign(age=np.nan, fare=np.nan)
    assert value == pytest.approx(estimator.predict(nothing), rel=1e-9)


def test_no_other_stage_takes_what_may_be_left_out(tmp_path: Path) -> None:
    """A vectorizer, an imputer or a linear model would be refused by Apple's validator."""
    estimator = make_pipeline(ColumnTransformer([("n", NUMBERS, ["age"])]), LogisticRegression())
    program, path = written(estimator, tmp_path)
    assert program.interface.inputs[0].accepts_missing
    assert free(read(path)) == []
    with pytest.raises(Unknown, match="'age': has no value"):
        load(path).run({})


def test_what_the_server_refuses_may_not_be_left_out(tmp_path: Path) -> None:
    estimator = make_pipeline(ColumnTransformer([("f", "passthrough", ["fare"])]), LogisticRegression())
    numbers = FRAME[["fare"]]
    program = optimize(lower(estimator.fit(numbers, Y), numbers, fallback=False))
    assert free(read(target.emit(program, tmp_path, EmitOptions()).path)) == []


def test_the_evaluator_refuses_optional_features_elsewhere(tmp_path: Path) -> None:
    _, path = written(make_pipeline(ColumnTransformer([("n", NUMBERS, ["age"])]), LogisticRegression()), tmp_path)
    model = read(path)
    for part in (model, *model.pipelineClassifier.pipeline.models):
        for feature in part.description.input:
            feature.type.isOptional = feature.name == "age"
    with pytest.raises(Unknown, match="'age' is optional; knows that of treeEnsembleClassifier"):
        Evaluator(model)
    model = read(path)
    model.description.output[0].type.isOptional = True
    with pytest.raises(Unknown, match="optional"):
        Evaluator(model)
