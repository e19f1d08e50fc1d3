import json

import numpy as np
import pandas as pd
import pytest

from edgepack.errors import SourceError
from edgepack.source import load
from edgepack.source.example import parse_example
from edgepack.source.mlmodel import ModelDescription


def describe(kind, inputs=None, **info):
    return ModelDescription(
        flavors={},
        signature={"inputs": inputs, "outputs": None, "params": None} if inputs else None,
        example_info={"type": kind, "artifact_path": "input_example.json", **info},
        run_id=None,
        model_id=None,
        mlflow_version=None,
        created=None,
    )


def column(name, kind):
    return {"name": name, "type": kind, "required": True}


def tensor(dtype, shape, **name):
    return {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}, **name}


def parse(data, description):
    return parse_example(json.dumps(data).encode(), description)


@pytest.mark.parametrize(
    ("kind", "values", "dtype"),
    [
        ("double", [1, 2.5], "float64"),
        ("double", [1, None], "float64"),
        ("float", [1, None], "float32"),
        ("integer", [1, 2], "int32"),
        ("long", [1, 2], "int64"),
        ("long", [1, None], "float64"),
        ("boolean", [True, False], "bool"),
        ("boolean", [True, None], "object"),
        ("string", ["1", None], "object"),
        ("datetime", ["2026-01-02T00:00:00", None], "datetime64"),
    ],
)
def test_a_tables_columns_get_the_signatures_types_back(kind, values, dtype):
    table = parse(
        {"columns": ["a"], "data": [[value] for value in values]},
        describe("dataframe", [column("a", kind)], pandas_orient="split"),
    )
    assert str(table["a"].dtype).startswith(dtype)
    assert table["a"].isna().tolist() == [value is None for value in values]


def test_columns_are_matched_by_name_and_not_by_place():
    table = parse(
        {"columns": ["b", "a"], "data": [["x", 1]]},
        describe("dataframe", [column("a", "float"), column("b", "string")]),
    )
    assert list(table) == ["b", "a"]
    assert [str(dtype) for dtype in table.dtypes] == ["object", "float32"]


def test_a_table_without_a_signature_keeps_what_json_says():
    table = parse({"columns": ["a", "b"], "data": [[1, "x"], [None, None]]}, describe("dataframe"))
    assert [str(dtype) for dtype in table.dtypes] == ["float64", "object"]
    assert table.isna().to_numpy().tolist() == [[False, False], [True, True]]


def test_default_column_names_are_numbers():
    table = parse({"data": [[1.5, 2], [3, 4]]}, describe("dataframe", pandas_orient="values"))
    assert list(table) == [0, 1]


def test_inference_parameters_are_left_aside():
    data = {"inputs": {"columns": ["a"], "data": [[1]]}, "params": {"x": 1}}
    assert parse(data, describe("dataframe", params="true"))["a"].tolist() == [1]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_an_array_gets_its_type_back(dtype):
    array = parse([[1, 0], [0, 1]], describe("ndarray", [tensor(dtype, [-1, 2])]))
    assert (array.dtype, array.shape) == (np.dtype(dtype), (2, 2))


def test_a_gap_in_an_array_is_nan():
    assert np.isnan(parse([[1.0, None]], describe("ndarray", [tensor("float64", [-1, 2])]))[0, 1])
    assert np.isnan(parse([[1.0, None]], describe("ndarray"))[0, 1])


def test_named_arrays_are_a_table_or_the_one_array():
    specs = [tensor("float32", [-1], name="a"), tensor("int64", [-1, 1], name="b")]
    table = parse({"a": [1, 2], "b": [[3], [4]]}, describe("ndarray", specs))
    assert isinstance(table, pd.DataFrame)
    assert [str(dtype) for dtype in table.dtypes] == ["float32", "int64"]
    assert parse({"b": [[3], [4]]}, describe("ndarray", specs)).shape == (2, 1)


@pytest.mark.parametrize(
    "data", [{"a": 1, "b": "x"}, {"a": [1], "b": ["x"]}, [{"a": 1, "b": "x"}], [{"b": "x", "a": 1}]]
)
def test_plain_records_are_a_table(data):
    table = parse(data, describe("json_object", [column("a", "double"), column("b", "string")]))
    assert table.loc[0, "a"] == 1.0
    assert table["a"].dtype == np.float64
    assert table.loc[0, "b"] == "x"


def test_records_have_a_column_for_every_key_that_any_of_them_has():
    table = parse([{"a": 1.5}, {"b": "x", "a": None}], describe("json_object"))
    assert list(table.columns) == ["a", "b"]
    assert table.isna().to_numpy().tolist() == [[False, True], [True, False]]


def test_plain_lists_are_an_array():
    assert parse([[1, 2], [3, 4]], describe("json_object")).dtype == np.float64
    assert parse(["red wine", "white"], describe("json_object")).tolist() == ["red wine", "white"]


@pytest.mark.parametrize(
    ("kind", "data"),
    [("json_object", 3), ("json_object", []), ("json_object", [{"a": [1]}]), ("sparse_matrix_csr", {}), ("new", 1)],
)
def test_what_is_neither_table_nor_array_is_no_example(kind, data):
    assert parse(data, describe(kind)) is None


@pytest.mark.parametrize(
    ("content", "description"),
    [
        (b"{", describe("dataframe")),
        (b'{"columns": ["a"]}', describe("dataframe")),
        (b'{"columns": ["a"], "data": [["x"]]}', describe("dataframe", [column("a", "double")])),
        (b"[[1], [2, 3]]", describe("ndarray", [tensor("float64", [-1, 1])])),
        (b"\xff", describe("ndarray")),
    ],
)
def test_a_broken_example_is_refused(content, description):
    with pytest.raises(SourceError, match="input example: not readable"):
        parse_example(content, description)


@pytest.mark.parametrize("rows", [pd.DataFrame({"a": [1.5, None], "b": ["x", None]}), np.array([[1.5, np.nan]])])
def test_what_mlflow_writes_comes_back(tmp_path, rows):
    from mlflow.models import infer_signature
    from mlflow.models.utils import _Example

    example = _Example(rows)
    example.save(str(tmp_path))
    inputs = json.loads(infer_signature(rows).to_dict()["inputs"])
    description = describe(example.info["type"], inputs)
    back = parse_example((tmp_path / "input_example.json").read_bytes(), description)
    if isinstance(rows, np.ndarray):
        np.testing.assert_array_equal(back, rows)
    else:
        pd.testing.assert_frame_equal(back, rows, check_dtype=False)


def test_loading_brings_the_example_along(save):
    from sklearn.linear_model import Ridge

    source = save(
        Ridge().fit([[1.0], [2.0]], [1, 2]),
        example={"columns": ["a"], "data": [[1]]},
        saved_input_example_info={"artifact_path": "input_example.json", "type": "dataframe"},
        signature={"inputs": json.dumps([column("a", "float")])},
    )
    assert load(source).example["a"].dtype == np.float32


def test_a_missing_example_file_is_refused(save):
    from sklearn.linear_model import Ridge

    info = {"artifact_path": "../input_example.json", "type": "dataframe"}
    with pytest.raises(SourceError, match=r"names the file '\.\./input_example\.json'"):
        load(save(Ridge().fit([[1.0], [2.0]], [1, 2]), saved_input_example_info=info))
