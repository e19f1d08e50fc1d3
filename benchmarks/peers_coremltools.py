"""Runs where `coremltools9.txt` is installed: coremltools on the forest of `benchmarks.peers`, fitted there.

`python peers_coremltools.py ROWS.npy FOLDER TREES DEPTH` prints a line of JSON as `peers_in_c.py` does, without a
latency, and writes the model to `FOLDER/coremltools.mlmodel` and scikit-learn 1.5.1's own probabilities of all rows to
`FOLDER/coremltools.server.npy`.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from peers_in_c import forest

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)


def main() -> None:
    """Converts and times."""
    from coremltools.converters.sklearn import convert

    rows, folder = np.load(sys.argv[1]), Path(sys.argv[2])
    fitted = forest(int(sys.argv[3]), int(sys.argv[4]))
    names = [f"f{j}" for j in range(rows.shape[1])]
    convert(forest(1, 2), names, "out")  # imports are not timed
    start = time.perf_counter()
    model = convert(fitted, names, "out").get_spec().SerializeToString()
    seconds = time.perf_counter() - start
    (folder / "coremltools.mlmodel").write_bytes(model)
    np.save(folder / "coremltools.server.npy", fitted.predict_proba(rows))
    print(json.dumps({"tool": "coremltools", "seconds": seconds, "bytes": len(model)}), flush=True)


if __name__ == "__main__":
    main()
