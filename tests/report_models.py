"""Small models whose column names, labels and lineage try to break out of a page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HOSTILE = "</script><script>alert(1)</script>"


def frame(rows: int = 120) -> pd.DataFrame:
    r = np.random.default_rng(0)
    city = pd.Series(r.choice(["oslo", "rome", HOSTILE], rows), dtype=object)
    return pd.DataFrame({"age": r.normal(40, 10, rows), "fare": r.lognormal(2, 1, rows), "city": city})


def pipeline(threshold: float = 42.0, columns: tuple[str, ...] = ("age", "fare")) -> tuple[Any, pd.DataFrame]:
    data = frame()[[*columns, "city"]]
    labels = np.where(data["age"] + 5 * (data["city"] == "rome") > threshold, "yes", "no")
    numbers = ("num", StandardScaler(), list(columns))
    encode = ColumnTransformer([numbers, ("cat", OneHotEncoder(handle_unknown="ignore"), ["city"])])
    forest = RandomForestClassifier(6, max_depth=4, random_state=0)
    return make_pipeline(encode, forest).fit(data, labels), data
