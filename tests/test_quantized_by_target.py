"""Each target of a bundle has its own smallest artifact, and everything that asks the bundle later knows which."""

from __future__ import annotations

import json
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
import yaml
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from edgepack.bundle.bundle import Bundle
from edgepack.bundle.files import GOLDEN
from edgepack.bundle.manifest import Manifest
from edgepack.cli.show import quantization_table, sections_table
from edgepack.errors import SignatureError
from edgepack.export import export
from edgepack.quantize import Budget
from edgepack.recheck import recheck, recheck_golden
from edgepack.sdk.surface import surface_of
from edgepack.selftest import self_test
from edgepack.shrink import Wish

R = np.random.default_rng(1)
X = R.normal(size=(400, 5)).astype(np.float32).astype(np.float64)
TARGETS = ("onnx", "coreml")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("network")
    network = MLPRegressor(hidden_layer_sizes=(32, 16), solver="lbfgs", max_iter=30, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = make_pipeline(StandardScaler(), network).fit(X, X[:, 0] + np.sin(2 * X[:, 1]))
    (folder / "model.pkl").write_bytes(pickle.dumps(fitted))
    (folder / "input_example.json").write_text(json.dumps(X[:20].tolist()))
    flavor = {
        "pickled_model": "model.pkl",
        "serialization_format": "pickle",
        "sklearn_version": sklearn.__version__,
    }
    described = {
        "flavors": {"sklearn": flavor},
        "saved_input_example_info": {"artifact_path": "input_example.json", "type": "ndarray", "format": "tf-serving"},
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(described))
    return export(
        str(folder),
        targets=TARGETS,
        out=tmp_path_factory.mktemp("dist"),
        allow_pickle=True,
        env="current",
        rows=300,
        data=X[20:320],
        wish=Wish(quantize="auto", budget=Budget(max_abs_error=0.6)),
    )


def test_each_target_has_its_own_smallest(bundle: Bundle) -> None:
    told: Any = bundle.manifest.quantization
    assert told["chosen"] == {"onnx": "int8", "coreml": "fp16"}
    for target, method in told["chosen"].items():
        assert bundle.manifest.quantized_by(target) == method
        within = {
            t["method"]: t["sizes"][target] for t in told["tries"] if target in t["sizes"] and not t["over_budget"]
        }
        assert within[method]["size_bytes"] <= 1.01 * min(size["size_bytes"] for size in within.values())
        (entry,) = [entry for entry in bundle.manifest.artifacts if entry.artifact.target == target]
        assert entry.size_bytes == within[method]["size_bytes"]
    of = {t["method"]: t for t in told["tries"]}
    assert (told["method"], told["effect"]) == ("int8", of["int8"]["effect"])  # nothing in the bundle is further off
    assert told["parts"] == of["int8"]["parts"]
    assert "coreml" not in of["w8a8"]["sizes"]


def test_the_table_says_which(bundle: Bundle) -> None:
    told: Any = bundle.manifest.quantization
    table = quantization_table(told)
    last = dict(zip(list(table.columns[0].cells), list(table.columns[-1].cells), strict=True))
    assert (last["int8"], last["fp16"]) == ("chosen for onnx", "chosen for coreml")
    after = list(sections_table(told).columns[-1].cells)
    assert any(
        f"{told['tries'][1]['sizes']['coreml']['sections']['weights']['size_bytes']:,} (" in cell for cell in after
    )


def test_each_artifact_is_compared_with_its_own_numbers(bundle: Bundle) -> None:
    for verdicts in (
        bundle.manifest.verdicts,
        recheck(bundle, rows=300, allow_pickle=True, env="current"),
        recheck_golden(bundle),
    ):
        assert [(v.target, v.passed) for v in verdicts] == [("onnx", True), ("coreml", True)]
        assert all(v.outputs[0].smallest_passing_tolerance < 1e-4 for v in verdicts)
    rows, answers = bundle.golden("coreml")
    others = bundle.runner("onnx").run(rows)
    assert np.abs(others["value"] - answers["value"]).max() > 1e-3, "one form's numbers would do for both"


def test_packages_replay_the_golden_rows_of_their_artifact(bundle: Bundle) -> None:
    onnx, coreml = (surface_of(bundle, target) for target in TARGETS)
    assert (onnx.golden.name, coreml.golden.name) == (GOLDEN, "golden.coreml.json")
    assert onnx.golden_sha256 != coreml.golden_sha256
    assert onnx.sample != coreml.sample


def test_mistakes_are_planted_in_artifacts_that_pass_without(bundle: Bundle) -> None:
    power = self_test(bundle, rows=300, allow_pickle=True)
    assert {trial.target for trial in power.trials} == {"onnx"}
    assert set(power.untried) == {"coreml"}


def test_golden_rows_of_a_target_are_named_and_hashed(bundle: Bundle, tmp_path: Path) -> None:
    file = bundle.manifest.goldens["coreml"]
    assert file in bundle.manifest.files
    assert Manifest.from_bytes((bundle.path / "manifest.json").read_bytes()) == bundle.manifest
    original = (bundle.path / file.path).read_bytes()
    try:
        (bundle.path / file.path).write_bytes(original.replace(b"0.1", b"0.2", 1))
        with pytest.raises(SignatureError, match=r"golden\.coreml\.json"):
            bundle.golden("coreml")
    finally:
        (bundle.path / file.path).write_bytes(original)


def test_the_report_shows_each_section_before_and_after(bundle: Bundle) -> None:
    told: Any = bundle.manifest.quantization
    page = (bundle.path / "report.html").read_text()
    shown = {path: int(value) for value, path in re.findall(r'<data value="(\d+)" data-path="(/sections/[^"]+)"', page)}
    for k, (target, method) in enumerate(told["chosen"].items()):
        (after,) = [t["sizes"][target] for t in told["tries"] if t["method"] == method]
        sizes = {"before": told["before"][target], "after": after}
        for when, size in sizes.items():
            assert shown[f"/sections/{k}/{when}/size_bytes"] == size["size_bytes"]
            of = {p: v for p, v in shown.items() if re.fullmatch(rf"/sections/{k}/rows/\d+/{when}/size_bytes", p)}
            compressed = {p: shown[p.replace("/size_bytes", "/compressed_size_bytes")] for p in of}
            wanted = [(s["size_bytes"], s["compressed_size_bytes"]) for s in size["sections"].values()]
            assert list(zip(of.values(), compressed.values(), strict=True)) == wanted
            assert sum(of.values()) == size["size_bytes"]
        assert (
            sizes["after"]["sections"]["weights"]["size_bytes"] < sizes["before"]["sections"]["weights"]["size_bytes"]
        )
