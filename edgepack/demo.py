"""The whole line in one folder, for somebody who has no model at hand: what a user would do, on bundled data."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgepack.errors import UsageError

if TYPE_CHECKING:
    from edgepack.bundle.bundle import Bundle
    from edgepack.export import Progress

NAME = "wines"


def demo(folder: Path, *, targets: tuple[str, ...], on_progress: Progress | None = None) -> Bundle:
    """A signed bundle of a small classifier: trained on scikit-learn's wines, registered in MLflow, exported.

    Args:
        folder: where MLflow's store, the key and `dist/` go; it must not exist yet, or be empty.

    Raises:
        UsageError: the folder is taken, or cannot be made.
    """
    from edgepack.bundle.keys import generate_key
    from edgepack.export import export

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: no folder can be made there ({error.strerror}); choose another --out") from error
    if any(folder.iterdir()):
        raise UsageError(f"{folder}: not empty; choose another folder with --out")
    progress = on_progress or (lambda _what, _done, _total: None)
    progress("train", 0, 0)
    store = f"sqlite:///{folder.resolve() / 'mlflow.db'}"
    with _inside(folder):
        _train(store)
    key, _ = generate_key(folder / "key.pem")
    model, out = f"models:/{NAME}/1", folder / "dist"
    return export(model, targets=targets, out=out, key=key, tracking_uri=store, rows=4_000, on_progress=on_progress)


def _train(store: str) -> None:
    """Fits a pipeline with numbers, strings and missing values, and registers it."""
    import mlflow
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.datasets import load_wine
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    wine = load_wine(as_frame=True)
    frame: Any = wine.frame.drop(columns="target").astype(np.float64)
    depth = np.digitize(frame.pop("color_intensity"), [3.5, 6.0])
    frame["depth"] = np.array(["pale", "medium", "deep"], object)[depth]
    frame.loc[::11, "ash"] = np.nan
    frame.loc[::13, "depth"] = np.nan
    numbers = [c for c in frame if c != "depth"]
    strings = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    columns = ColumnTransformer(
        [("num", make_pipeline(SimpleImputer(), StandardScaler()), numbers), ("cat", strings, ["depth"])]
    )
    classifier = RandomForestClassifier(50, max_depth=6, random_state=0)
    pipeline = make_pipeline(columns, classifier).fit(frame, wine.target_names[wine.target])
    mlflow.set_tracking_uri(store)
    with warnings.catch_warnings(), mlflow.start_run():
        warnings.simplefilter("ignore")
        mlflow.sklearn.log_model(
            pipeline,
            name=NAME,
            signature=mlflow.models.infer_signature(frame, pipeline.predict(frame)),
            input_example=frame.head(20),
            registered_model_name=NAME,
            skops_trusted_types=["sklearn.tree._tree.Tree", "numpy.dtype"],
            pip_requirements=["scikit-learn"],
        )


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """MLflow's local artifacts go into the working folder; its settings stay in this block."""
    before, environment = Path.cwd(), dict(os.environ)
    os.chdir(folder)
    os.environ["MLFLOW_LOGGING_LEVEL"] = "ERROR"
    try:
        yield
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(environment)
