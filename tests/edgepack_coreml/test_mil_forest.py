"""Forests as ML Programs: every leaf that is reached is the Program's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepack.contract import EmitOptions, Input
from edgepack.ir.ops import Forest
from edgepack_coreml import mil, target
from edgepack_coreml.mil.forest import RUN, Tables

Make = Callable[..., Any]
FEATURES = 3
CUTS = [0.1, 0.5, -0.0, 1e-45, 1.0, 1 / 3, 3.4028234663852886e38, -1e300, 1e300]


def grow(trees: int, *, equal: bool = False, splits: int = 12) -> Forest:
    """Trees of any shape: splits are made at leaves drawn at random. Values are whole, so that sums are exact."""
    r = np.random.default_rng(trees)
    rows: list[list[Any]] = []
    roots = []
    for _ in range(trees):
        roots.append(len(rows))
        rows.append([0, 0.0, False, False, -1, -1, 0.0])
        for _ in range(int(r.integers(0, splits))):
            leaves = [k for k in range(roots[-1], len(rows)) if rows[k][4] < 0]
            at = int(r.choice(leaves))
            asks = bool(equal and r.random() < 0.5)
            cut = float(r.integers(0, 3)) + (0.1 if r.random() < 0.2 else 0.0) if asks else float(r.choice(CUTS))
            rows[at] = [int(r.integers(0, FEATURES)), cut, asks, bool(r.random() < 0.5), len(rows), len(rows) + 1, 0.0]
            rows += [[0, 0.0, False, False, -1, -1, 0.0] for _ in range(2)]
        for k in range(roots[-1], len(rows)):
            rows[k][6] = float(r.integers(1, 2**16)) if rows[k][4] < 0 else 0.0
    columns = [np.array(c) for c in zip(*rows, strict=True)]
    value = np.stack([columns[6], -2 * columns[6]], axis=1)
    return Forest(
        feature=columns[0],
        threshold=columns[1],
        equal=columns[2],
        nan_left=columns[3],
        left=columns[4],
        right=columns[5],
        value=value,
        roots=np.array(roots),
        base=np.array([0.0, 8.0]),
        divisor=1.0,
        features=FEATURES,
        compare="float32",
    )


def answers(program: Make, forest: Forest, into: Path) -> tuple[np.ndarray, np.ndarray]:
    """The file's and the Program's, on every cut, its neighbours, whole numbers, infinities and NaN."""
    p = program([Input(name="X", kind="number", width=FEATURES)], [("y", forest, ["i0"])], {"value": "y"})
    planned = mil.plan(p, 15)
    mil.write(planned, p.interface, EmitOptions(), into / "M.mlpackage")
    with np.errstate(over="ignore"):
        cuts = np.float32(CUTS)
    beside = [np.nextafter(cuts, np.float32(side)) for side in (-np.inf, np.inf)]
    pool = np.concatenate([cuts, *beside, [0, 1, 2, 1.1, 2.1, np.nan, np.nan]]).astype(np.float64)
    rows = {"X": np.random.default_rng(2).choice(pool, (3000, FEATURES))}
    return target.open(into / "M.mlpackage", p.interface).run(rows)["value"], p.run(rows)["value"]


@pytest.mark.parametrize("equal", [False, True])
@pytest.mark.parametrize("trees", [1, 2, RUN, RUN + 1, 70])
def test_every_row_reaches_its_leaf(program: Make, tmp_path: Path, trees: int, equal: bool) -> None:
    forest = grow(trees, equal=equal)
    np.testing.assert_array_equal(*answers(program, forest, tmp_path))


def test_a_forest_that_asks_nothing(program: Make, tmp_path: Path) -> None:
    np.testing.assert_array_equal(*answers(program, grow(3, splits=1), tmp_path))


def test_a_mean(program: Make, tmp_path: Path) -> None:
    forest = replace(grow(3), divisor=3.0)
    np.testing.assert_allclose(*answers(program, forest, tmp_path), rtol=1e-7)


def test_a_leaf_is_stored_once_and_a_split_as_often() -> None:
    forest = grow(40)
    tables = Tables.of(forest)
    first = len(tables.node)
    assert sorted(tables.node.tolist()) == np.flatnonzero(~forest.is_leaf).tolist()
    assert len(np.unique(tables.rows, axis=0)) == len(tables.rows)
    for side, child in ((tables.left, forest.left), (tables.right, forest.right)):
        for place, k in zip(side, child[tables.node], strict=True):
            if place < first:
                assert tables.node[place] == k
            else:
                np.testing.assert_array_equal(tables.rows[place - first], forest.value[k])
    assert len(tables.roots) % RUN == 0
    assert not tables.rows[tables.roots[len(forest.roots) :] - first].any()


def test_a_packed_forest_has_half_of_the_bytes_of_a_classic_one(program: Make, tmp_path: Path) -> None:
    forest = replace(grow(300, splits=60), compare="float32")
    p = program([Input(name="X", kind="number", width=FEATURES)], [("y", forest, ["i0"])], {"value": "y"})
    sizes = []
    for packs in (False, True):
        (tmp_path / str(packs)).mkdir()
        path = target.emit(p, tmp_path / str(packs), EmitOptions(packs=packs, ios=16)).path
        sizes.append(sum(file.stat().st_size for file in ([path] if path.is_file() else path.rglob("*"))))
    assert 2 * sizes[1] < sizes[0]
