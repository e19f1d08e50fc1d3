"""A model's input example, with the types that JSON lost put back from the signature."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from edgepack.errors import SourceError
from edgepack.source.mlmodel import ModelDescription

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_NUMPY_TYPES = MappingProxyType(
    {"boolean": "bool", "integer": "int32", "long": "int64", "float": "float32", "double": "float64"}
)


def parse_example(content: bytes, description: ModelDescription) -> pd.DataFrame | np.ndarray[Any, Any] | None:
    """A table with a row per example, or an array; None where it is neither (a scalar, a sparse matrix, nested data).

    Strings come back as `object` columns; a missing value is NaN in every column, which whole numbers and truth values
    with gaps widen to (`float64` and `object`).

    Raises:
        SourceError: the file is not what MLflow's `saved_input_example_info` announces.
    """
    info = description.example_info or {}
    try:
        data = json.loads(content)
        if info.get("params"):  # inputs and inference parameters side by side
            data = data["inputs"]
        specs = (description.signature or {}).get("inputs") or []
        match info.get("type"):
            case "dataframe":
                return _table(data["data"], data.get("columns"), specs) if isinstance(data, dict) else None
            case "ndarray":
                return _array_or_table(data, specs)
            case "json_object":
                return _from_plain_data(data, specs)
            case _:
                return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise SourceError(f"input example: not readable ({reason}); log the model again with input_example") from error


def _table(rows: Any, columns: Sequence[Any] | None, specs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(rows, columns=None if columns is None else pd.Index(columns), dtype=object)
    types = {str(spec.get("name", place)): spec.get("type") for place, spec in enumerate(specs)}
    return pd.DataFrame({name: _column(table[name], types.get(str(name))) for name in table.columns})


def _column(values: pd.Series[Any], mlflow_type: str | None) -> pd.Series[Any]:
    import numpy as np
    import pandas as pd

    gaps = values.isna()
    values = values.where(~gaps, np.nan)
    match mlflow_type:
        case "double" | "float" | "integer" | "long" if gaps.any():
            return values.astype(np.dtype("float32" if mlflow_type == "float" else "float64"))
        case "boolean" if gaps.any():
            return values
        case "datetime":
            return pd.to_datetime(values)
        case None:
            inferred = values.infer_objects()
            return inferred if pd.api.types.is_numeric_dtype(inferred) else values
        case known if known in _NUMPY_TYPES:
            return values.astype(np.dtype(_NUMPY_TYPES[known]))
        case _:
            return values


def _array_or_table(data: Any, specs: Sequence[Mapping[str, Any]]) -> pd.DataFrame | np.ndarray[Any, Any] | None:
    import numpy as np
    import pandas as pd

    types = [spec.get("tensor-spec", {}).get("dtype") for spec in specs]
    if not isinstance(data, dict):
        return _array(data, types[0] if types else None)
    arrays = {
        name: _array(values, dict(zip([spec.get("name") for spec in specs], types, strict=True)).get(name))
        for name, values in data.items()
    }
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    if all(array.ndim == 1 or array.shape[1:] == (1,) for array in arrays.values()):
        return pd.DataFrame({name: np.ravel(array) for name, array in arrays.items()})
    return None


def _array(data: Any, dtype: str | None) -> np.ndarray[Any, Any]:
    import numpy as np

    if dtype and np.dtype(dtype).kind in "iufb":
        return np.asarray(data, dtype=dtype)  # None becomes NaN
    if dtype:
        return np.asarray(data, dtype=object)
    array = np.asarray(data, dtype=object)
    try:
        return array.astype(np.float64)
    except (ValueError, TypeError):
        return array


def _from_plain_data(data: Any, specs: Sequence[Mapping[str, Any]]) -> pd.DataFrame | np.ndarray[Any, Any] | None:
    """Python lists and dictionaries: records, one record, columns, rows, or a list of texts."""
    if isinstance(data, dict):
        values = list(data.values())
        if all(isinstance(value, list) for value in values):
            return _table(list(zip(*values, strict=True)), list(data), specs)
        return _from_plain_data([data], specs)
    if not isinstance(data, list) or not data:
        return None
    if all(isinstance(row, dict) for row in data):
        columns = list(dict.fromkeys(name for row in data for name in row))
        nested = any(isinstance(value, list | dict) for row in data for value in row.values())
        return None if nested else _table([[row.get(name) for name in columns] for row in data], columns, specs)
    if any(isinstance(row, dict) for row in data):
        return None
    return _array(data, None)
