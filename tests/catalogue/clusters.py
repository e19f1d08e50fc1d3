"""Clusters that a new row is put into."""

from __future__ import annotations

from itertools import product

from sklearn import cluster
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from catalogue.case import Case

# the server takes squares of distances apart: |x|² − 2 x·c + |c|² has no digits of the last two left beyond
LIMIT = 1e5

CASES = {
    **{
        f"{kind.__name__}, {output}": Case(
            make=lambda kind=kind: kind(4, random_state=0), target="none", output=output, limit=LIMIT
        )
        for kind, output in product(
            [cluster.KMeans, cluster.MiniBatchKMeans, cluster.BisectingKMeans], ["predict", "transform"]
        )
    },
    **{
        f"Birch, {clusters}, {output}": Case(
            make=lambda clusters=clusters: cluster.Birch(threshold=2.0, n_clusters=clusters),
            target="none",
            output=output,
            limit=LIMIT,
        )
        for clusters, output in product([3, None], ["predict", "transform"])
    },
    "AffinityPropagation": Case(
        make=lambda: cluster.AffinityPropagation(damping=0.9, preference=-900, random_state=0),
        target="none",
        limit=LIMIT,
    ),
    "MeanShift": Case(make=lambda: cluster.MeanShift(bandwidth=6.0), target="none", limit=LIMIT),
    "KMeans, logistic": Case(
        make=lambda: make_pipeline(cluster.KMeans(5, random_state=0), LogisticRegression()),
        target="words",
        limit=LIMIT,
    ),
}
