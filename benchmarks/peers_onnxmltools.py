"""Runs where `onnxmltools.txt` is installed: onnxmltools (over skl2onnx) on the forest of `benchmarks.peers`.

`python peers_onnxmltools.py ROWS.npy FOLDER TREES DEPTH` prints and writes what `peers_in_c.py` does.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from peers_in_c import forest, row_us


def main() -> None:
    """Converts, times and answers."""
    import onnxmltools
    import onnxruntime
    from skl2onnx.common.data_types import FloatTensorType

    rows, folder = np.load(sys.argv[1]).astype(np.float32), Path(sys.argv[2])
    fitted = forest(int(sys.argv[3]), int(sys.argv[4]))
    types = [("X", FloatTensorType([None, rows.shape[1]]))]
    onnxmltools.convert_sklearn(forest(1, 2), initial_types=types, target_opset=15)  # imports are not timed
    start = time.perf_counter()
    model = onnxmltools.convert_sklearn(fitted, initial_types=types, target_opset=15).SerializeToString()
    seconds = time.perf_counter() - start
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    np.save(folder / "onnxmltools.npy", _numbers(session.run(None, {"X": rows})[1]))
    given = [{"X": rows[k : k + 1]} for k in range(256)]
    latency = row_us(lambda row: session.run(None, given[int(row[0])]), np.arange(256.0)[:, None])
    print(json.dumps({"tool": "onnxmltools", "seconds": seconds, "bytes": len(model), "row_us": latency}), flush=True)


def _numbers(probabilities: Any) -> np.ndarray:
    """Of a list of a dictionary per row, as its ZipMap gives."""
    if isinstance(probabilities, np.ndarray):
        return probabilities
    return np.array([[row[label] for label in sorted(row)] for row in probabilities])


if __name__ == "__main__":
    main()
