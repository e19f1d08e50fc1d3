"""Two bundles of one random forest: edgepack's ONNX, and skl2onnx's with one column of votes for two classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from edgepack.bundle.bundle import Bundle
from edgepack.bundle.seal import seal_bundle
from edgepack.compiler import compile_estimator
from edgepack.contract import Artifact, EmitOptions
from edgepack.rows import columns_of


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Environments are made in a folder of the test run, not in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def forest_bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Bundle]:
    folder = tmp_path_factory.mktemp("forests")
    r = np.random.default_rng(0)
    x = r.normal(size=(400, 5)).astype(np.float32)
    forest = RandomForestClassifier(20, random_state=0).fit(x, (x[:, 0] + x[:, 1] > 0).astype(int))
    program = compile_estimator(forest, x[:5].astype(float))
    rows = r.normal(size=(100, 5)).astype(np.float32)

    def sealed(form: str) -> Bundle:
        if (folder / form).exists():
            return Bundle.open(folder / form)
        into = folder / "artifacts" / form
        into.mkdir(parents=True)
        if form == "edgepack":
            from edgepack_onnx import target

            artifact = target.emit(program, into, EmitOptions(min_runtime="1.18"))
        else:
            path = into / "model.onnx"
            path.write_bytes(skl2onnx_bytes(forest))
            artifact = Artifact(target="onnx", path=path, format="ONNX", min_runtime="onnxruntime 1.18")
        return seal_bundle(
            folder / form,
            name=form,
            version=1,
            interface=program.interface,
            uri="models:/forest/1",
            lineage={"artifacts": {"tree_sha256": "0" * 64}},
            artifacts=[artifact],
            columns=columns_of(rows, program.interface),
            answers={"label": forest.predict(rows), "probabilities": forest.predict_proba(rows)},
            verdicts=[],
            tools={},
            key=None,
        )

    return sealed


def skl2onnx_bytes(forest: Any) -> bytes:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    types = [("numbers", FloatTensorType([None, 5]))]
    return convert_sklearn(forest, initial_types=types, options={"zipmap": False}).SerializeToString()
