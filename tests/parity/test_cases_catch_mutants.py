from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepack.contract import Answers, Columns
from edgepack.ir import Program
from edgepack.parity import compare, make_cases
from edgepack.parity.pools import pools

SPEC = importlib.util.spec_from_file_location("mutants", Path(__file__).with_name("mutants.py"))
mutants_of: Any = importlib.util.module_from_spec(SPEC)  # type: ignore[arg-type]
SPEC.loader.exec_module(mutants_of)  # type: ignore[union-attr]

ROWS = 3000


def differs(server: Answers, mutant: Program, columns: Columns) -> bool:
    return not compare("mutant", "program", server, mutant.run(columns), columns=columns).passed


def everything(program: Program, columns: Columns) -> Columns:
    """Every combination of one value from every region that the program can tell apart: the whole input space."""
    tried = pools([program], columns)
    values = []
    for (k, _), pool in tried.items():
        categories = pool.values.get("categories")
        named = ["split boundaries", "edges", "categories", "extremes"]
        found = np.concatenate([pool.values[n] for n in named if n in pool.values])
        if program.interface.inputs[k].kind == "string":
            found = np.array([*categories, "edgepack unseen"], object)  # type: ignore[misc]
        missing: list[Any] = [None if found.dtype == object else np.nan] if pool.missing else []
        values.append([*dict.fromkeys(found.tolist()), *missing])
    rows = list(itertools.product(*values))
    return {
        i.name: np.array([row[k] for row in rows], object if i.kind == "string" else np.float64)[:, None]
        for k, i in enumerate(program.interface.inputs)
    }


def caught(model: Any, columns: Columns) -> tuple[list[str], list[str]]:
    """The semantic mutants' names, and those of them that the rows do not catch."""
    server, refused = model.reference.answers(columns)
    kept = {name: x[~refused] for name, x in columns.items()}
    whole = everything(model.folded, model.columns)
    truth = model.folded.run(whole)
    semantic = [(n, m) for n, m in mutants_of.mutants(model.folded) if differs(truth, m, whole)]
    return [n for n, _ in semantic], [n for n, m in semantic if not differs(server, m, kept)]


@pytest.mark.parametrize("model", ["tree", "random forest", "boosted regressor", "histogram boosted"], indirect=True)
def test_every_semantic_mutant_of_a_forest_is_caught(model: Any) -> None:
    cases = make_cases(model.lowered, folded=model.folded, example=model.columns, budget_rows=ROWS)
    semantic, missed = caught(model, cases.columns)
    assert len(semantic) > 30
    assert missed == []


@pytest.mark.parametrize("model", ["logistic"], indirect=True)
def test_every_semantic_mutant_of_a_linear_model_is_caught(model: Any) -> None:
    cases = make_cases(model.lowered, folded=model.folded, example=model.columns, budget_rows=ROWS)
    semantic, missed = caught(model, cases.columns)
    assert semantic
    assert missed == []


@pytest.mark.parametrize("model", ["random forest"], indirect=True)
def test_every_semantic_mutant_is_caught_without_any_example(model: Any) -> None:
    cases = make_cases(model.lowered, folded=model.folded, budget_rows=ROWS)
    assert caught(model, cases.columns)[1] == []


@pytest.mark.parametrize("model", ["random forest"], indirect=True)
def test_rows_like_the_training_data_miss_mutants(model: Any) -> None:
    rng = np.random.default_rng(1)
    at = rng.integers(len(model.frame), size=ROWS)
    columns = {name: x[at] for name, x in model.columns.items()}
    for name in ("age", "income"):
        noisy = columns[name] + rng.normal(0, 1, columns[name].shape)
        columns[name] = noisy.astype(np.float32).astype(np.float64)
    missed = caught(model, columns)[1]
    assert any("one ulp" in name for name in missed)
