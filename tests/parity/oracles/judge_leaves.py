"""Runs beside leafparity: its verdict on each of some pairs of an estimator and a file, as JSON.

Usage: python judge_leaves.py FOLDER   (of NAME.joblib and NAME.onnx)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import joblib
from leafparity import analyze


def main(folder: Path) -> None:
    found = {}
    for path in sorted(folder.glob("*.onnx")):
        estimator = joblib.load(path.with_suffix(".joblib"))
        result = analyze(estimator, str(path), input_dtype="float32")
        found[path.stem] = result.verdict["status"]
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
