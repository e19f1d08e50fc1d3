"""The sizes that edgepack promises, of models that are trained here: other rows, other machines, the same ratios."""

from __future__ import annotations

import warnings
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from edgepack.compiler import Compiled
from edgepack.contract import EmitOptions
from edgepack.lower import lower
from edgepack.passes import optimize
from edgepack.rows import columns_of
from edgepack.shrink import Rows, Shrunk, Wish, shrink
from edgepack.targets import find_target

FORESTS = {"tumours": load_breast_cancer, "digits": load_digits}


def _numbers(load: Any) -> tuple[Any, Any]:
    x, y = load(return_X_y=True)
    return x.astype(np.float32).astype(np.float64), y


def _shrunk(fitted: Any, rows: Any, wish: Wish, into: Path, *targets: str) -> Shrunk:
    lowered = lower(fitted, rows[:8], fallback=False)
    source: Any = SimpleNamespace(name="promised")
    compiled = Compiled(source=source, estimator=fitted, sample=rows[:8], lowered=lowered, program=optimize(lowered))
    return shrink(
        compiled,
        [find_target(target) for target in targets],
        EmitOptions(ios=16),
        wish,
        into,
        rows=Rows(columns=columns_of(rows, lowered.interface), origin="data"),
        on_progress=lambda _what, _done, _total: None,
    )


def test_int8_weights_take_a_quarter_of_a_float32_network(tmp_path: Path) -> None:
    x, y = _numbers(load_digits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = make_pipeline(StandardScaler(), MLPClassifier((256, 128), max_iter=5, random_state=0)).fit(x, y)
    numbers = sum(a.size for a in (*fitted[-1].coefs_, *fitted[-1].intercepts_))
    shrunk = _shrunk(fitted, x[:400], Wish(quantize="int8"), tmp_path, "onnx")
    assert shrunk.artifacts[0].path.stat().st_size <= 0.27 * 4 * numbers


@pytest.mark.conformance
@pytest.mark.parametrize("name", FORESTS)
def test_a_large_forest_without_loss_is_a_quarter_of_its_peers_file(name: str, tmp_path: Path) -> None:
    from skl2onnx import to_onnx

    x, y = _numbers(FORESTS[name])
    fitted = RandomForestClassifier(300, random_state=0, n_jobs=2).fit(x, y)
    peer = to_onnx(fitted, x[:2].astype(np.float32), options={"zipmap": False}).SerializeToString()
    shrunk = _shrunk(fitted, x, Wish(packs=True), tmp_path, "onnx", "coreml")
    assert shrunk.document["effect"]["max_abs_error"] == 0
    ours = shrunk.artifacts[0].path.read_bytes()
    assert 4 * len(ours) <= len(peer)
    assert 1.5 * len(zlib.compress(ours, 6)) <= len(zlib.compress(peer, 6))
    (sizes,) = [tried["sizes"]["coreml"] for tried in shrunk.document["tries"]]
    assert 2 * sizes["size_bytes"] <= shrunk.document["before"]["coreml"]["size_bytes"]
