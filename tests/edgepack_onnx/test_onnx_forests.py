"""Forests: every row takes the program's own branches, in every form that ONNX Runtime knows."""

import dataclasses
import operator
import warnings
from itertools import product
from typing import Any

import numpy as np
import pytest
from sklearn import ensemble, tree
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from edgepack.contract import Input
from edgepack.errors import UnsupportedError
from edgepack.ir.ops import Affine, ArgMax, Concat, Forest, Impute, Label, Lookup
from edgepack.lower import lower
from edgepack_onnx import likely
from edgepack_onnx.split import EQ, rounding_limit, splits_of

FORMS = ("1.32", "1.20")  # TreeEnsemble (ai.onnx.ml 5), and the tree ops of ai.onnx.ml 3


def forest(trees: Any, **options: Any) -> Forest:
    """A Forest of nested tuples `(feature, threshold, left, right, *flags)`; a leaf is a list of its values."""
    nodes: list[Any] = []
    roots = []

    def add(node: Any) -> int:
        place = len(nodes)
        nodes.append(node)
        if isinstance(node, tuple):
            feature, threshold, left, right, *flags = node
            nodes[place] = (feature, threshold, add(left), add(right), flags)
        return place

    for root in trees:
        roots.append(len(nodes))
        add(root)
    outputs = next(len(n) for n in nodes if isinstance(n, list))
    inner = [n if isinstance(n, tuple) else (0, 0.0, -1, -1, ()) for n in nodes]
    fields: dict[str, Any] = {
        "feature": np.array([n[0] for n in inner]),
        "threshold": np.array([n[1] for n in inner], np.float64),
        "left": np.array([n[2] for n in inner]),
        "right": np.array([n[3] for n in inner]),
        "equal": np.array(["equal" in n[4] for n in inner]),
        "nan_left": np.array(["nan" in n[4] for n in inner]),
        "value": np.array([n if isinstance(n, list) else [0.0] * outputs for n in nodes], np.float64),
        "roots": np.array(roots),
        "base": np.zeros(outputs),
        "divisor": 1.0,
        "features": 2,
        "compare": "float32",
    }
    return Forest(**{**fields, **options})


def near(thresholds: Any, width: int, rows: int = 500) -> Any:
    """Rows of float64 at, just below and just above thresholds, in float32 and float64 steps, and special numbers."""
    t = np.unique(np.asarray(thresholds, np.float64))
    with np.errstate(over="ignore"):
        t32 = t.astype(np.float32)
    special = [np.nan, 0.0, -0.0, 1e-45, -1e-45, 5e-324, 3.4028234663852886e38, 1e39, -1e39, np.inf, -np.inf]
    steps = [t, np.nextafter(t, np.inf), np.nextafter(t, -np.inf), t32.astype(np.float64)]
    steps += [np.nextafter(t32, np.float32(way)).astype(np.float64) for way in (np.inf, -np.inf)]
    middle = (steps[3] + steps[4]) / 2
    steps += [middle, np.nextafter(middle, np.inf), np.nextafter(middle, -np.inf)]
    return np.random.default_rng(0).choice(np.concatenate([*steps, special]), (rows, width))


def grown(seed: int, outputs: int, trees: int, depth: int, leaf: Any, equal: bool = False) -> Forest:
    """A random forest of small codes and odd thresholds; `leaf` makes a leaf's values."""
    rng = np.random.default_rng(seed)

    def node(left: int) -> Any:
        if left == 0 or rng.random() < 0.15:
            return leaf(rng)
        flags = [flag for flag, chance in (("nan", 0.5), ("equal", 0.5 if equal else 0)) if rng.random() < chance]
        threshold = (
            float(rng.integers(-2, 4)) if equal else rng.choice([0.0, 0.1, 1 / 3, -0.7, 1e-45, 16777217.0, 1e39])
        )
        return (int(rng.integers(0, 2)), threshold, node(left - 1), node(left - 1), *flags)

    return forest([node(depth) for _ in range(trees)], base=np.zeros(outputs))


LEAVES = {
    "one": (1, lambda rng: [rng.choice([0.1, 0.3, -0.7, 1 / 3])]),
    "votes": (3, lambda rng: np.eye(3)[rng.integers(0, 3)].tolist()),
    "frequencies": (2, lambda rng: [p := rng.choice([0.0, 1.0, 1 / 3, 0.7]), 1 - p]),
    "vectors": (3, lambda rng: rng.choice([0.1, 0.25, 0.7], 3).tolist()),
}


@pytest.mark.parametrize(("kind", "equal", "form"), product(LEAVES, [False, True], FORMS))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_row_reaches_its_own_leaves(
    kind: str, equal: bool, form: str, dtype: str, one_op: Any, answers: Any
) -> None:
    outputs, leaf = LEAVES[kind]
    compare: Any = "float64" if dtype == "float64" and not equal else "float32"
    op = dataclasses.replace(grown(7, outputs, 5, 5, leaf, equal), compare=compare)
    program = one_op(op, 2, input_dtype=dtype)
    columns = {"x": near(op.threshold, 2)}
    given, expected = answers(program, columns, form)["value"], program.run(columns)["value"]
    if form == "1.20":
        np.testing.assert_allclose(given, expected, rtol=1e-6)
    elif kind == "frequencies":  # class 0 as the complement of class 1
        np.testing.assert_allclose(given, expected, rtol=0, atol=1e-15)
    else:
        np.testing.assert_array_equal(given, expected)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("base", [[0.0, 0.0], [0.5, 0.0], [0.25, -1.5]])
def test_trees_of_a_single_leaf_and_the_base_add_up(base: list[float], form: str, one_op: Any, same: Any) -> None:
    trees = [[1.0, 0.0], (0, 0.5, [2.0, 0.0], [0.0, 3.0]), [0.0, 4.0], [0.0, 0.0], (1, 0.5, [5.0, 0.0], [5.0, 0.0])]
    same(one_op(forest(trees, base=np.array(base)), 2), {"x": near([0.5], 2)}, form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("trees", [[[1.5]], [[0.0]], [[1.5], [2.0]], [(0, 0.0, [1.0], [1.0])]], ids=str)
def test_a_forest_that_is_a_constant_gives_it(trees: Any, form: str, one_op: Any, same: Any) -> None:
    same(one_op(forest(trees), 2), {"x": near([0.0], 2)}, form)


def test_sums_start_with_the_base_and_go_tree_by_tree(one_op: Any, same: Any) -> None:
    values = [0.1, 0.2, 1e16, -1e16, 0.3, 1e-17]
    op = forest([(0, 0.0, [v], [v + 1]) for v in values], base=np.array([1 / 3]), divisor=7.0)
    same(one_op(op, 2), {"x": near([0.0], 2)})


@pytest.mark.parametrize(("form", "nan_from", "first"), product(FORMS, [0, 1, 2, 5], [0, 1]))
def test_equality_chains_keep_classes_and_nan_apart(
    form: str, nan_from: int, first: int, make_program: Any, same: Any
) -> None:
    chain: Any = [0.0, 0.0, 1.0]
    for code in reversed(range(5)):
        leaf = [1.0, 0.0, 0.0] if code % 2 else [0.0, 1.0, 0.0]
        chain = (0, code + first, leaf, chain, "equal", *(["nan"] if code >= nan_from else []))
    program = make_program(
        [Input(name="x", kind="number", width=2)],
        [("v0", forest([chain, chain]), ["i0"]), ("v1", ArgMax(), ["v0"]), ("v2", Label(classes=np.arange(3)), ["v1"])],
        {"label": "v2"},
        classes=(0, 1, 2),
    )
    same(program, {"x": near(np.arange(-1.0, 7.0), 2)}, form)


def test_equality_is_never_chained() -> None:
    # ONNX Runtime 1.21 and 1.22 lose leaves of such chains even where every link sends NaN to its leaf
    for seed in range(20):
        splits = splits_of(grown(seed, 1, 3, 8, LEAVES["one"][1], equal=True), rounded=True)
        place = {int(node): k for k, node in enumerate(splits.node)}
        for k in np.flatnonzero(splits.mode == EQ):
            below = place.get(int(splits.false[k]))
            assert below is None or splits.mode[below] != EQ or splits.feature[below] != splits.feature[k]


@pytest.mark.parametrize("form", FORMS)
def test_a_class_that_no_leaf_votes_for_can_win(form: str, make_program: Any, same: Any) -> None:
    op = forest([(0, 0.5, [0.0, -1.0, 0.0], [0.0, 0.0, 2.0]), (1, 0.5, [0.0, 0.0, -1.0], [0.0, -0.5, 0.0])])
    program = make_program(
        [Input(name="x", kind="number", width=2)],
        [("v0", op, ["i0"]), ("v1", ArgMax(), ["v0"]), ("v2", Label(classes=np.arange(3)), ["v1"])],
        {"label": "v2"},
        classes=(0, 1, 2),
    )
    same(program, {"x": near([0.5], 2)}, form)


def test_equality_of_computed_numbers_needs_casts_that_old_runtimes_drop(make_program: Any, same: Any) -> None:
    program = make_program(
        [Input(name="x", kind="number", width=2)],
        [
            ("v0", Affine(factor=np.array([1 / 3, 0.1])), ["i0"]),
            ("v1", forest([(0, np.float64(np.float32(1 / 3)), [1.0], [2.0], "equal")]), ["v0"]),
        ],
        {"value": "v1"},
        input_dtype="float64",
    )
    columns = {"x": near([1.0, np.float32(1 / 3) * 3.0], 2)}
    assert 0.1 < np.mean(program.run(columns)["value"] == 1.0) < 0.9
    same(program, columns)
    same(program, columns, "1.17")
    with pytest.raises(UnsupportedError, match="Forest: compares computed numbers for equality"):
        same(program, columns, "1.15")


def test_a_filled_number_that_is_no_float32_is_rounded(make_program: Any, same: Any) -> None:
    below = np.float64(np.float32(1 / 3))
    program = make_program(
        [Input(name="x", kind="number", width=2)],
        [
            ("v0", Impute(fill=np.array([1 / 3, np.nextafter(below, 1)]), sentinel=np.nan), ["i0"]),
            ("v1", forest([(0, np.nextafter(1 / 3, 0), [1.0], [2.0]), (1, below, [4.0], [8.0])]), ["v0"]),
        ],
        {"value": "v1"},
    )
    same(program, {"x": near([1 / 3], 2)})


def test_numbers_that_only_the_forest_rounds_branch_as_float32(make_program: Any, same: Any) -> None:
    op = grown(3, 1, 6, 5, LEAVES["one"][1])
    program = make_program(
        [Input(name="x", kind="number", width=2)],
        [("v0", Affine(factor=np.array([1 / 3, 0.1])), ["i0"]), ("v1", op, ["v0"])],
        {"value": "v1"},
        input_dtype="float64",
    )
    x = near(op.threshold, 2, 4000) * [3.0, 10.0]
    same(program, {"x": x})


def test_the_limit_of_rounding_is_the_last_number_that_rounds_down() -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, 20000, dtype=np.uint64).astype(np.uint32)
    floats = bits.view(np.float32).astype(np.float64)
    edges = [0.0, -0.0, 1e-46, -1e-46, 3.5e38, -3.5e38, 1e300, -1e300, 2.0**128 - 2.0**103, np.inf, -np.inf]
    t = np.concatenate([floats[~np.isnan(floats)], np.random.default_rng(1).normal(size=5000), edges])
    limit = rounding_limit(t)
    with np.errstate(over="ignore"):
        for x in (limit, np.nextafter(limit, np.inf), np.nextafter(limit, -np.inf)):
            np.testing.assert_array_equal(x <= limit, x.astype(np.float32).astype(np.float64) <= t)


def test_a_forest_takes_columns_where_they_are(make_program: Any, same: Any, emitted: Any) -> None:
    op = dataclasses.replace(grown(5, 1, 4, 4, LEAVES["one"][1]), features=3)
    op = dataclasses.replace(op, feature=np.where(op.left >= 0, op.feature * 2, 0))
    lookup = Lookup(keys=np.array(["a", "b"], object), table=np.array([[0.0], [0.1], [1 / 3], [np.nan]]))
    inputs = [
        Input(name="s", kind="string", accepts_missing=True),
        Input(name="a", kind="number"),
        Input(name="b", kind="number"),
    ]
    program = make_program(
        inputs,
        [("v0", lookup, ["i0"]), ("v1", Concat(), ["v0", "i1", "i2"]), ("v2", op, ["v1"])],
        {"value": "v2"},
    )
    x = near(op.threshold, 2)
    words = np.random.default_rng(0).choice(np.array(["a", "b", "c", None], object), (len(x), 1))
    same(program, {"s": words, "a": x[:, :1], "b": x[:, 1:]})
    types = [node.op_type for node in emitted(program).graph.node]
    assert types == ["LabelEncoder", "Cast", "Concat", "TreeEnsemble", "Squeeze"]


def test_no_split_has_two_children_of_one_number(one_op: Any, emitted: Any) -> None:
    # ONNX Runtime before 1.24 takes it for a single-leaf tree, even where one is a leaf and the other a split
    mixed: Any = [(0, 0.1, (1, 0.2, [1.0], [2.0]), [2.0]), (1, 0.3, [1.0], (0, 0.7, [4.0], [3.0]))]
    trees = [[3.0], (0, 0.5, [3.0], [3.0]), *mixed]
    op = forest(trees * 5, base=np.array([3.0]))
    (node,) = (n for n in emitted(one_op(op, 2)).graph.node if n.op_type == "TreeEnsemble")
    numbers = {a.name: list(a.ints) for a in node.attribute}
    assert all(map(operator.ne, numbers["nodes_truenodeids"], numbers["nodes_falsenodeids"]))


ESTIMATORS = {
    "forest of two": (ensemble.RandomForestClassifier(20, max_depth=4, random_state=0), 2),
    "forest of three": (ensemble.RandomForestClassifier(20, max_depth=4, random_state=0), 3),
    "pure forest of three": (ensemble.ExtraTreesClassifier(20, random_state=0), 3),
    "tree of two": (tree.DecisionTreeClassifier(max_depth=5, random_state=0), 2),
    "boosting of two": (ensemble.GradientBoostingClassifier(n_estimators=15, random_state=0), 2),
    "boosting of three": (ensemble.GradientBoostingClassifier(n_estimators=10, random_state=0), 3),
    "histograms of three": (ensemble.HistGradientBoostingClassifier(max_iter=5), 3),
    "regression": (ensemble.RandomForestRegressor(20, random_state=0), 0),
    "regression of two": (ensemble.ExtraTreesRegressor(10, max_depth=6, random_state=0), -2),
    "boosted regression": (ensemble.GradientBoostingRegressor(n_estimators=30, random_state=0), 0),
    "histogram regression": (ensemble.HistGradientBoostingRegressor(max_iter=8), 0),
}


@pytest.mark.parametrize(("name", "form", "least"), product(ESTIMATORS, FORMS, (0, likely.LEAST_SPLITS)))
def test_an_estimator_answers_as_in_scikit_learn(
    name: str, form: str, least: int, answers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(likely, "LEAST_SPLITS", least)
    estimator, kind = ESTIMATORS[name]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4)).astype(np.float32)
    score = x[:, 0] + x[:, 1] * x[:, 2]
    y = np.digitize(score, np.linspace(-1, 1, kind - 1)) if kind > 0 else np.c_[score, -2 * score][:, : max(-kind, 1)]
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        estimator.fit(x, np.squeeze(y))
    program = lower(estimator, x[:5])
    op: Any = program.nodes[0].op
    with np.errstate(over="ignore"):
        rows = near(op.threshold, 4, 1500).astype(np.float32)
    rows = rows[np.isfinite(rows).all(axis=1)]
    given = answers(program, {"X": rows.astype(np.float64)}, form)
    if kind <= 0:
        np.testing.assert_allclose(given["value"], estimator.predict(rows), rtol=1e-12 if form == "1.32" else 2e-6)
        return
    wanted = estimator.predict_proba(rows)
    np.testing.assert_allclose(given["probabilities"], wanted, rtol=0, atol=2e-15 if form == "1.32" else 1e-6)
    top = np.sort(wanted, axis=1)
    clear = top[:, -1] - top[:, -2] > 1e-12
    np.testing.assert_array_equal(given["label"][clear], estimator.predict(rows)[clear])
    assert clear.mean() > 0.9


def test_exact_ties_of_votes_fall_to_the_first_class(answers: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3)).astype(np.float32)
    for classes, form in product((2, 4), FORMS):
        estimator = ensemble.RandomForestClassifier(4, random_state=1).fit(x, rng.integers(0, classes, 200))
        votes = estimator.predict_proba(rows := rng.normal(size=(500, 3)).astype(np.float32))
        assert np.sum(np.sort(votes, axis=1)[:, -1] == np.sort(votes, axis=1)[:, -2]) > 50
        program = lower(estimator, x[:2])
        label = answers(program, {"X": rows.astype(np.float64)}, form)["label"]
        np.testing.assert_array_equal(label, estimator.predict(rows))


MUTATIONS: dict[str, Any] = {
    "a threshold one float32 up": ("nodes_splits", lambda a: np.nextafter(a.astype(np.float32), np.float32(np.inf))),
    "a threshold one float32 down": ("nodes_splits", lambda a: np.nextafter(a.astype(np.float32), np.float32(-np.inf))),
    "the other feature": ("nodes_featureids", lambda a: 1 - a),
    "< for <=": ("nodes_modes", lambda a: a + 1),
    "> for <=": ("nodes_modes", lambda a: a + 3),
    "NaN to the other side": ("nodes_missing_value_tracks_true", lambda a: 1 - a),
    "another leaf's weight": ("leaf_weights", lambda a: a * 1.5),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_fault_planted_in_the_bytes_is_seen(mutation: str, one_op: Any, emitted: Any) -> None:
    import onnx
    import onnxruntime
    from onnx import numpy_helper

    op = forest([(0, 0.1, (1, 0.3, [1.0], [2.0], "nan"), [4.0]), (1, -0.7, [8.0], (0, 0.5, [16.0], [32.0]), "nan")])
    op = dataclasses.replace(op, threshold=op.threshold.astype(np.float32).astype(np.float64))
    program, columns = one_op(op, 2), {"x": near(op.threshold, 2, 2000)}
    clean = emitted(program)
    name, change = MUTATIONS[mutation]
    sizes = {"leaf_weights": 6}
    for place in range(sizes.get(name, 4)):
        model = onnx.ModelProto()
        model.CopyFrom(clean)
        (node,) = (n for n in model.graph.node if n.op_type == "TreeEnsemble")
        (attribute,) = (a for a in node.attribute if a.name == name)
        if attribute.HasField("t"):
            array = numpy_helper.to_array(attribute.t).copy()
            # a leaf may have a copy of its own beside it
            faulty = array == array[place] if name == "leaf_weights" else [place]
            array[faulty] = change(array[faulty])
            attribute.t.CopyFrom(numpy_helper.from_array(array))
        else:
            attribute.ints[place] = int(change(np.array(attribute.ints[place])))
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        with np.errstate(over="ignore"):
            (given,) = session.run(["value"], {"numbers": columns["x"].astype(np.float32)})
        assert np.any(given != program.run(columns)["value"]), place
