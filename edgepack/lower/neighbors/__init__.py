"""What looks at the fitted rows that are near: votes, means, outliers, densities and imputation."""

from __future__ import annotations

from edgepack.lower.neighbors import centroid, density, graph, imputer, outlier, votes

TRANSFORMERS = {
    **graph.TRANSFORMERS,
    **imputer.TRANSFORMERS,
}

PREDICTORS = {
    **centroid.PREDICTORS,
    **density.PREDICTORS,
    **outlier.PREDICTORS,
    **votes.PREDICTORS,
}
