"""Gaussian processes."""

from __future__ import annotations

from edgepack.lower.gaussian import classifier, regressor

PREDICTORS = {**classifier.PREDICTORS, **regressor.PREDICTORS}
