"""Estimators made of estimators."""

from __future__ import annotations

from edgepack.lower.meta import boosted, calibrated, classes, stacked, targets, votes, wrapped

PREDICTORS = {
    **boosted.PREDICTORS,
    **calibrated.PREDICTORS,
    **classes.PREDICTORS,
    **stacked.PREDICTORS,
    **targets.PREDICTORS,
    **votes.PREDICTORS,
    **wrapped.PREDICTORS,
}

COMPOSITIONS = {**stacked.COMPOSITIONS, **votes.COMPOSITIONS, **wrapped.COMPOSITIONS}
