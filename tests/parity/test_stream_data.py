from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from edgepack.columns import row_count
from edgepack.contract import Columns, Input, Interface
from edgepack.errors import UsageError
from edgepack.parity import Cases, run_parity, stream_data
from edgepack.parity.stream import merge, stream_parity
from edgepack.parity.stream_data import DataFile

pytest.importorskip("pyarrow")

INTERFACE = Interface(
    inputs=(
        Input(name="n", kind="number", accepts_missing=True),
        Input(name="s", kind="string", accepts_missing=True),
    ),
    outputs=("value",),
)
FRAME = pd.DataFrame({"n": [1.5, np.nan, 3.0, 4.0, 5.0], "s": ["7", None, "NA", "b", "é"]})


def write(path: Path, frame: pd.DataFrame) -> Path:
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".json":
            frame.to_json(path, orient="records")
        case ".parquet":
            frame.to_parquet(path)
        case _:
            path.mkdir()
            frame.iloc[:2].to_parquet(path / "a.parquet")
            (path / "more").mkdir()
            frame.iloc[2:].to_parquet(path / "more" / "b.parquet")
    return path


def together(parts: list[Columns]) -> dict[str, list[Any]]:
    return {name: np.concatenate([part[name] for part in parts])[:, 0].tolist() for name in ("n", "s")}


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "rows.json", "folder"])
@pytest.mark.parametrize("at_once", [2, 100])
def test_every_form_gives_all_rows_in_order(
    name: str, at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_data, "ROWS_AT_ONCE", at_once)
    data = DataFile.open(write(tmp_path / name, FRAME), INTERFACE)
    parts = list(data.parts())
    found = together(parts)
    assert found["s"] == ["7", None, "NA", "b", "é"]
    assert np.array_equal(found["n"], FRAME.n, equal_nan=True)
    assert name == "rows.json" or max(row_count(part) for part in parts) <= at_once
    assert data.rows == (0 if name == "rows.csv" else 5)


def test_further_columns_are_named_and_left_out(tmp_path: Path) -> None:
    frame = FRAME.assign(extra=1, other="x")
    for name in ("rows.csv", "rows.parquet", "folder"):
        data = DataFile.open(write(tmp_path / name, frame), INTERFACE)
        assert data.extra == ("extra", "other")
        assert set(next(data.parts())) == {"n", "s"}


def test_a_wide_input_takes_as_many_columns_as_it_is_wide(tmp_path: Path) -> None:
    wide = Interface(inputs=(Input(name="X", kind="number", width=2),), outputs=("value",))
    path = write(tmp_path / "rows.csv", pd.DataFrame({"a": [1.0, 2], "b": [3.0, 4]}))
    assert next(DataFile.open(path, wide).parts())["X"].tolist() == [[1, 3], [2, 4]]
    three = write(tmp_path / "three.csv", pd.DataFrame({"a": [1.0], "b": [3.0], "c": [0]}))
    with pytest.raises(UsageError, match="3 columns; the model takes 2"):
        DataFile.open(three, wide)


def truncated_parquet(path: Path) -> None:
    FRAME.to_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])


def wrong_numbers(path: Path) -> None:
    FRAME.assign(n=["a", "b", "c", "d", "e"]).to_parquet(path)


def wrong_texts(path: Path) -> None:
    FRAME.assign(s=[1, 2, 3, 4, 5]).to_parquet(path)


BROKEN: list[tuple[str, Any, str]] = [
    ("none.csv", None, "no such file"),
    ("none.parquet", None, "no such file"),
    ("rows.xlsx", lambda p: p.write_text("x"), "suffix '.xlsx' is not known"),
    ("empty.csv", lambda p: p.write_text(""), "cannot be read as csv"),
    ("header.csv", lambda p: p.write_text("n,s\n"), "has no rows"),
    ("long.csv", lambda p: p.write_text("n,s\n1,a\n1,a,3,4\n2,b\n"), "cannot be read as csv"),
    ("cut.csv", lambda p: p.write_text("n,s\n1,a\n2"), "its last line has 1 of 2 values"),
    ("binary.csv", lambda p: p.write_bytes(b"n,s\n\xff\xfe,\x00\n1,a\n"), "rows.*n:|cannot be read as csv"),
    ("lacks.csv", lambda p: p.write_text("n,t\n1,a\n"), "columns s are missing; it has n, t"),
    ("words.csv", lambda p: p.write_text("n,s\n1,a\nmany,b\n"), r"rows 0 to 1: n: 'many' \(row 1\) is not a number"),
    ("cut.parquet", truncated_parquet, "cannot be read as parquet"),
    ("text.parquet", lambda p: p.write_text("n,s\n1,a\n"), "cannot be read as parquet"),
    ("numbers.parquet", wrong_numbers, r"rows 0 to 4: n: 'a' \(row 0\) is not a number"),
    ("texts.parquet", wrong_texts, r"rows 0 to 4: s: 1 \(row 0\) is not text"),
    ("bad.json", lambda p: p.write_text("{"), "cannot be read as json"),
    ("folder", lambda p: p.mkdir(), "holds no .parquet file"),
]


@pytest.mark.parametrize(("name", "make", "reason"), BROKEN, ids=[name for name, _, _ in BROKEN])
def test_what_cannot_be_read_is_one_line(name: str, make: Any, reason: str, tmp_path: Path) -> None:
    if make is not None:
        make(tmp_path / name)
    with pytest.raises(UsageError, match=reason) as caught:
        list(DataFile.open(tmp_path / name, INTERFACE).parts())
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / name))


def test_a_file_of_a_folder_without_a_column_is_found(tmp_path: Path) -> None:
    folder = write(tmp_path / "folder", FRAME)
    FRAME[["n"]].to_parquet(folder / "z.parquet")
    with pytest.raises(UsageError, match="columns s are missing"):
        DataFile.open(folder, INTERFACE)


class Device:
    """A model's own Program as a runtime, wrong for large ages."""

    runtime = "device"

    def __init__(self, program: Any, above: float = np.inf) -> None:
        self.program, self.above = program, above

    def run(self, columns: Columns) -> Any:
        answers = dict(self.program.run(columns))
        wrong = (columns["age"][:, 0] > self.above)[:, None] * 0.01
        return {**answers, "probabilities": answers["probabilities"] + wrong}


def parts_of(columns: Columns, size: int) -> list[Columns]:
    count = row_count(columns)
    return [{name: x[k : k + size] for name, x in columns.items()} for k in range(0, count, size)]


@pytest.mark.parametrize("above", [np.inf, 55.0])
@pytest.mark.parametrize("size", [7, 100, 1000])
def test_parts_say_what_the_whole_says(forest_model: Any, above: float, size: int) -> None:
    columns = forest_model.columns
    runners: Any = {"onnx": Device(forest_model.folded, above), "c": "not here"}
    whole = run_parity(
        forest_model.reference, runners, Cases(columns=columns, origins=np.full(row_count(columns), "data", object))
    )
    seen: list[tuple[str, int, int]] = []
    found = stream_parity(
        forest_model.reference,
        runners,
        parts_of(columns, size),
        rows=300,
        on_progress=lambda *step: seen.append(step),
    )
    for a, b in zip(whole, found, strict=True):
        assert (a.status, a.rows, a.label_changes, dict(a.cases)) == (b.status, b.rows, b.label_changes, dict(b.cases))
        assert [o.max_abs_error for o in a.outputs] == [o.max_abs_error for o in b.outputs]
        assert [o.rows_over_tolerance for o in a.outputs] == [o.rows_over_tolerance for o in b.outputs]
        assert all(x.p99_abs_error <= y.p99_abs_error for x, y in zip(a.outputs, b.outputs, strict=True))
        assert a.reason == b.reason
    assert len(found[0].worst_rows) == (5 if above < 1000 else 0)
    assert seen[-1] == ("data", 300, 300)


def test_a_part_that_the_server_refuses_is_counted(forest_model: Any) -> None:
    columns = {name: x.copy() for name, x in forest_model.columns.items()}
    columns["age"][:20] = np.inf
    (found,) = stream_parity(forest_model.reference, {"onnx": Device(forest_model.folded)}, parts_of(columns, 10))
    assert (found.status, found.rows, found.refused_rows) == ("measured", 280, 20)


def test_a_failure_on_one_side_stays_one(forest_model: Any) -> None:
    good = stream_parity(forest_model.reference, {"onnx": Device(forest_model.folded)}, [forest_model.columns])
    bad = stream_parity(forest_model.reference, {"onnx": Device(forest_model.folded, 55)}, [forest_model.columns])
    for merged in (merge(good, bad), merge(bad, good)):
        assert merged[0].status == "failed"
        assert "of 600 rows differ" in merged[0].reason


def test_a_sample_is_spread_over_the_first_part(tmp_path: Path) -> None:
    data = DataFile.open(write(tmp_path / "rows.parquet", FRAME), INTERFACE)
    assert data.sample(3)["s"][:, 0].tolist() == ["7", "NA", "é"]
    assert row_count(data.sample(99)) == 5


def test_what_an_estimator_warns_of_in_threads_is_not_said(forest_model: Any) -> None:
    class Grumbling:
        """A reference that warns, as scikit-learn does."""

        def __getattr__(self, name: str) -> Any:
            return getattr(forest_model.reference, name)

        def answers(self, columns: Columns) -> Any:
            warnings.warn("X has no valid feature names", UserWarning, stacklevel=1)
            return forest_model.reference.answers(columns)

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        stream_parity(Grumbling(), {"onnx": Device(forest_model.folded)}, parts_of(forest_model.columns, 30))
        assert not said
        warnings.warn("heard", UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in said] == ["heard"]
