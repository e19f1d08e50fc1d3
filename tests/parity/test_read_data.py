from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from edgepack.errors import UsageError
from edgepack.parity.data import read_data

SPLIT = {"columns": ["n", "s"], "data": [[1.5, "NA"], [None, None]]}
RECORDS = [{"n": 1.5, "s": "NA"}, {"n": None, "s": None}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", "n,s\n1.5,NA\n,\n"),
        ("rows.JSON", json.dumps(SPLIT)),
        ("rows.json", json.dumps({"dataframe_split": SPLIT})),
        ("rows.json", json.dumps(RECORDS)),
        ("rows.json", json.dumps({"dataframe_records": RECORDS})),
    ],
)
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    frame = read_data(tmp_path / name)
    assert list(frame.columns) == ["n", "s"]
    assert frame.n.tolist()[0] == 1.5
    assert frame.s.tolist()[0] == "NA"
    assert frame.isna().to_numpy().tolist() == [[False, False], [True, True]]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    pd.DataFrame({"n": [1, 2], "s": ["u", None]}).to_parquet(tmp_path / "rows.parquet")
    frame = read_data(str(tmp_path / "rows.parquet"))
    assert frame.n.dtype == "int64"
    assert frame.s.isna().tolist() == [False, True]


def test_csv_numbers_are_read_to_the_last_bit(tmp_path: Path) -> None:
    number = 0.1 + 0.2
    (tmp_path / "rows.csv").write_text(f"n\n{number!r}\n")
    assert read_data(tmp_path / "rows.csv").n[0] == number


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.csv", None, "no such file"),
        ("rows.xlsx", "", r"suffix '\.xlsx' is not known"),
        ("rows.csv", "", "cannot be read as csv"),
        ("rows.csv", "a,b\n", "has no rows"),
        ("rows.json", "{", "cannot be read as json"),
        ("rows.json", '{"a": 1}', "neither a list of records nor a split table"),
        ("rows.json", "[1, 2]", "neither a list of records nor a split table"),
        ("rows.json", "[]", "has no rows"),
        ("rows.parquet", "junk", "cannot be read as parquet"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, name: str, content: Any, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=message) as caught:
        read_data(tmp_path / name)
    assert "\n" not in str(caught.value)
