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
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from edgepack.compiler import Compiled
from edgepack.contract import EmitOptions
from edgepack.errors import BudgetError
from edgepack.lower import lower
from edgepack.passes import optimize
from edgepack.quantize import Budget, effect_of
from edgepack.quantize.metric import drop_of
from edgepack.rows import columns_of
from edgepack.shrink import Rows, Wish, shrink
from edgepack.targets import find_target

R = np.random.default_rng(1)
X = R.normal(size=(7000, 10)).astype(np.float32).astype(np.float64)
VALUE = X[:, 0] + np.sin(2 * X[:, 1]) + 0.3 * R.normal(size=7000)
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


BUDGETS = [
    *(Budget(max_abs_error=allowed) for allowed in (3e-4, 0.01, 1.0)),
    *(Budget(max_label_change=share) for share in (0.01, 0.05)),
    Budget(metric="auto", max_metric_drop=0.003),
]


@pytest.mark.parametrize(("name", "number"), product(MODELS, range(len(BUDGETS))))
def test_auto_keeps_its_budget_on_rows_that_it_did_not_see(
    models: dict[str, Compiled], name: str, number: int, tmp_path: Path
) -> None:
    compiled, y = models[name], MODELS[name][1]
    budget = BUDGETS[number]
    if budget.metric:
        budget = replace(budget, metric="r2" if y is VALUE else "accuracy")
    seen, unseen = np.split(1000 + np.random.default_rng(number).permutation(6000), [1500])
    columns = columns_of(X[seen], compiled.program.interface)
    shrunk = _shrink(compiled, Wish(quantize="auto", budget=budget), columns, tmp_path, truth=y[seen])
    others = columns_of(X[unseen], compiled.program.interface)
    server, answers = compiled.program.run(others), shrunk.compiled["onnx"].program.run(others)
    effect = effect_of(server, answers, origin="data")
    if budget.metric:
        drop = drop_of(budget.metric, y[unseen], server, answers, compiled.program.interface.classes)
        effect = replace(effect, metric_drop=drop.size)
    assert budget.broken_by(effect) == []
    roomy = max(budget.max_abs_error or 0, (budget.max_label_change or 0) * 20, (budget.max_metric_drop or 0) * 40)
    assert (shrunk.document["method"] == "int4") or roomy < 1 or name == "forest"


def test_what_only_the_rows_at_hand_keep_is_not_taken(models: dict[str, Compiled], tmp_path: Path) -> None:
    """int4 is within its budget on the rows that are there, but leaves no room for others."""
    compiled = models["MLP"]
    columns = columns_of(X[1000:1300], compiled.program.interface)
    (largest,) = [
        t["effect"]["max_abs_error"]
        for t in _shrink(compiled, Wish(quantize="auto"), columns, tmp_path / "any").document["tries"]
        if t["method"] == "int4"
    ]
    budget = Budget(max_abs_error=1.5 * largest)
    for quantize, method in (("int4", "int4"), ("auto", "int8")):
        wish = Wish(quantize=quantize, budget=budget)  # type: ignore[arg-type]
        assert _shrink(compiled, wish, columns, tmp_path / quantize).document["method"] == method


def test_a_budget_that_nothing_keeps_is_an_error(models: dict[str, Compiled], tmp_path: Path) -> None:
    compiled = models["MLP"]
    server = replace(compiled, program=replace(compiled.program))
    columns = columns_of(X[1000:1200], compiled.program.interface)
    wish = Wish(quantize="int8", budget=Budget(max_abs_error=1e-12))
    with pytest.raises(BudgetError, match=r"int8: \|Δ\| .* 1e-12 is allowed; allow more"):
        _shrink(server, wish, columns, tmp_path)


def test_a_budget_of_labels_means_nothing_where_there_are_none(models: dict[str, Compiled], tmp_path: Path) -> None:
    columns = columns_of(X[1000:1050], models["forest"].program.interface)
    wish = Wish(quantize="auto", budget=Budget(max_label_change=0.001))
    assert _shrink(models["forest"], wish, columns, tmp_path).document["method"] == "int4"


def test_packing_alone_changes_no_number(models: dict[str, Compiled], tmp_path: Path) -> None:
    compiled = models["forest"]
    columns = columns_of(X[1000:1200], compiled.program.interface)
    shrunk = _shrink(compiled, Wish(packs=True), columns, tmp_path)
    assert shrunk.document["method"] == "none"
    trees = [
        sizes["onnx"]["sections"]["trees"]
        for sizes in (shrunk.document["before"], shrunk.document["tries"][0]["sizes"])
    ]
    assert trees[1]["compressed_size_bytes"] < 0.9 * trees[0]["compressed_size_bytes"]
    runner = find_target("onnx").open(shrunk.artifacts[0].path, compiled.program.interface)
    np.testing.assert_array_equal(runner.run(columns)["value"], compiled.estimator.predict(X[1000:1200]))


def _shrink(compiled: Compiled, wish: Wish, columns: Any, into: Path, truth: Any = None) -> Any:
    return shrink(
        compiled,
        [find_target("onnx")],
        EmitOptions(ios=16),
        wish,
        into,
        rows=Rows(columns=columns, origin="data"),
        truth=truth,
        on_progress=lambda _what, _done, _total: None,
    )


def test_rows_at_which_the_server_chooses_among_equals_do_not_count(tmp_path: Path) -> None:
    """Five neighbours of many that are equally near: any five are right, so that lossless packing is within 0."""
    alike = 100 + R.integers(0, 2, (200, 4)).astype(np.float64)
    apart = R.normal(size=(800, 4)).astype(np.float32).astype(np.float64)
    fitted = KNeighborsClassifier(5).fit(np.vstack([alike, apart[:400]]), R.integers(0, 3, 600))
    lowered = lower(fitted, apart[:5])
    source: Any = SimpleNamespace(name="nearest")
    program = optimize(lowered)
    compiled = Compiled(source=source, estimator=fitted, sample=apart[:5], lowered=lowered, program=program)
    rows = np.vstack([alike[:60], apart[400:750]])
    wish = Wish(quantize="auto", budget=Budget(max_label_change=0.05, max_abs_error=0.01))
    document = _shrink(compiled, wish, columns_of(rows, lowered.interface), tmp_path).document
    assert document["packed"]
    assert document["effect"]["rows"] == 350
    assert document["effect"]["max_abs_error"] == 0
    sizes = document["tries"][0]["sizes"]["onnx"]
    assert sizes["size_bytes"] < document["before"]["onnx"]["size_bytes"]
