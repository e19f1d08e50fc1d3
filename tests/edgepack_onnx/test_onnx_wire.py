"""The wire writer beside protobuf's own."""

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from edgepack_onnx.proto import attribute, strings_attribute, tensor, value_info
from edgepack_onnx.wire import Message, varint, varints

integers = st.integers(0, 2**63 - 1)


@given(st.lists(integers | st.sampled_from([0, 1, 127, 128, 16383, 16384, 2**32 - 1, 2**32])))
def test_packed_varints_are_single_varints_in_a_row(values: list[int]) -> None:
    assert b"".join(varints(np.array(values, np.int64))) == b"".join(map(varint, values))


def test_packed_varints_do_not_depend_on_the_blocks_they_are_written_in(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).integers(0, 10**6, 1000)
    at_once = b"".join(varints(values))
    monkeypatch.setattr("edgepack_onnx.wire.ROWS_AT_ONCE", 7)
    assert b"".join(varints(values)) == at_once


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_of_any_sign_read_back(value: int) -> None:
    data = bytes(Message().integer(3, value).integer(20, 2).text(1, "n"))
    assert onnx.AttributeProto.FromString(data) == helper.make_attribute("n", value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, 7),
        ("é", "é"),
        (("a", "", "日本"), ["a", "", "日本"]),
        (np.array([0, 300, 2**40]), [0, 300, 2**40]),
    ],
)
def test_attributes_read_back(value: object, expected: object) -> None:
    message = attribute("name", value)  # type: ignore[arg-type]
    assert onnx.AttributeProto.FromString(bytes(message)) == helper.make_attribute("name", expected)


def test_strings_by_code_are_the_strings_themselves() -> None:
    alphabet = ("BRANCH_LEQ", "LEAF", "")
    codes = np.random.default_rng(0).integers(0, 3, 500)
    written = bytes(strings_attribute("modes", codes, alphabet))
    assert onnx.AttributeProto.FromString(written) == helper.make_attribute("modes", [alphabet[c] for c in codes])


@pytest.mark.parametrize(
    "array",
    [
        np.array([1.5, np.nan, -0.0]),
        np.arange(6, dtype=np.float32).reshape(2, 3).T,
        np.array([[1, -1]], np.int64),
        np.array([0, 255], np.uint8),
        np.array(["a", "", "日本"], object),
        np.zeros((0, 3)),
        np.array(2.5),
        np.array([1.0, 2.0]).astype(">f8"),
    ],
    ids=str,
)
def test_tensors_read_back(array: np.ndarray) -> None:
    proto = onnx.TensorProto.FromString(bytes(tensor("t", array)))
    back = numpy_helper.to_array(proto)
    assert proto.name == "t"
    assert back.shape == array.shape
    if array.dtype == object:
        assert [s.decode() if isinstance(s, bytes) else s for s in back.ravel()] == array.tolist()
    else:
        np.testing.assert_array_equal(back, array)


def test_value_infos_read_back() -> None:
    written = onnx.ValueInfoProto.FromString(bytes(value_info("x", 11, ("rows", 3), "height: m")))
    assert written == helper.make_tensor_value_info("x", 11, ["rows", 3], doc_string="height: m")


def test_nesting_counts_every_byte() -> None:
    inner = Message().text(1, "x" * 200).integer(2, 5)
    outer = Message().message(4, inner, inner)
    assert outer.size == len(bytes(outer)) == 2 * (inner.size + 3)
