"""The smallest artifact within a budget is within it on rows that did not choose it."""

from __future__ import annotations

import warnings
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from edgepack.compiler import Compiled
from edgepack.contract import EmitOptions
from edgepack.errors import BudgetError
from edgepack.lower import lower
from edgepack.passes import optimize
from edgepack.quantize import Budget, effect_of
from edgepack.rows import columns_of
from edgepack.shrink import Wish, shrink
from edgepack.targets import find_target

R = np.random.default_rng(1)
X = R.normal(size=(3000, 10)).astype(np.float32).astype(np.float64)
VALUE = X[:, 0] + np.sin(2 * X[:, 1]) + 0.3 * R.normal(size=3000)
LABEL = np.digitize(VALUE, [-0.5, 0.5])
MODELS = {
    "MLP": (lambda: make_pipeline(StandardScaler(), MLPClassifier((80, 40), max_iter=30, random_state=0)), LABEL),
    "boosting": (lambda: HistGradientBoostingClassifier(max_iter=25), LABEL),
    "forest": (lambda: RandomForestRegressor(15, max_depth=8, random_state=0), VALUE),
}


@pytest.fixture(scope="module")
def models() -> dict[str, Compiled]:
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, (make, y) in MODELS.items():
            fitted = make().fit(X[:1000], y[:1000])
            lowered = lower(fitted, X[:5])
            source: Any = SimpleNamespace(name=name)
            found[name] = Compiled(
                source=source, estimator=fitted, sample=X[:5], lowered=lowered, program=optimize(lowered)
            )
    return found


@pytest.mark.parametrize(("name", "allowed"), product(MODELS, [3e-4, 0.01, 0.1, 1.0]))
def test_auto_keeps_its_budget_on_rows_that_it_did_not_see(
    models: dict[str, Compiled], name: str, allowed: float, tmp_path: Path
) -> None:
    compiled = models[name]
    wish = Wish(quantize="auto", budget=Budget(max_abs_error=allowed))
    columns = columns_of(X[1000:2000], compiled.program.interface)
    shrunk = _shrink(compiled, wish, columns, tmp_path)
    unseen = columns_of(X[2000:], compiled.program.interface)
    effect = effect_of(compiled.program.run(unseen), shrunk.compiled.program.run(unseen), origin="data")
    # the largest error of a thousand other rows may be a little larger than that of the thousand that chose
    assert effect.p99_abs_error <= allowed
    assert effect.max_abs_error <= 2 * allowed
    assert shrunk.document["method"] in ("none", "fp16", "int8", "int4")
    assert (allowed >= 1.0) <= (shrunk.document["method"] == "int4")


def test_a_budget_that_nothing_keeps_is_an_error(models: dict[str, Compiled], tmp_path: Path) -> None:
    compiled = models["MLP"]
    server = replace(compiled, program=replace(compiled.program))
    columns = columns_of(X[1000:1200], compiled.program.interface)
    wish = Wish(quantize="int8", budget=Budget(max_abs_error=1e-12))
    with pytest.raises(BudgetError, match=r"int8: \|Δ\| .* 1e-12 is allowed; allow more"):
        _shrink(server, wish, columns, tmp_path)


def test_packing_alone_changes_no_number(models: dict[str, Compiled], tmp_path: Path) -> None:
    compiled = models["forest"]
    columns = columns_of(X[1000:1200], compiled.program.interface)
    shrunk = _shrink(compiled, Wish(packs=True), columns, tmp_path)
    assert shrunk.document["method"] == "none"
    runner = find_target("onnx").open(shrunk.artifacts[0].path, compiled.program.interface)
    np.testing.assert_array_equal(runner.run(columns)["value"], compiled.estimator.predict(X[1000:1200]))


def _shrink(compiled: Compiled, wish: Wish, columns: Any, into: Path) -> Any:
    return shrink(
        compiled,
        [find_target("onnx")],
        EmitOptions(ios=16),
        wish,
        into,
        rows=columns,
        origin="data",
        on_progress=lambda _what, _done, _total: None,
    )
