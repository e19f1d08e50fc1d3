"""Transformers that project a row: components, random features, codes and pools."""

from __future__ import annotations

from edgepack.lower.project import codes, components, features, partial, pools

TRANSFORMERS = {
    **codes.TRANSFORMERS,
    **components.TRANSFORMERS,
    **features.TRANSFORMERS,
    **pools.TRANSFORMERS,
}

PREDICTORS = {**partial.PREDICTORS}
