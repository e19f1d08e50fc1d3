"""Rows as records: what a `DictVectorizer` or a `FeatureHasher` takes in a table's place.

A phone passes one value per named column. As a record, a row has a key for each value that is there: a missing value is
a key that is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

Record = dict[str, Any]


def takes_records(estimator: Any) -> bool:
    """Whether rows reach this fitted estimator's first step as dicts."""
    if hasattr(estimator, "best_estimator_"):
        return takes_records(estimator.best_estimator_)
    for parts in ("steps", "transformer_list"):
        if hasattr(estimator, parts):
            made = [step for _, step in getattr(estimator, parts) if step is not None and not isinstance(step, str)]
            return bool(made) and takes_records(made[0])
    if not hasattr(estimator, "__sklearn_tags__") or isinstance(estimator, type):
        return False
    from sklearn.utils import get_tags

    return bool(get_tags(estimator).input_tags.dict)


def are_records(rows: Any) -> bool:
    """Whether these rows are dicts, one per row."""
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, Mapping) for row in rows)


def table_of(rows: Any) -> Any:
    """Records as a DataFrame with a column for every key that any of them has; whatever else comes, as it is."""
    if not are_records(rows):
        return rows
    import pandas as pd

    names = list(dict.fromkeys(name for row in rows for name in row))
    return pd.DataFrame({name: pd.Series([row.get(name) for row in rows], dtype=object) for name in names})


def records_of(table: pd.DataFrame) -> list[Record]:
    """A record per row, of the values that are there.

    `table_of(records_of(t))` holds t's values, but for columns in which nothing is.
    """
    records: list[Record] = [{} for _ in range(len(table))]
    for name in table.columns:
        column = table[name]
        for record, value, missing in zip(records, column.tolist(), column.isna().tolist(), strict=True):
            if not missing:
                record[str(name)] = value
    return records
