"""A Core ML model's bytes by what they are for: nothing is counted twice, nothing large is left out."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from edgepack.compiler import compile_estimator
from edgepack.contract import EmitOptions
from edgepack_coreml import target
from edgepack_coreml.sections import sections

R = np.random.default_rng(0)
ROWS = pd.DataFrame({"a": R.normal(size=300), "town": R.choice([f"town {k}" for k in range(30)], 300)})
LARGEST = {
    ("forest", False): "trees",
    ("forest", True): "weights",
    ("linear", False): "graph",
    ("linear", True): "graph",
}


@pytest.mark.parametrize(("name", "packs"), product(["forest", "linear"], [False, True]))
def test_sections_are_the_bytes_of_the_model(name: str, packs: bool, tmp_path: Path) -> None:
    last: Any = RandomForestRegressor(200, random_state=0) if name == "forest" else Ridge()
    columns = make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough")
    fitted = make_pipeline(columns, last).fit(ROWS, ROWS["a"] + R.normal(size=300))
    path = target.emit(compile_estimator(fitted, ROWS), tmp_path, EmitOptions(packs=packs, ios=16)).path
    size = sum(file.stat().st_size for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())
    found = {section: len(content) for section, content in sections(path).items()}
    assert 0.9 * size < sum(found.values()) <= size
    assert max(found, key=lambda section: found[section]) == LARGEST[name, packs]
    assert found["tables"] > 30 * len("town 10")
