"""Category codes: exact for every string and number, in as few nodes as the tables allow."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from edgepack.contract import Input
from edgepack.ir.ops import Affine, Concat, Impute, Linear, Lookup, Select, Sum
from edgepack_onnx import lookups


def lookup(keys: Any, width: int = 1, seed: int = 0, kind: str = "string", table: Any = None) -> Lookup:
    """A Lookup with a random table, or the given one."""
    dtype = object if kind == "string" else np.float64
    rng = np.random.default_rng([seed, len(keys), width])
    return Lookup(keys=np.array(keys, dtype), table=rng.normal(size=(len(keys) + 2, width)) if table is None else table)


def columns_of(ops: Any, make_program: Any, kind: Any = "string", dtype: str = "float32") -> Any:
    """A Program that looks up input k in `ops[k]`, side by side."""
    inputs = [Input(name=f"x{k}", kind=kind, accepts_missing=True, missing_token=f"∅{k}") for k in range(len(ops))]
    chain = [(f"v{k}", op, [f"i{k}"]) for k, op in enumerate(ops)]
    chain.append(("all", Concat(), [f"v{k}" for k in range(len(ops))]))
    width = sum(op.table.shape[1] for op in ops)
    return make_program(inputs, chain, {"value": "all"}, value_width=width, input_dtype=dtype)


def rows_of(program: Any, rows: Any, kind: str = "string", extra: Any = ()) -> dict[str, Any]:
    return {i.name: np.roll(rows(1, kind, extra=extra)["x"], 7 * k, 0) for k, i in enumerate(program.interface.inputs)}


WORDS = (["a", "b", "é"], ["b", "", "日本", "nan"], ["e\u0301", "A", "a"])


@pytest.mark.parametrize(("width", "runtime", "spare"), product([1, 2], ["1.32", "1.15"], [-1, 4096]))
def test_strings_find_their_own_rows(
    width: int, runtime: str, spare: int, make_program: Any, rows: Any, same: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "SPARE_ROWS", spare)
    many = [str(k) for k in range(40)]  # with no rows to spare, too many for a table in common
    program = columns_of([lookup(words, width, k) for k, words in enumerate((*WORDS, many))], make_program)
    same(program, rows_of(program, rows, extra=["7", "39"]), runtime)


@pytest.mark.parametrize(("width", "runtime", "dtype"), product([1, 2], ["1.32", "1.15"], ["float32", "float64"]))
def test_numbers_find_their_own_rows(
    width: int, runtime: str, dtype: str, make_program: Any, rows: Any, same: Any
) -> None:
    ops = [
        lookup([0.0, 1.0, -1.5], width, 0, "number"),
        lookup([0.5, 0.1, 3.4028234663852886e38, 1e-45], width, 1, "number"),
        lookup([], width, 2, "number"),
    ]
    program = columns_of(ops, make_program, "number", dtype)
    same(program, rows_of(program, rows, "number", extra=[-1.5]), runtime)


@pytest.mark.parametrize("runtime", ["1.32", "1.15"])
def test_computed_numbers_find_their_rows_too(runtime: str, make_program: Any, rows: Any, same: Any) -> None:
    program = make_program(
        [Input(name="x", kind="number")],
        [
            ("v0", Affine(factor=np.array([0.1])), ["i0"]),
            ("v1", lookup([0.1, 0.05, -0.0], 2, 3, "number"), ["v0"]),
        ],
        {"value": "v1"},
        value_width=2,
    )
    same(program, rows(1), runtime)


@pytest.mark.parametrize("runtime", ["1.32", "1.15"])
def test_a_missing_string_and_a_string_like_it_differ(runtime: str, make_program: Any, same: Any) -> None:
    given = Input(name="x", kind="string", accepts_missing=True, missing_token="<NA>")
    program = make_program([given], [("v0", lookup(["None", "nan", ""]), ["i0"])], {"value": "v0"})
    same(program, {"x": np.array([None, "None", "nan", "", "NaN"], object)[:, None]}, runtime)


def test_columns_that_agree_are_one_label_encoder(make_program: Any, rows: Any, same: Any, emitted: Any) -> None:
    op = lookup(WORDS[0])
    program = columns_of([op, op, op], make_program)
    for i in program.interface.inputs:
        object.__setattr__(i, "missing_token", "<NA>")
    assert [node.op_type for node in emitted(program).graph.node] == ["LabelEncoder"]
    words = rows_of(program, rows)
    same(program, {k: np.where(v == "<NA>", "zzz", v) for k, v in words.items()})


def test_columns_that_disagree_are_two_nodes(make_program: Any, emitted: Any) -> None:
    program = columns_of([lookup(words, 1, k) for k, words in enumerate(WORDS)], make_program)
    assert [node.op_type for node in emitted(program).graph.node] == ["LabelEncoder", "GatherElements"]


def test_columns_looked_up_in_another_order_are_not_rearranged(
    make_program: Any, rows: Any, same: Any, emitted: Any
) -> None:
    inputs = [Input(name=f"s{k}", kind="string", accepts_missing=True, missing_token="∅") for k in range(3)]
    chain: Any = [(f"v{k}", lookup(WORDS[k], 1, k), [f"i{k}"]) for k in (2, 0, 1)]
    add_up = Linear(coef=np.ones((1, 3)), intercept=np.zeros(1))
    chain += [("all", Concat(), ["v0", "v1", "v2"]), ("sum", add_up, ["all"])]
    program = make_program(inputs, chain, {"value": "sum"})
    assert [n.op_type for n in emitted(program).graph.node] == ["LabelEncoder", "GatherElements", "Gemm", "Squeeze"]
    same(program, {f"s{k}": np.roll(rows(1, "string")["x"], k, 0) for k in range(3)}, ulps=4)


@pytest.mark.parametrize("runtime", ["1.32", "1.15"])
def test_a_column_filled_with_its_own_token_has_nothing_missing(
    runtime: str, make_program: Any, rows: Any, same: Any
) -> None:
    program = make_program(
        [Input(name="x", kind="string", accepts_missing=True, missing_token="<NA>")],
        [("v0", Impute(fill=np.array(["<NA>"], object), sentinel=None), ["i0"]), ("v1", lookup(["a", "b"]), ["v0"])],
        {"value": "v1"},
    )
    same(program, rows(1, "string"), runtime)


def test_one_column_is_one_label_encoder_with_nothing_around_it(make_program: Any, emitted: Any) -> None:
    program = columns_of([lookup(WORDS[0])], make_program)
    assert [node.op_type for node in emitted(program).graph.node] == ["LabelEncoder", "Squeeze"]


def test_one_column_with_two_tables_and_a_column_nobody_reads(make_program: Any, rows: Any, same: Any) -> None:
    inputs = [Input(name=name, kind="string", accepts_missing=True) for name in "abc"]
    program = make_program(
        inputs,
        [
            ("v0", Concat(), ["i0", "i1", "i2"]),
            ("v1", Select(columns=np.array([2])), ["v0"]),
            ("v2", lookup(WORDS[0], 1, 1), ["v1"]),
            ("v3", lookup(WORDS[1], 1, 2), ["i2"]),
            ("v4", lookup(WORDS[2], 2, 3), ["i0"]),
            ("v5", Concat(), ["v4", "v3", "v2"]),
        ],
        {"value": "v5"},
        value_width=4,
    )
    words = {
        name: np.where((w := np.roll(rows(1, "string")["x"], k, 0)) == "<NA>", "z", w) for k, name in enumerate("abc")
    }
    same(program, words)


@pytest.mark.parametrize(("width", "repeated", "scaled"), product([1, 3], [False, True], [False, True]))
def test_lookups_and_a_product_add_up(
    width: int, repeated: bool, scaled: bool, make_program: Any, rows: Any, answers: Any, emitted: Any
) -> None:
    inputs = [
        Input(name="x", kind="number", width=2),
        *(Input(name=f"s{k}", kind="string", accepts_missing=True, missing_token="∅") for k in range(3)),
    ]
    chain: Any = [("v0", Linear(coef=np.ones((width, 2)), intercept=np.zeros(width)), ["i0"])]
    chain += [(f"v{k + 1}", lookup(words, width, k), [f"i{k + 1}"]) for k, words in enumerate(WORDS)]
    addends = ["v0", "v1", "v2", "v3", *(["v2"] if repeated else [])]
    if scaled:
        chain.append(("v9", Affine(factor=np.full(width, 2.0)), ["v3"]))
        addends[3] = "v9"
    program = make_program(inputs, [*chain, ("sum", Sum(), addends)], {"value": "sum"}, value_width=width)
    words = {f"s{k}": np.roll(rows(1, "string")["x"], k, 0) for k in range(3)}
    columns = {"x": np.random.default_rng(0).normal(size=(400, 2)), **words}
    given, expected = answers(program, columns)["value"], program.run(columns)["value"]
    np.testing.assert_allclose(given, expected, rtol=0, atol=1e-14)
    types = [node.op_type for node in emitted(program).graph.node]
    assert ("ReduceSum" in types) == (not repeated and not scaled)


@pytest.mark.parametrize("width", [1, 3])
def test_a_sum_beside_that_of_lookups_takes_none_of_them(
    width: int, make_program: Any, rows: Any, answers: Any
) -> None:
    inputs = [Input(name=f"s{k}", kind="string", accepts_missing=True, missing_token="∅") for k in range(2)]
    chain: Any = [(f"v{k}", lookup(WORDS[k], width, k), [f"i{k}"]) for k in range(2)]
    chain += [("first", Sum(), ["v0", "v1"]), ("twice", Affine(factor=np.full(width, 2.0)), ["first"])]
    program = make_program(inputs, [*chain, ("sum", Sum(), ["first", "twice"])], {"value": "sum"}, value_width=width)
    columns = {f"s{k}": np.roll(rows(1, "string")["x"], k, 0) for k in range(2)}
    given, expected = answers(program, columns)["value"], program.run(columns)["value"]
    np.testing.assert_allclose(given, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("widths", [(1, 3), (3, 1)])
def test_sums_of_lookups_of_several_widths(
    widths: tuple[int, int], make_program: Any, rows: Any, answers: Any, emitted: Any
) -> None:
    inputs = [Input(name=f"s{k}", kind="string", accepts_missing=True, missing_token="∅") for k in range(2)]
    chain: Any = []
    for width in widths:
        chain += [(f"v{k}{width}", lookup(WORDS[k], width, k), [f"i{k}"]) for k in range(2)]
        chain.append((f"sum{width}", Sum(), [f"v0{width}", f"v1{width}"]))
    chain.append(("all", Concat(), [f"sum{width}" for width in widths]))
    program = make_program(inputs, chain, {"value": "all"}, value_width=4)
    columns = {f"s{k}": np.roll(rows(1, "string")["x"], k, 0) for k in range(2)}
    given, expected = answers(program, columns)["value"], program.run(columns)["value"]
    np.testing.assert_allclose(given, expected, rtol=0, atol=1e-14)
    assert [node.op_type for node in emitted(program).graph.node].count("ReduceSum") == 2
