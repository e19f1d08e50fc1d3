"""Runs beside scikit-learn 1.5.1: how long coremltools takes to convert and to encode a forest. Usage: … TREES

Its own import and the fit are not timed; the fewest CPU seconds of three runs are printed with the number of nodes.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings

import numpy as np
from sklearn.ensemble import RandomForestClassifier

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)


def main() -> None:
    """Fits the forest of `benchmarks.coreml.forest`, converts it, and prints JSON."""
    import coremltools

    r = np.random.default_rng(0)
    x = r.normal(size=(12_000, 12)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] + r.normal(0, 1, len(x)) > 0).astype(np.int64)
    forest = RandomForestClassifier(int(sys.argv[1]), n_jobs=2, random_state=0).fit(x, y)
    names = [f"f{j}" for j in range(x.shape[1])]
    times = []
    for _ in range(3):
        start = time.process_time()
        size = len(coremltools.converters.sklearn.convert(forest, names, "out").get_spec().SerializeToString())
        times.append(time.process_time() - start)
    nodes = sum(tree.tree_.node_count for tree in forest.estimators_)
    print(json.dumps({"nodes": nodes, "seconds": min(times), "bytes": size}))


if __name__ == "__main__":
    main()
