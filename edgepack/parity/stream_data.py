"""A user's own rows, read part by part: a CSV, Parquet or JSON file, or a folder of Parquet files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgepack.columns import row_count, take
from edgepack.contract import Columns, Interface
from edgepack.errors import UsageError
from edgepack.parity.data import CSV, read_data

if TYPE_CHECKING:
    import pandas as pd

ROWS_AT_ONCE = 1 << 16
TAIL_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """Rows for a model, not read yet.

    Attributes:
        path: the file or folder.
        interface: the model's inputs.
        extra: columns that the model does not take, and that are left out.
        rows: how many there are; 0 where that is not known.
    """

    path: Path
    interface: Interface
    extra: tuple[str, ...]
    rows: int

    @classmethod
    def open(cls, path: Path | str, interface: Interface) -> DataFile:
        """The rows of a path, whose columns are looked at.

        Raises:
            UsageError: no such file, another kind, a file that cannot be read, or columns that are missing.
        """
        path = Path(path)
        names, rows = _folder(path) if path.is_dir() else _KINDS.get(path.suffix.lower(), _whole)(path)
        wide = len(interface.inputs) == 1 and interface.inputs[0].width > 1
        if wide and interface.inputs[0].name not in names:
            if len(names) != interface.inputs[0].width:
                raise UsageError(f"{path}: {len(names)} columns; the model takes {interface.inputs[0].width}")
            return cls(path=path, interface=interface, extra=(), rows=rows)
        wanted = [i.name for i in interface.inputs]
        if missing := [name for name in wanted if name not in names]:
            raise UsageError(f"{path}: columns {', '.join(missing)} are missing; it has {', '.join(names)}")
        return cls(path=path, interface=interface, extra=tuple(n for n in names if n not in wanted), rows=rows)

    def parts(self) -> Iterator[Columns]:
        """The rows in order, at most `ROWS_AT_ONCE` at a time.

        Raises:
            UsageError: rows that cannot be read, or are not what the model takes, with their numbers.
        """
        from edgepack.rows import columns_of

        start = 0
        for frame in self._frames():
            where = f"{self.path}: rows {start:,} to {start + len(frame) - 1:,}"
            try:
                yield columns_of(frame, self.interface)
            except UsageError as error:
                raise UsageError(f"{where}: {error}") from error
            start += len(frame)
        if not start:
            raise UsageError(f"{self.path}: has no rows; give at least one")

    def sample(self, rows: int) -> Columns:
        """Some rows, evenly spread over the first part; raises what `parts` does."""
        first = next(self.parts())
        count = row_count(first)
        return take(first, np.unique(np.linspace(0, count - 1, min(count, rows)).astype(np.int64)))

    def _frames(self) -> Iterator[pd.DataFrame]:
        kept = [i.name for i in self.interface.inputs] if self.extra or len(self.interface.inputs) > 1 else None
        texts = {i.name: str for i in self.interface.inputs if i.kind == "string"}
        match self.path.suffix.lower():
            case ".csv":
                yield from _guarded(self.path, "csv", partial(_csv_frames, self.path, kept, texts))
            case ".json":
                yield read_data(self.path)
            case _:
                for file in _parquet_files(self.path):
                    yield from _guarded(file, "parquet", partial(_parquet_frames, file, kept))


def _guarded(path: Path, kind: str, frames: Callable[[], Iterator[pd.DataFrame]]) -> Iterator[pd.DataFrame]:
    """The frames; whatever a parser raises becomes one line."""
    try:
        yield from frames()
    except UsageError:
        raise
    except Exception as error:  # each parser raises its own kinds
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UsageError(f"{path}: cannot be read as {kind} ({reason}); repair the file") from error


def _csv_frames(path: Path, kept: list[str] | None, texts: Mapping[str, Any]) -> Iterator[pd.DataFrame]:
    import pandas as pd

    # all columns: with `usecols`, lines that are too long would pass
    with pd.read_csv(path, dtype=dict(texts), chunksize=ROWS_AT_ONCE, **CSV) as reader:
        for frame in reader:
            for name in frame.columns.difference(list(texts)):
                if frame[name].dtype.kind not in "fiub":
                    numbers = pd.to_numeric(frame[name], errors="coerce")
                    frame[name] = frame[name].astype(object).where(numbers.isna(), numbers)
            yield frame if kept is None else frame[kept]


def _parquet_frames(path: Path, kept: list[str] | None) -> Iterator[pd.DataFrame]:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=kept):
            yield batch.to_pandas()


def _csv(path: Path) -> tuple[list[str], int]:
    import pandas as pd

    _there(path)
    (head,) = list(_guarded(path, "csv", lambda: iter([pd.read_csv(path, nrows=0, **CSV)])))
    names = [str(name) for name in head.columns]
    last = _last_line(path)
    if '"' not in last and 0 < last.count(",") + 1 < len(names):
        raise UsageError(f"{path}: its last line has {last.count(',') + 1} of {len(names)} values; get the whole file")
    return names, 0


def _last_line(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - TAIL_BYTES, 0))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return lines[-1] if lines else ""


def _parquet(path: Path) -> tuple[list[str], int]:
    _there(path)
    found: list[tuple[list[str], int]] = []

    def look() -> Iterator[pd.DataFrame]:
        try:
            from pyarrow import parquet
        except ImportError as error:
            raise UsageError(f"{path}: Parquet needs pyarrow; pip install 'edgepack[parquet]', or give CSV") from error
        with parquet.ParquetFile(path) as file:
            found.append((list(file.schema_arrow.names), file.metadata.num_rows))
        return iter(())

    list(_guarded(path, "parquet", look))
    return found[0]


def _folder(path: Path) -> tuple[list[str], int]:
    """The columns that all files have, and all their rows."""
    files = _parquet_files(path)
    if not files:
        raise UsageError(f"{path}: holds no .parquet file; give a folder of Parquet files")
    looked = [_parquet(file) for file in files]
    common = [name for name in looked[0][0] if all(name in names for names, _ in looked)]
    return common, sum(rows for _, rows in looked)


def _whole(path: Path) -> tuple[list[str], int]:
    frame = read_data(path)
    return [str(name) for name in frame.columns], len(frame)


def _parquet_files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.parquet")) if path.is_dir() else [path]


def _there(path: Path) -> None:
    if not path.is_file():
        raise UsageError(f"{path}: no such file; give a CSV, Parquet or JSON file, or a folder of Parquet files")


_KINDS: Mapping[str, Callable[[Path], tuple[list[str], int]]] = {".csv": _csv, ".parquet": _parquet}
