"""Every parser of a foreign file answers a damaged one with an EdgepackError on one line, or reads it: nothing else.

A few damaged files per parser by default, the same ones each time; `make conformance` tries new ones, and many more.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutilate import mutilated

from edgepack.bundle.archive import unpacked
from edgepack.bundle.envelope import unseal
from edgepack.bundle.golden import read_golden
from edgepack.bundle.keys import load_public_key, parse_private_key
from edgepack.bundle.manifest import Manifest
from edgepack.bundle.policy import read_revoked
from edgepack.bundle.statement import read_statement
from edgepack.bundle.trusted import trusted_signers
from edgepack.errors import EdgepackError
from edgepack.parity.data import read_data
from edgepack.source import load, resolve
from edgepack.targets import find_target

RELEASED = Path(__file__).parent / "bundle" / "released" / "0.1.0"
BUNDLE = RELEASED / "rents-1"
KEYLESS = RELEASED / "keyless"

Parse = Callable[[Path, bytes], Any]


@cache
def manifest() -> Manifest:
    return Manifest.from_bytes((BUNDLE / "manifest.json").read_bytes())


@cache
def payload() -> bytes:
    return unseal((BUNDLE / "model.sig").read_bytes(), [load_public_key(RELEASED / "key.pub")])[0]


def identity(root: Path) -> list[Any]:
    name = "https://github.com/acme/models/.github/workflows/export.yml@refs/heads/main"
    return list(trusted_signers([], name, "https://token.actions.githubusercontent.com", str(root)))


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def run_artifact(target: str, name: str) -> Parse:
    def parse(folder: Path, data: bytes) -> None:
        columns, _ = read_golden(BUNDLE / "golden.json", manifest().interface)
        find_target(target).open(written(folder, name, data), manifest().interface).run(columns)

    return parse


def read_forest(folder: Path, data: bytes) -> None:
    target: Any = find_target("onnx")
    target.read_forest(written(folder, "m.onnx", data), manifest().interface)


def unpack(name: str) -> Parse:
    def parse(folder: Path, data: bytes) -> None:
        archive = written(folder, name, data)
        with unpacked(archive, folder / "into"):
            raise EdgepackError("far enough")

    return parse


def model_with(name: str) -> Parse:
    """Loads a model folder in which this file is damaged."""

    def parse(folder: Path, data: bytes) -> None:
        for other, content in model_files().items():
            written(folder, other, content)
        written(folder, name, data)
        load(resolve(str(folder), folder / "unused"))

    return parse


@cache
def model_files() -> dict[str, bytes]:
    import sklearn
    import skops.io
    from sklearn.linear_model import LogisticRegression

    rows = np.random.default_rng(0).normal(size=(20, 2))
    flavor = {"pickled_model": "model.skops", "serialization_format": "skops", "sklearn_version": sklearn.__version__}
    inputs = json.dumps([{"name": "a", "type": "double"}, {"name": "b", "type": "double"}])
    description = {
        "flavors": {"sklearn": flavor, "python_function": {"python_version": "3.11.7"}},
        "signature": {"inputs": inputs, "outputs": None, "params": None},
        "saved_input_example_info": {"artifact_path": "input_example.json", "type": "dataframe"},
        "mlflow_version": "3.17.2",
    }
    example = {"columns": ["a", "b"], "data": rows[:3].tolist()}
    return {
        "MLmodel": yaml.safe_dump(description).encode(),
        "model.skops": skops.io.dumps(LogisticRegression().fit(rows, rows[:, 0] > 0)),
        "input_example.json": json.dumps(example).encode(),
    }


def table(form: str) -> bytes:
    frame = pd.DataFrame({"a": [1.5, 2.0, None] * 5, "c": ["x", "y", None] * 5})
    match form:
        case "csv":
            return frame.to_csv(index=False).encode()
        case "json":
            return frame.to_json(orient="split").encode()
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def packed(form: str) -> bytes:
    import tarfile
    import zipfile

    buffer = io.BytesIO()
    if form == "zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(BUNDLE.rglob("*.*")):
                archive.write(path, path.relative_to(BUNDLE).as_posix())
    else:
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            tar.add(BUNDLE, ".")
    return buffer.getvalue()


PARSERS: dict[str, tuple[Parse, Callable[[], bytes]]] = {
    "manifest": (lambda _, data: Manifest.from_bytes(data), (BUNDLE / "manifest.json").read_bytes),
    "signature": (
        lambda _, data: unseal(data, [load_public_key(RELEASED / "key.pub")]),
        (BUNDLE / "model.sig").read_bytes,
    ),
    "keyless signature": (
        lambda _, data: unseal(data, identity(KEYLESS / "trusted_root.json")),
        (KEYLESS / "rekor-1.sig").read_bytes,
    ),
    "keyless signature with a timestamp": (
        lambda _, data: unseal(data, identity(KEYLESS / "trusted_root.json")),
        (KEYLESS / "rekor-2.sig").read_bytes,
    ),
    "trusted root": (
        lambda folder, data: unseal(
            (KEYLESS / "rekor-1.sig").read_bytes(), identity(written(folder, "trusted_root.json", data))
        ),
        (KEYLESS / "trusted_root.json").read_bytes,
    ),
    "statement": (lambda _, data: read_statement(data), payload),
    "golden rows": (
        lambda folder, data: read_golden(written(folder, "golden.json", data), manifest().interface),
        (BUNDLE / "golden.json").read_bytes,
    ),
    "public key": (
        lambda folder, data: load_public_key(written(folder, "key.pub", data)),
        (RELEASED / "key.pub").read_bytes,
    ),
    "private key": (lambda _, data: parse_private_key(data, "key.pem"), lambda: private_key()),
    "revocation list": (
        lambda folder, data: read_revoked(written(folder, "revoked.txt", data)),
        lambda: f"# stolen\n{'ab' * 32} a laptop\n{'cd' * 32}\n".encode(),
    ),
    "zip": (unpack("b.zip"), lambda: packed("zip")),
    "tar": (unpack("b.tar.gz"), lambda: packed("tar")),
    "ONNX": (run_artifact("onnx", "m.onnx"), (BUNDLE / "onnx/model.onnx").read_bytes),
    "ONNX, read": (read_forest, (BUNDLE / "onnx/model.onnx").read_bytes),
    "Core ML": (run_artifact("coreml", "m.mlmodel"), (BUNDLE / "coreml/Rents.mlmodel").read_bytes),
    "MLmodel": (model_with("MLmodel"), lambda: model_files()["MLmodel"]),
    "skops": (model_with("model.skops"), lambda: model_files()["model.skops"]),
    "input example": (model_with("input_example.json"), lambda: model_files()["input_example.json"]),
    "CSV": (lambda folder, data: read_data(written(folder, "d.csv", data)), lambda: table("csv")),
    "JSON": (lambda folder, data: read_data(written(folder, "d.json", data)), lambda: table("json")),
    "Parquet": (lambda folder, data: read_data(written(folder, "d.parquet", data)), lambda: table("parquet")),
}


@cache
def private_key() -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    pem, form, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(pem, form, plain)


def answers_on_one_line(parse: Parse, folder: Path, damaged: bytes) -> None:
    try:
        parse(folder, damaged)
    except EdgepackError as error:
        assert "\n" not in str(error)


def tried(name: str, tmp_path: Path, **how: Any) -> None:
    parse, original = PARSERS[name]

    @settings(deadline=None, database=None, suppress_health_check=list(HealthCheck), **how)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        answers_on_one_line(parse, tmp_path, data.draw(mutilated(original())))

    run()


@pytest.mark.parametrize("name", PARSERS)
def test_a_damaged_file_is_read_or_refused(name: str, tmp_path: Path) -> None:
    if name == "Parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed: Parquet was NOT tested")
    if name == "Core ML":
        pytest.importorskip("coremltools", reason="coremltools is not installed: Core ML was NOT tested")
    tried(name, tmp_path, max_examples=30, derandomize=True)


@pytest.mark.conformance
@pytest.mark.parametrize("name", PARSERS)
def test_many_damaged_files_are_read_or_refused(name: str, tmp_path: Path) -> None:
    tried(name, tmp_path, max_examples=500)


@pytest.mark.parametrize("name", PARSERS)
def test_the_undamaged_file_is_read(name: str, tmp_path: Path) -> None:
    """So what is refused above is refused for its damage."""
    parse, original = PARSERS[name]
    try:
        parse(tmp_path, original())
    except EdgepackError as error:
        assert str(error) == "far enough"


@pytest.mark.parametrize("name", sorted({*PARSERS} - {"skops", "revocation list", "CSV"}))
def test_an_empty_file_is_refused(name: str, tmp_path: Path) -> None:
    if name == "ONNX, read":
        return  # an empty message is a graph that is not recognised
    with pytest.raises(EdgepackError):
        PARSERS[name][0](tmp_path, b"")
