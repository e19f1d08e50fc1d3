"""The rows that the other tests compare are strong enough: seeded mistakes in lower and passes do not get through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
from zoo import (
    Server,
    boundary_rows,
    check,
    classes,
    columns_of,
    differences,
    fitted,
    matrix,
    matrix_target,
    table,
    target,
    usual,
)

from edgepack.ir import Program
from edgepack.ir.ops import Affine, Clip, Forest, Impute, Label, Linear, Lookup, Op, Step
from edgepack.lower import encode, lower, scale, trees
from edgepack.passes import categories, domains, optimize, trace
from edgepack.passes.floats import last_true, successor

fold_forests: Any = import_module("edgepack.passes.fold_forests")  # the package's own names are the passes
fold_linear: Any = import_module("edgepack.passes.fold_linear")
FRAME = table()
VALUE = target(FRAME)
X, HOLED = matrix(), matrix(missing=True)
Y, HOLED_Y = matrix_target(X), matrix_target(HOLED)
HOT = OneHotEncoder(handle_unknown="ignore", sparse_output=False)


def forest(**options: Any) -> RandomForestRegressor:
    return RandomForestRegressor(4, max_depth=6, random_state=0, **options)


# mistakes in a Program


def inner(op: Forest) -> np.ndarray:
    return ~op.is_leaf


def one_ulp(op: Forest) -> Forest:
    return replace(op, threshold=np.where(inner(op), successor(op.threshold, "float32"), 0.0))


def one_ulp_at_a_root(op: Forest) -> Forest:
    threshold = op.threshold.copy()
    threshold[op.roots[0]] = successor(threshold[op.roots[:1]], "float32")[0]
    return replace(op, threshold=threshold)


def swapped_children_of_one_root(op: Forest) -> Forest:
    left, right = op.left.copy(), op.right.copy()
    left[op.roots[0]], right[op.roots[0]] = right[op.roots[0]], left[op.roots[0]]
    return replace(op, left=left, right=right)


def other_leaf(op: Forest) -> Forest:
    value = op.value.copy()
    value[np.flatnonzero(op.is_leaf)[0]] += 1e-15 * np.abs(value).max()
    return replace(op, value=value + 0.0)


OF_FORESTS: dict[str, Callable[[Forest], Forest]] = {
    "thresholds one ulp higher": one_ulp,
    "a root's threshold one ulp higher": one_ulp_at_a_root,
    "a root's children swapped": swapped_children_of_one_root,
    "NaN goes the other way": lambda op: replace(op, nan_left=inner(op) & ~op.nan_left),
    "NaN always goes right": lambda op: replace(op, nan_left=np.zeros_like(op.nan_left)),
    "another base": lambda op: replace(op, base=op.base + 1e-9),
    "a sum for a mean": lambda op: replace(op, divisor=op.divisor + 1),
    "a leaf's last digits": other_leaf,
    "a tree fewer": lambda op: replace(op, roots=op.roots[:-1]),
    "the next feature": lambda op: replace(op, feature=np.where(inner(op), (op.feature + 1) % op.features, 0)),
}


def caught(program: Program, model: Any, sample: Any, *, exact: bool = True) -> bool:
    columns = boundary_rows(program, columns_of(sample, program.interface))
    server = Server(model, program)
    kept = server.accepted(columns)
    columns = {name: x[kept] for name, x in columns.items()}
    return len(differences(program.run(columns), server.answers(columns), exact=exact)) > 0


def mutated(program: Program, kind: type, mutate: Callable[[Any], Op]) -> Program:
    at = min(k for k, node in enumerate(program.nodes) if isinstance(node.op, kind))
    nodes = list(program.nodes)
    nodes[at] = replace(nodes[at], op=mutate(nodes[at].op))
    return replace(program, nodes=tuple(nodes))


@pytest.mark.parametrize("mistake", OF_FORESTS)
def test_a_mistake_in_a_folded_forest_is_seen(mistake: str) -> None:
    model = fitted(make_pipeline(StandardScaler(), forest()), HOLED, HOLED_Y)
    program = optimize(lower(model, HOLED))
    assert not caught(program, model, HOLED)
    assert caught(mutated(program, Forest, OF_FORESTS[mistake]), model, HOLED)


OTHERS: dict[str, tuple[type, Callable[[Any], Op]]] = {
    "two categories swapped": (Lookup, lambda op: replace(op, keys=np.roll(op.keys, 1))),
    "missing is unknown": (Lookup, lambda op: replace(op, table=np.concatenate([op.table[:-1], op.table[-2:-1]]))),
    "unknown is the first": (Lookup, lambda op: replace(op, table=np.concatenate([op.table[:-2], op.table[[0, -1]]]))),
    "a fill value": (Impute, lambda op: replace(op, fill=op.fill + 1e-3)),
    "a factor": (Affine, lambda op: replace(op, divisor=op.divisor * (1 + 1e-6))),
    "a sign": (Affine, lambda op: replace(op, center=-op.center)),
    "an intercept": (Linear, lambda op: replace(op, intercept=op.intercept + 1e-9)),
    "a weight": (Linear, lambda op: replace(op, coef=op.coef * (1 + 1e-9))),
}


@pytest.mark.parametrize("mistake", OTHERS)
def test_a_mistake_before_a_linear_model_is_seen(mistake: str) -> None:
    strings = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    model = fitted(make_pipeline(usual(strings=strings), Ridge()), FRAME, VALUE)
    program = lower(model, FRAME)
    assert not caught(program, model, FRAME, exact=False)
    assert caught(mutated(program, *OTHERS[mistake]), model, FRAME, exact=False)


def test_a_mistake_about_labels_is_seen() -> None:
    model = fitted(make_pipeline(StandardScaler(), LogisticRegression()), X, classes(Y, ["no", "yes"]))
    program = lower(model, X)
    assert caught(mutated(program, Label, lambda op: replace(op, classes=op.classes[::-1])), model, X, exact=False)
    assert caught(mutated(program, Step, lambda op: replace(op, threshold=1.0)), model, X, exact=False)


def test_a_dropped_clip_is_seen() -> None:
    model = fitted(make_pipeline(MinMaxScaler(clip=True), Ridge()), X, Y)
    program = lower(model, X)
    wide = mutated(program, Clip, lambda op: replace(op, low=op.low - 1e30, high=op.high + 1e30))
    assert caught(wide, model, X, exact=False)


# mistakes in the code


def filled(*steps: Any) -> Any:
    return make_pipeline(SimpleImputer(), *steps)


def log_of(*steps: Any) -> Any:
    return make_pipeline(FunctionTransformer(np.log1p), *steps, forest())


def boosted(**options: Any) -> HistGradientBoostingRegressor:
    return HistGradientBoostingRegressor(max_iter=4, min_samples_leaf=5, random_state=0, **options)


def ulp_too_far(*arguments: Any) -> np.ndarray:
    return successor(last_true(*arguments), arguments[-1])


def domain_without_edge(forest: Forest, undefined: Any, outside_left: Any) -> Forest:
    raw = np.array([0, *(column for column, _ in undefined)])
    return replace(forest, feature=np.where(forest.feature < 0, raw[-np.minimum(forest.feature, 0)], forest.feature))


def edge_of_the_last(self: Any) -> float:
    return self.high if self.is_bounded_above else self.low


def flipped(sides: Any) -> categories.Coding:
    coding = categories.code(sides)
    return replace(coding, flip=~coding.flip)


def codes_shifted(sides: Any) -> categories.Coding:
    coding = categories.code(sides)
    return replace(coding, codes=np.roll(coding.codes, 1))


def all_decided(forest_: Forest, decided: Any, *, prune: Any = fold_forests.prune) -> Any:
    return prune(forest_, np.ones_like(decided))


def hot_next(answer: Any, start: int, end: int, *, hot: Any = encode._hot) -> float:
    return float(hot(answer, start, end) + 1)


def without_nan_branch(*, joined: Any = trees.joined, **parts: Any) -> Forest:
    return joined(**{**parts, "nan_left": [np.zeros_like(n) for n in parts["nan_left"]]})


def base_zero(*, joined: Any = trees.joined, **parts: Any) -> Forest:
    return joined(**{**parts, "base": np.zeros_like(parts["base"])})


def in_float64(*, joined: Any = trees.joined, **parts: Any) -> Forest:
    return joined(**{**parts, "compare": "float64"})


ROOT = make_pipeline(FunctionTransformer(np.sqrt), forest())
UNION = FeatureUnion([("x", "passthrough"), ("neg", FunctionTransformer(np.negative))])
IN_CODE: dict[str, tuple[Any, str, Any, Any]] = {
    "a falling function taken as rising": (trace, "MONOTONE", {"negative": 1}, make_pipeline(UNION, forest())),
    "a threshold one ulp too high": (fold_forests, "last_true", ulp_too_far, make_pipeline(StandardScaler(), forest())),
    "no test of a domain's edge": (fold_forests, "split_domains", domain_without_edge, log_of()),
    "the edge one float too high": (domains.Defined, "edge", property(edge_of_the_last), ROOT),
    "a hidden edge overlooked": (fold_forests, "_last_hidden_edge", lambda *_: 0, log_of(SimpleImputer())),
    "everything decided": (fold_forests, "prune", all_decided, make_pipeline(StandardScaler(), forest())),
    "NaN never goes left": (trees, "joined", without_nan_branch, forest()),
    "float64 comparisons": (trees, "joined", in_float64, make_pipeline(StandardScaler(), forest())),
    "a base left out": (
        trees,
        "joined",
        base_zero,
        make_pipeline(SimpleImputer(), GradientBoostingRegressor(n_estimators=4)),
    ),
    "a clip left out": (
        scale,
        "_clip",
        lambda table, *_: table,
        make_pipeline(SimpleImputer(), MinMaxScaler(clip=True), Ridge()),
    ),
}


@pytest.mark.parametrize("mistake", IN_CODE)
def test_a_mistake_in_the_code_is_seen(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    room, name, wrong, model = IN_CODE[mistake]
    rows = (HOLED * 0.1).astype(np.float32).astype(np.float64)
    model = fitted(model, rows, HOLED_Y)
    exact = not isinstance(model[-1] if hasattr(model, "steps") else model, Ridge)
    check(model, rows, exact=exact, rows=2500)
    monkeypatch.setattr(room, name, wrong)
    with pytest.raises(AssertionError, match=r"rows differ"):
        check(model, rows, exact=exact, rows=2500)


IN_CATEGORIES: dict[str, tuple[Any, str, Any]] = {
    "branches of codes turned": (fold_forests, "code", flipped),
    "codes of the next category": (fold_forests, "code", codes_shifted),
    "the next category is hot": (encode, "_hot", hot_next),
}


@pytest.mark.parametrize("mistake", IN_CATEGORIES)
def test_a_mistake_about_categories_is_seen(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = fitted(make_pipeline(usual("passthrough", HOT), forest()), FRAME, VALUE)
    check(model, FRAME)
    monkeypatch.setattr(*IN_CATEGORIES[mistake])
    with pytest.raises(AssertionError, match=r"rows differ"):
        check(model, FRAME)


def test_category_sets_taken_the_wrong_way_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).integers(0, 12, (300, 2)).astype(float)
    model = fitted(boosted(categorical_features=[0]), x, np.sin(x[:, 0] * 2) + 0.01 * x[:, 1])
    check(model, x)
    bits = trees._bits
    monkeypatch.setattr(trees, "_bits", lambda words: np.roll(bits(words), 1))
    with pytest.raises(AssertionError, match=r"rows differ"):
        check(model, x)


def test_digits_lost_far_from_zero_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    x = matrix()
    x[:, 0] = np.float32(1.7e9) + np.arange(len(x)) % 5 * 128.0  # neighbours in float32
    model = fitted(make_pipeline(StandardScaler(), Ridge()), x, Y)
    check(model, x, exact=False)
    monkeypatch.setattr(fold_linear, "LARGEST_SHIFT", np.inf)
    with pytest.raises(AssertionError, match=r"rows differ"):
        check(model, x, exact=False)


def test_none_taken_as_nan_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    x = FRAME.assign(zone=pd.Series([None if v != v else v for v in FRAME["zone"]], dtype=object))
    strings = make_pipeline(SimpleImputer(strategy="most_frequent"), HOT)
    model = fitted(make_pipeline(usual("passthrough", strings), forest()), x, VALUE)
    check(model, x)
    monkeypatch.setattr("edgepack.lower.impute._is_none", lambda *_: False)
    with pytest.raises(AssertionError, match=r"rows differ"):
        check(model, x)
