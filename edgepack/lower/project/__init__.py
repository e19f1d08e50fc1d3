"""Transformers that project a row: components, random features, codes and pools."""

from __future__ import annotations

from edgepack.lower.project import codes, components, features, manifolds, partial, pools, spectral

TRANSFORMERS = {
    **codes.TRANSFORMERS,
    **components.TRANSFORMERS,
    **features.TRANSFORMERS,
    **manifolds.TRANSFORMERS,
    **pools.TRANSFORMERS,
    **spectral.TRANSFORMERS,
}

PREDICTORS = {**partial.PREDICTORS}
