"""The forest op beside a tree walked by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgepack.ir import TypeMismatch
from edgepack.ir.ops import Forest
from edgepack.ir.ops import forest as room
from edgepack.ir.types import number


def grown(trees: int, features: int, outputs: int, seed: int = 0, depth: int = 5) -> Forest:
    """Random trees with equalities, missing branches and thresholds that rows will meet exactly."""
    r = np.random.default_rng(seed)
    parts: dict[str, list[Any]] = {
        k: [] for k in ("feature", "threshold", "equal", "nan_left", "left", "right", "value")
    }
    roots = []

    def node(level: int) -> int:
        at = len(parts["feature"])
        leaf = level == 0 or (level < depth and r.random() < 0.2)
        for name, value in {
            "feature": 0 if leaf else int(r.integers(features)),
            "threshold": 0.0 if leaf else float(r.integers(-3, 4)) / 2,
            "equal": bool(not leaf and r.random() < 0.3),
            "nan_left": bool(not leaf and r.random() < 0.5),
            "left": -1,
            "right": -1,
            "value": r.normal(size=outputs) if leaf else np.zeros(outputs),
        }.items():
            parts[name].append(value)
        if not leaf:
            parts["left"][at] = node(level - 1)
            parts["right"][at] = node(level - 1)
        return at

    for _ in range(trees):
        roots.append(node(depth))
    arrays = {name: np.array(values) for name, values in parts.items()}
    return Forest(
        **arrays,
        roots=np.array(roots),
        base=r.normal(size=outputs),
        divisor=float(trees),
        features=features,
        compare="float64",
    )


def by_hand(forest: Forest, row: np.ndarray) -> np.ndarray:
    total = forest.base.copy()
    for root in forest.roots:
        at = int(root)
        while forest.left[at] >= 0:
            v = row[forest.feature[at]]
            v = float(np.float32(v)) if forest.compare == "float32" else v
            goes_left = v == forest.threshold[at] if forest.equal[at] else v <= forest.threshold[at]
            if np.isnan(v):
                goes_left = forest.nan_left[at]
            at = int(forest.left[at] if goes_left else forest.right[at])
        total = total + forest.value[at]
    return total / forest.divisor


def rows(features: int, seed: int = 1) -> np.ndarray:
    r = np.random.default_rng(seed)
    x = r.integers(-8, 9, (200, features)) / 4.0
    x[r.random(x.shape) < 0.15] = np.nan
    x[r.random(x.shape) < 0.2] += 1e-9
    return x


@pytest.mark.parametrize("compare", ["float32", "float64"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_every_row_reaches_the_leaf_that_a_walk_reaches(compare: Any, outputs: int) -> None:
    forest = replace(grown(6, 4, outputs), compare=compare)
    x = rows(4)
    assert np.array_equal(forest.run(x), np.stack([by_hand(forest, row) for row in x]))


def test_rounding_to_float32_changes_branches() -> None:
    forest, x = grown(6, 4, 1), rows(4)
    assert not np.array_equal(forest.run(x), replace(forest, compare="float32").run(x))


def test_many_rows_are_taken_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    forest, x = grown(4, 3, 2), rows(3)
    whole = forest.run(x)
    monkeypatch.setattr(room, "ROWS_AT_ONCE", 7)
    assert np.array_equal(forest.run(x), whole)
    assert forest.run(x[:0]).shape == (0, 2)


def test_leaves_and_tree_numbers() -> None:
    forest = grown(3, 2, 1)
    assert np.array_equal(forest.is_leaf, forest.left < 0)
    assert forest.is_leaf[forest.leaves(rows(2))].all()
    assert np.array_equal(np.unique(forest.tree), [0, 1, 2])
    assert np.array_equal(forest.tree[forest.roots], [0, 1, 2])


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "too few thresholds": ({"threshold": np.zeros(1)}, "do not describe"),
    "values of another width": ({"base": np.zeros(2)}, "do not describe"),
    "a left child beyond the nodes": ({"left": 10_000}, "beyond"),
    "a right child beyond the nodes": ({"right": 10_000}, "beyond"),
    "a feature beyond the input": ({"feature": 7}, "beyond"),
    "a negative feature": ({"feature": -1}, "beyond"),
    "a child before its parent": ({"left": 0}, "beyond"),
    "no right child": ({"right": -1}, "beyond"),
    "a root beyond the nodes": ({"roots": np.array([10_000])}, "beyond"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_forest_that_does_not_hold_together_is_refused(mistake: str) -> None:
    changed, message = WRONG[mistake]
    forest = grown(2, 3, 1)
    arrays = {}
    for name, value in changed.items():
        if isinstance(value, int):
            array = getattr(forest, name).copy()
            array[0] = value
            arrays[name] = array
        else:
            arrays[name] = value
    with pytest.raises(TypeMismatch, match=message):
        replace(forest, **arrays).infer(number(3))
