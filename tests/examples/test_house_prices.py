from __future__ import annotations

import hashlib
import math
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def script(examples: Path) -> Path:
    return examples / "house_prices" / "train.py"


@pytest.fixture(scope="module")
def printed(shell: Callable[..., str], script: Path) -> str:
    return shell("python", str(script))


@pytest.fixture(scope="module")
def version(printed: str, client: Any) -> Any:
    return client.get_model_version_by_alias("house-prices", "champion")


@pytest.fixture(scope="module")
def run(version: Any, client: Any) -> Any:
    return client.get_run(version.run_id)


@pytest.fixture(scope="module")
def model(version: Any, client: Any) -> Any:
    from mlflow.pyfunc import load_model

    return load_model(client.get_logged_model(version.source.removeprefix("models:/")).artifact_location)


def test_houses_have_their_490_unknown_frontages_missing(script: Path) -> None:
    defined = runpy.run_path(str(script))
    houses = defined["read_houses"]()
    assert len(houses) == 2930
    assert houses["Lot_Frontage"].isna().sum() == 490
    assert all(houses[name].dtype == "float64" for name in defined["NUMBERS"])


@pytest.mark.parametrize("source", ["house_prices/ames.csv", "wine/winequality-red.csv"])
def test_data_is_the_file_that_its_source_note_names(examples: Path, source: str) -> None:
    path = examples / source
    assert hashlib.sha256(path.read_bytes()).hexdigest() in path.with_name("SOURCE.md").read_text()


def test_training_registers_a_version_with_the_alias(version: Any, printed: str) -> None:
    assert int(version.version) == 1
    assert printed.startswith("models:/house-prices/1 (champion)")


def test_training_logs_params_metrics_and_the_dataset(run: Any) -> None:
    assert run.data.params["max_iter"] == "300"
    assert run.data.metrics["holdout_r2"] > 0.85
    assert run.data.metrics["holdout_rmse"] < 30_000
    (dataset_input,) = run.inputs.dataset_inputs
    assert dataset_input.dataset.name == "ames"
    assert "ames.csv" in dataset_input.dataset.source


def test_signature_takes_every_field_as_optional(model: Any) -> None:
    columns = model.metadata.signature.inputs.inputs
    assert len(columns) == 42
    assert [column.name for column in columns if column.required] == []
    assert {column.type.name for column in columns} == {"double", "string"}


def test_input_example_holds_complete_and_empty_forms_and_all_get_a_price(model: Any) -> None:
    examples = model.input_example
    missing = examples.isna().sum(axis=1)
    assert missing.iloc[0] == 0
    assert missing.iloc[-1] == 42
    assert all(math.isfinite(price) and price > 0 for price in model.predict(examples))
