"""A user's own rows, read from a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgepack.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

CSV: Mapping[str, Any] = {"keep_default_na": False, "na_values": [""], "float_precision": "round_trip"}
"""How pandas reads CSV: an empty cell is missing and nothing else is; numbers are exact."""


def read_data(path: Path | str) -> pd.DataFrame:
    """The rows of a CSV, Parquet or JSON file, by its suffix.

    In CSV an empty cell is missing and nothing else is (`NA` and `None` are words). JSON is a list of records, or an
    object with `dataframe_split`, `dataframe_records`, or `columns` and `data` itself, as MLflow's server takes them.

    Raises:
        UsageError: no such file, another suffix, a file that cannot be read, or no rows.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"{path}: no such file; give a CSV, Parquet or JSON file")
    readers = {".csv": _csv, ".parquet": _parquet, ".json": _json}
    if (reader := readers.get(path.suffix.lower())) is None:
        raise UsageError(f"{path}: suffix {path.suffix!r} is not known; give .csv, .parquet or .json")
    try:
        frame = reader(path)
    except UsageError:
        raise
    except Exception as error:  # each parser raises its own kinds
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UsageError(f"{path}: cannot be read as {path.suffix[1:]} ({reason}); repair the file") from error
    if not len(frame):
        raise UsageError(f"{path}: has no rows; give at least one")
    return frame


def _csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(path, **CSV)


def _parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except ImportError as error:
        raise UsageError(f"{path}: Parquet needs pyarrow; pip install 'edgepack[parquet]', or give CSV") from error


def _json(path: Path) -> pd.DataFrame:
    import pandas as pd

    document: Any = json.loads(path.read_bytes())
    if isinstance(document, dict):
        document = document.get("dataframe_split", document.get("dataframe_records", document))
    if isinstance(document, dict) and isinstance(document.get("data"), list):
        return pd.DataFrame(document["data"], columns=document.get("columns"))
    if isinstance(document, list) and all(isinstance(record, dict) for record in document):
        return pd.DataFrame(document)
    raise UsageError(f"{path}: is neither a list of records nor a split table; give [{{…}}, …] or columns and data")
