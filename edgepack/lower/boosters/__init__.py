"""LightGBM, XGBoost and CatBoost: their own model files, read as trees.

The libraries are never imported: an estimator of theirs is known by its class's full name, and brings its library.
"""

from __future__ import annotations

from edgepack.lower.boosters import catboost, lightgbm, xgboost

PREDICTORS = {**catboost.PREDICTORS, **lightgbm.PREDICTORS, **xgboost.PREDICTORS}
"""By the full name of the estimator's class."""
