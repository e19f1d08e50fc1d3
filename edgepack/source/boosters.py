"""Models that MLflow keeps in LightGBM's, XGBoost's or CatBoost's own file: data, which runs no code when read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edgepack.errors import SourceError
from edgepack.source.mlmodel import ModelDescription

FLAVORS = ("lightgbm", "xgboost", "catboost")

CLASSES: Mapping[str, frozenset[str]] = {
    "xgboost": frozenset(
        f"xgboost.sklearn.{name}"
        for name in ("XGBClassifier", "XGBRFClassifier", "XGBRFRegressor", "XGBRanker", "XGBRegressor")
    ),
    "catboost": frozenset({"CatBoost", "CatBoostClassifier", "CatBoostRanker", "CatBoostRegressor"}),
}
"""The estimators that a model file may ask for by name."""


class NativeBooster:
    """A `Booster` of XGBoost's own interface, which answers rows as estimators do.

    Attributes:
        booster: the `xgboost.Booster`.
    """

    def __init__(self, booster: Any) -> None:
        self.booster = booster
        if booster.feature_names is not None:
            import numpy as np

            self.feature_names_in_ = np.array(booster.feature_names, object)
        self.n_features_in_ = booster.num_features()

    def predict(self, rows: Any) -> Any:
        """What `Booster.predict` gives."""
        import xgboost

        return self.booster.predict(xgboost.DMatrix(rows))


def flavor_of(description: ModelDescription) -> str | None:
    """The booster library whose flavour the model has."""
    return next((name for name in FLAVORS if name in description.flavors), None)


def file_of(description: ModelDescription, flavor: str) -> str:
    """The model's own file."""
    return str(description.flavors[flavor].get("data"))


def is_own_file(description: ModelDescription, flavor: str) -> bool:
    """Whether the library wrote the file itself; LightGBM's estimators are kept as Python objects."""
    return not file_of(description, flavor).endswith((".pkl", ".skops"))


def reader_of(description: ModelDescription, flavor: str) -> Callable[[bytes], Any]:
    """What reads the library's own file.

    It raises `SourceError` for an estimator that edgepack does not know, and for a library that is not installed.
    """
    known = description.flavors[flavor]
    match flavor:
        case "lightgbm":
            return _lightgbm
        case "xgboost":
            wanted = str(known.get("model_class") or "xgboost.core.Booster")
            return lambda content: _xgboost(content, wanted)
        case _:
            return lambda content: _catboost(content, str(known.get("model_type")), str(known.get("save_format")))


def _lightgbm(content: bytes) -> Any:
    lightgbm = _library("lightgbm")
    return lightgbm.Booster(model_str=content.decode())


def _xgboost(content: bytes, wanted: str) -> Any:
    xgboost = _library("xgboost")
    if wanted == "xgboost.core.Booster":
        return NativeBooster(xgboost.Booster(model_file=bytearray(content)))
    model = getattr(xgboost, _allowed("xgboost", wanted))()
    model.load_model(bytearray(content))
    return model


def _catboost(content: bytes, wanted: str, form: str) -> Any:
    catboost = _library("catboost")
    model = getattr(catboost, _allowed("catboost", wanted))()
    model.load_model(blob=content, format=form)
    return model


def _allowed(flavor: str, wanted: str) -> str:
    if wanted not in CLASSES[flavor]:
        raise SourceError(f"{wanted}: no estimator of {flavor} that edgepack knows; log one of {_names(flavor)}")
    return wanted.rpartition(".")[2]


def _names(flavor: str) -> str:
    return ", ".join(sorted(name.rpartition(".")[2] for name in CLASSES[flavor]))


def _library(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise SourceError(f"{name} is not installed, which reads this model; pip install {name}") from error
