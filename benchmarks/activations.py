"""Whether quantizing activations, too, pays: edgepack's w8a8 beside ONNX Runtime's static int8, float32 and int8.

`python -m benchmarks.activations` prints the table that docs/quantization.md ends with. S8S8, per channel, calibrated
on 300 training rows: the form that does not saturate as U8S8 does where the processor has no VNNI.
"""

from __future__ import annotations

import platform
import tempfile
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks import measure, peer
from edgepack.compiler import Compiled
from edgepack.contract import EmitOptions
from edgepack.lower import lower
from edgepack.passes import optimize
from edgepack.quantize import Method
from edgepack.rows import columns_of
from edgepack.targets import find_target

CALIBRATION_ROWS = 300
METHODS: tuple[Method, ...] = ("int8", "w8a8")
LAYERS = ((256, 128), (64,), (512, 512))


def table() -> list[str]:
    """The lines of the table."""
    lines = [
        f"ONNX Runtime {onnxruntime.__version__}, {platform.machine()}, one thread, digits.",
        "",
        "| network | form | bytes | 1 row µs | 64 rows µs | largest Δ | labels |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    x, y = datasets.load_digits(return_X_y=True)
    train, held, wanted, _ = train_test_split(x.astype(np.float32).astype(np.float64), y, random_state=0)
    for layers in LAYERS:
        with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
            warnings.simplefilter("ignore")
            fitted = make_pipeline(StandardScaler(), MLPClassifier(layers, random_state=0)).fit(train, wanted)
            lines += _rows("-".join(map(str, layers)), fitted, train, held, Path(folder))
    return lines


def _rows(name: str, fitted: Any, train: Any, held: Any, folder: Path) -> list[str]:
    files = {"float32 (skl2onnx)": folder / "float32.onnx", "static int8 (QDQ)": folder / "qdq.onnx"}
    files["float32 (skl2onnx)"].write_bytes(peer.convert_matrix(fitted, train.shape[1]))
    _quantized(*files.values(), train.astype(np.float32))
    for method in METHODS:
        files[f"edgepack --quantize {method}"] = _ours(fitted, train, folder, method)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = {form: onnxruntime.InferenceSession(str(path), options) for form, path in files.items()}
    single = held.astype(np.float32)
    server, times = fitted.predict_proba(held), []
    for rows in (1, 64):
        calls = {form: _call(session, single[:rows]) for form, session in sessions.items()}
        times.append(measure.interleaved_us(calls, calls=100, rounds=5))
    lines = []
    for form, session in sessions.items():
        (answer,) = [a for a in _call(session, single)(0) if getattr(a, "ndim", 0) == 2]
        size, error = files[form].stat().st_size, np.abs(answer - server).max()
        changed = (answer.argmax(axis=1) != server.argmax(axis=1)).mean()
        one, many = (found[form] for found in times)
        lines.append(f"| {name} | {form} | {size:,} | {one:.1f} | {many:.0f} | {error:.2g} | {changed:.2%} |")
        name = ""
    return lines


def _call(session: Any, rows: Any) -> Any:
    feed = {session.get_inputs()[0].name: rows}
    return lambda _k: session.run(None, feed)


def _quantized(source: Path, into: Path, rows: Any) -> None:
    """Writes the graph with QuantizeLinear and DequantizeLinear around its products."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Rows(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left = iter([{"X": rows[k : k + 1]} for k in range(CALIBRATION_ROWS)])

        def get_next(self) -> Any:
            return next(self.left, None)

    quantize_static(
        str(source),
        str(into),
        Rows(),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=["MatMul", "Gemm"],
    )


def _ours(fitted: Any, train: Any, folder: Path, method: Method) -> Path:
    lowered, sample = lower(fitted, train[:8], fallback=False), train[:8]
    source: Any = SimpleNamespace(name="digits")
    program = optimize(lowered)
    compiled = Compiled(source=source, estimator=fitted, sample=sample, lowered=lowered, program=program)
    options = EmitOptions(packs=True, precision="float32")
    ranges = compiled.calibrated(columns_of(train[:CALIBRATION_ROWS], lowered.interface))
    into = folder / method
    into.mkdir()
    return find_target("onnx").emit(compiled.quantized_by(method, ranges).program, into, options).path


if __name__ == "__main__":
    print("\n".join(table()))
