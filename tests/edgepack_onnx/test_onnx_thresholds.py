"""Trees without tests for equality give the same answers, in one kind of node."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import numpy_helper

from edgepack.contract import Input
from edgepack.ir.ops import Concat, Forest, Lookup, Select
from edgepack_onnx import thresholds
from edgepack_onnx.split import LEQ
from edgepack_onnx.thresholds import feeding_forests, with_thresholds_only

WORDS = np.array(["a", "b", "c", "d", "e"], object)


def codes(missing: float = 6.0, width: int = 1) -> Lookup:
    """Five words, unknown and missing as 0 … 6, in the last column."""
    table = np.zeros((7, width))
    table[:, -1] = [1, 2, 3, 4, 5, 0, missing]
    return Lookup(keys=WORDS, table=table)


def random_forest(trees: int, *, features: int, numeric: int, seed: int = 0) -> Forest:
    """Full trees of depth 3: features before `numeric` by threshold, the others by equality or, here and there, not."""
    rng = np.random.default_rng(seed)
    n = 15
    inner = np.tile(np.arange(n) < 7, trees)
    start = np.repeat(np.arange(trees) * n, n)
    place = np.tile(np.arange(n), trees)
    feature = np.where(inner, rng.integers(0, features, n * trees), 0)
    equal = inner & (feature >= numeric) & (rng.random(n * trees) < 0.8)
    threshold = np.where(feature < numeric, rng.normal(size=n * trees).round(1), rng.integers(0, 7, n * trees))
    return Forest(
        feature=feature,
        threshold=np.where(inner, np.where(equal, threshold, threshold + 0.5 * (feature >= numeric)), 0.0),
        equal=equal,
        nan_left=inner & (rng.random(n * trees) < 0.5),
        left=np.where(inner, start + 2 * place + 1, -1),
        right=np.where(inner, start + 2 * place + 2, -1),
        value=np.where(inner, 0.0, rng.integers(-64, 64, n * trees) / 8)[:, None],
        roots=np.arange(trees) * n,
        base=np.zeros(1),
        divisor=1.0,
        features=features,
        compare="float64",
    )


def mixed(make_program: Any, trees: int = 400, missing: float = 6.0, width: int = 1) -> Any:
    """Two numbers and two looked-up words before a forest; words come first, in the other order."""
    inputs = [
        Input(name="x", kind="number", width=2, accepts_missing=True),
        *(Input(name=n, kind="string", accepts_missing=True, missing_token="∅") for n in ("s", "t")),
    ]
    chain: Any = [
        ("s_codes", codes(missing, width), ["i1"]),
        ("t_codes", codes(missing, width), ["i2"]),
        ("t_last", Select(columns=np.array([width - 1])), ["t_codes"]),
        ("s_last", Select(columns=np.array([width - 1])), ["s_codes"]),
        ("all", Concat(), ["i0", "t_last", "s_last"]),
        ("forest", random_forest(trees, features=4, numeric=2), ["all"]),
    ]
    return make_program(inputs, chain, {"value": "forest"})


def all_rows(rows: int = 4000) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(rows, 2)).round(1)
    x[rng.random(x.shape) < 0.1] = np.nan
    words = np.array([*WORDS, "∅∅", "", None], object)
    return {"x": x, "s": rng.choice(words, (rows, 1)), "t": rng.choice(words, (rows, 1))}


@pytest.mark.parametrize("missing", [6.0, np.nan])
@pytest.mark.parametrize("width", [1, 3])
def test_the_program_without_equality_gives_the_same_answers(missing: float, width: int, make_program: Any) -> None:
    program = mixed(make_program, missing=missing, width=width)
    fast = with_thresholds_only(program)
    (forest,) = [node.op for node in fast.nodes if isinstance(node.op, Forest)]
    assert not forest.equal.any()
    rows = all_rows()
    assert np.array_equal(fast.run(rows)["value"], program.run(rows)["value"])


@pytest.mark.parametrize("runtime", ["1.32", "1.20", "1.15"])
@pytest.mark.parametrize("missing", [6.0, np.nan])
def test_the_file_gives_the_same_answers(runtime: str, missing: float, make_program: Any, same: Any) -> None:
    same(mixed(make_program, missing=missing), all_rows(), runtime)


def test_the_file_has_one_kind_of_node_and_one_cast(make_program: Any, emitted: Any) -> None:
    graph = emitted(mixed(make_program)).graph
    assert [node.op_type for node in graph.node] == [
        "LabelEncoder",
        "Gather",
        "GatherElements",
        "Concat",
        "Cast",
        "TreeEnsemble",
        "Squeeze",
    ]
    (modes,) = [numpy_helper.to_array(a.t) for a in graph.node[-2].attribute if a.name == "nodes_modes"]
    assert set(modes.tolist()) == {LEQ}


def test_a_small_forest_keeps_its_small_table(make_program: Any) -> None:
    program = mixed(make_program, trees=2)
    assert with_thresholds_only(program) is program


def test_numbers_tested_for_equality_stay_so(make_program: Any) -> None:
    forest = random_forest(50, features=2, numeric=0)
    given = [Input(name="x", kind="number", width=2)]
    program = make_program(given, [("forest", forest, ["i0"])], {"value": "forest"})
    assert with_thresholds_only(program) is program
    assert feeding_forests(program) == frozenset()


@pytest.mark.parametrize("fault", ["first and second", "NaN", "flip"])
def test_a_mistake_in_it_shows(fault: str, make_program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    signs = thresholds._signs
    if fault == "first and second":
        monkeypatch.setattr(thresholds, "_signs", lambda c: -signs(c))
    elif fault == "NaN":
        monkeypatch.setattr(thresholds, "_signs", lambda c: np.nan_to_num(signs(c)))
    else:
        monkeypatch.setattr(thresholds, "_signs", lambda c: -np.abs(signs(c)))
    program = mixed(make_program, missing=np.nan)
    rows = all_rows()
    assert not np.array_equal(with_thresholds_only(program).run(rows)["value"], program.run(rows)["value"])
