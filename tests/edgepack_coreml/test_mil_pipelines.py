"""Pipelines whose model is an ML Program: strings in classic stages, one vector of numbers, the program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, PolynomialFeatures, PowerTransformer, StandardScaler

from edgepack.contract import EmitOptions
from edgepack.lower import lower
from edgepack.passes import optimize
from edgepack_coreml import target
from edgepack_coreml.proto import messages

Make = Callable[..., Any]
NUMBERS, STRINGS = ["age", "fare (USD)"], ["city", "deck"]


def frame() -> Any:
    r = np.random.default_rng(0)
    n = 500
    data = pd.DataFrame(
        {
            "age": r.normal(40, 12, n).astype(np.float32).astype(np.float64),
            "fare (USD)": r.lognormal(3, 1, n).astype(np.float32).astype(np.float64),
            "city": r.choice(np.array(["oslo", "rome", "café", "東京"], object), n),
            "deck": r.choice(np.array(["a", "b", "", "d", np.nan], object), n),
        }
    )
    data.loc[r.random(n) < 0.1, "age"] = np.nan
    return data


DATA = frame()
FARE, ROME = DATA["fare (USD)"], DATA["city"] == "rome"
THREE = np.select([FARE > 30, ROME], ["high", "mid"], "low")
TWO = ((FARE > 20) & ~ROME).to_numpy()
PRICE = (FARE * 2 + 10 * ROME).to_numpy()
HOT = make_pipeline(
    SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore", sparse_output=False)
)
CODES = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=np.nan)
NUMERIC = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
MIXED = ColumnTransformer([("n", NUMERIC, NUMBERS), ("s", HOT, STRINGS)])
CODED = ColumnTransformer([("n", NUMERIC, NUMBERS), ("s", make_pipeline(CODES, SimpleImputer()), STRINGS)])
ONLY_STRINGS = ColumnTransformer([("s", HOT, STRINGS)])
MODELS = {
    "perceptron, three": (MIXED, MLPClassifier((40,), max_iter=30, random_state=0), THREE),
    "perceptron, two": (CODED, MLPClassifier((40,), max_iter=30, random_state=0), TWO),
    "perceptron, price": (MIXED, MLPRegressor(hidden_layer_sizes=(40,), max_iter=30, random_state=0), PRICE),
    "perceptron of strings": (ONLY_STRINGS, MLPClassifier((40,), max_iter=30, random_state=0), TWO),
    "waves": (
        MIXED,
        make_pipeline(RBFSampler(gamma=0.1, n_components=20, random_state=0), LogisticRegression()),
        THREE,
    ),
    "projected": (MIXED, make_pipeline(PCA(3), PowerTransformer(), LogisticRegression()), TWO),
    "products": (MIXED, make_pipeline(PolynomialFeatures(), Ridge()), PRICE),
}


def compiled(name: str) -> tuple[Any, Any]:
    before, estimator, wanted = MODELS[name]
    model = make_pipeline(clone(before), clone(estimator)).fit(DATA, wanted)
    return model, optimize(lower(model, DATA.head(20), fallback=False))


def kinds(path: Path) -> list[str]:
    """The kinds of a package's stages."""
    model = messages().Model.FromString((path / "Data/com.apple.CoreML/model.mlmodel").read_bytes())
    kind = model.WhichOneof("Type")
    pipeline = model.pipeline if kind == "pipeline" else getattr(model, kind).pipeline
    return [stage.WhichOneof("Type") for stage in pipeline.models]


@pytest.mark.parametrize("name", MODELS)
def test_the_answers_are_scikit_learns(tmp_path: Path, name: str) -> None:
    model, program = compiled(name)
    assert target.check(program) == []
    artifact = target.emit(program, tmp_path, EmitOptions(name="a model"))
    assert artifact.path == tmp_path / "AModel.mlpackage"
    assert artifact.min_runtime == "iOS 15"
    assert kinds(artifact.path)[-3:] == ["featureVectorizer", "neuralNetwork", "mlProgram"]
    rows = frame().sample(frac=1, random_state=1).reset_index(drop=True)
    rows.loc[:20, "city"] = "unseen"
    rows.loc[10:40, "age"] = np.nan
    rows.loc[30:60, "deck"] = "Ⅷ"
    given = {
        i.name: rows[[i.name]].to_numpy(np.float64)
        if i.kind == "number"
        else np.where(rows[[i.name]].isna(), None, rows[[i.name]].to_numpy(object))
        for i in program.interface.inputs
    }
    answers = target.open(artifact.path, program.interface).run(given)
    if "value" in answers:
        wanted = model.predict(rows)
        assert np.max(np.abs(answers["value"] - wanted) / np.maximum(np.abs(wanted), 1)) < 1e-6
        return
    np.testing.assert_allclose(answers["probabilities"], model.predict_proba(rows), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(answers["label"], model.predict(rows))


@pytest.mark.parametrize("ios", [15, 16, 17, 18])
def test_the_same_model_gives_the_same_bytes(tmp_path: Path, ios: Any) -> None:
    _, program = compiled("perceptron, three")
    written = []
    for k in range(2):
        folder = tmp_path / str(k)
        folder.mkdir()
        path = target.emit(program, folder, EmitOptions(name="m", ios=ios)).path
        written.append({str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()})
    assert written[0] == written[1]
    assert set(written[0]) == {
        "Manifest.json",
        "Data/com.apple.CoreML/model.mlmodel",
        "Data/com.apple.CoreML/weights/weight.bin",
    }
    model = messages().Model.FromString(written[0]["Data/com.apple.CoreML/model.mlmodel"])
    assert model.specificationVersion == ios - 9
    assert model.description.metadata.userDefined["edgepack.classes"] == '["high", "low", "mid"]'
    sentences = {f.name: f.shortDescription for f in [*model.description.input, *model.description.output]}
    assert sentences["city"].startswith("Text, one of 4 categories")
    assert sentences["classLabel"] == "The most likely class"
    assert model.description.predictedProbabilitiesName == "classProbability"


def test_few_classic_stages_stay_classic(tmp_path: Path) -> None:
    model = make_pipeline(clone(MIXED), MLPClassifier((3,), max_iter=30, random_state=0)).fit(DATA, TWO)
    program = optimize(lower(model, DATA.head(20), fallback=False))
    assert target.emit(program, tmp_path, EmitOptions(name="m")).path.suffix == ".mlmodel"


def test_an_older_package_is_replaced(tmp_path: Path) -> None:
    _, program = compiled("waves")
    path = target.emit(program, tmp_path, EmitOptions(name="m")).path
    (path / "left over").write_text("from before")
    target.emit(program, tmp_path, EmitOptions(name="m"))
    assert not (path / "left over").exists()
