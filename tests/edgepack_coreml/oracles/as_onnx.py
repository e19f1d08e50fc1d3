"""Runs beside onnxmltools: makes ONNX of Core ML models, and has ONNX Runtime answer the rows beside them.

Usage: python as_onnx.py FOLDER

Reads `<name>.mlmodel` and `<name>.npz` (an array per input); writes `<name>.answers.npz` (an array per output), or
`<name>.refused` with what onnxmltools said.
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxmltools.convert.common.data_types as data_types

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
if not hasattr(data_types, "find_type_conversion"):  # gone from today's common package, still imported here
    data_types.find_type_conversion = lambda _source, _target: "identity"


def answers(model: Any, columns: dict[str, Any]) -> dict[str, Any]:
    """What ONNX Runtime gives, a row at a time: Core ML's models have no batch."""
    import onnxruntime
    from onnxmltools.convert.coreml import operator_converters, shape_calculators  # noqa: F401  (they register)
    from onnxmltools.convert.coreml.convert import convert

    session = onnxruntime.InferenceSession(convert(model, "m").SerializeToString(), providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]
    rows: dict[str, list[Any]] = {name: [] for name in outputs}
    for k in range(len(next(iter(columns.values())))):
        given = {}
        for i in session.get_inputs():
            value = columns[i.name][k]
            dtype = object if i.type == "tensor(string)" else np.float32
            given[i.name] = np.asarray(value, dtype).reshape([1] * (len(i.shape) - 1) + [-1])
        for name, value in zip(outputs, session.run(None, given), strict=True):
            table = value[0] if isinstance(value, list) else value
            rows[name].append(list(table.values()) if isinstance(table, dict) else np.asarray(table).ravel())
            if isinstance(table, dict):
                rows.setdefault(f"{name} labels", []).append(list(table))
    tables = {name: np.array(values) for name, values in rows.items()}
    return {name: table.astype(str) if table.dtype == object else table for name, table in tables.items()}


def main() -> None:
    """Every model of the folder."""
    from coremltools.proto import Model_pb2

    for path in sorted(Path(sys.argv[1]).glob("*.mlmodel")):
        model = Model_pb2.Model()
        model.ParseFromString(path.read_bytes())
        try:
            found = answers(model, dict(np.load(path.with_suffix(".npz"), allow_pickle=False)))
        except Exception as error:
            path.with_suffix(".refused").write_text(f"{type(error).__name__}: {error}")
            continue
        np.savez(path.with_suffix(".answers.npz"), **found)


if __name__ == "__main__":
    main()
