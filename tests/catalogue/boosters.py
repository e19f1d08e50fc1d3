"""LightGBM, XGBoost and CatBoost."""

from __future__ import annotations

import numpy as np
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from xgboost import XGBClassifier, XGBRegressor, XGBRFClassifier, XGBRFRegressor

from catalogue.case import Case

LIGHT = {"n_estimators": 20, "num_leaves": 15, "verbose": -1, "random_state": 0, "n_jobs": 1, "min_child_samples": 5}
EXTREME = {"n_estimators": 20, "max_depth": 4, "random_state": 0, "n_jobs": 1}
CAT = {
    "iterations": 20,
    "depth": 4,
    "random_seed": 0,
    "verbose": False,
    "allow_writing_files": False,
    "thread_count": 1,
}

LIGHTGBM = {
    "LGBMClassifier": Case(make=lambda: LGBMClassifier(**LIGHT), target="binary"),
    "LGBMClassifier, words": Case(make=lambda: LGBMClassifier(**LIGHT), target="words"),
    "LGBMClassifier, one versus all": Case(
        make=lambda: LGBMClassifier(objective="multiclassova", sigmoid=1.5, **LIGHT), target="words"
    ),
    "LGBMClassifier, sigmoid, unbalanced": Case(
        make=lambda: LGBMClassifier(objective="binary", sigmoid=2.0, is_unbalance=True, **LIGHT), target="flags"
    ),
    "LGBMClassifier, missing": Case(make=lambda: LGBMClassifier(**LIGHT), rows="missing", target="binary"),
    "LGBMClassifier, zero as missing": Case(
        make=lambda: LGBMClassifier(zero_as_missing=True, **LIGHT), rows="missing", target="words"
    ),
    "LGBMClassifier, use_missing=False": Case(
        make=lambda: LGBMClassifier(use_missing=False, **LIGHT), rows="missing", target="words"
    ),
    "LGBMClassifier, random forest": Case(
        make=lambda: LGBMClassifier(boosting_type="rf", bagging_freq=1, bagging_fraction=0.7, **LIGHT), target="words"
    ),
    "LGBMClassifier, dart": Case(make=lambda: LGBMClassifier(boosting_type="dart", **LIGHT), target="binary"),
    "LGBMRegressor": Case(make=lambda: LGBMRegressor(**LIGHT)),
    "LGBMRegressor, categorical": Case(
        make=lambda: LGBMRegressor(
            categorical_feature=[3, 5], max_cat_to_onehot=1, min_data_per_group=5, cat_smooth=1, cat_l2=1, **LIGHT
        ),
        rows="missing",
    ),
    "LGBMRegressor, zero as missing": Case(make=lambda: LGBMRegressor(zero_as_missing=True, **LIGHT), rows="ordinal"),
    "LGBMRegressor, random forest": Case(
        make=lambda: LGBMRegressor(boosting_type="rf", bagging_freq=1, bagging_fraction=0.7, **LIGHT)
    ),
    **{
        f"LGBMRegressor, {objective}": Case(
            make=lambda objective=objective: LGBMRegressor(objective=objective, **LIGHT), target="positive"
        )
        for objective in ("poisson", "gamma", "tweedie", "huber", "quantile", "mape", "regression_l1", "fair")
    },
    "LGBMRegressor, reg_sqrt": Case(make=lambda: LGBMRegressor(reg_sqrt=True, **LIGHT)),
}

XGBOOST = {
    "XGBClassifier": Case(make=lambda: XGBClassifier(**EXTREME), target="binary"),
    "XGBClassifier, three classes": Case(make=lambda: XGBClassifier(**EXTREME), rows="missing", target="thirds"),
    "XGBClassifier, multilabel": Case(make=lambda: XGBClassifier(**EXTREME), target="labels"),
    "XGBClassifier, probabilities of labels": Case(
        make=lambda: XGBClassifier(**EXTREME), target="labels", output="predict_proba"
    ),
    "XGBClassifier, missing=0": Case(
        make=lambda: XGBClassifier(missing=0.0, **EXTREME), rows="ordinal", target="binary"
    ),
    "XGBClassifier, base_score": Case(
        make=lambda: XGBClassifier(base_score=0.2, scale_pos_weight=2, **EXTREME), target="binary"
    ),
    "XGBRFClassifier": Case(make=lambda: XGBRFClassifier(**EXTREME), target="thirds"),
    "XGBRegressor": Case(make=lambda: XGBRegressor(**EXTREME), rows="missing"),
    "XGBRegressor, two targets": Case(make=lambda: XGBRegressor(**EXTREME), target="pair"),
    "XGBRegressor, categorical": Case(
        make=lambda: XGBRegressor(
            feature_types=["q", "q", "q", "c", "q", "c"], enable_categorical=True, max_cat_to_onehot=1, **EXTREME
        ),
        rows="plain",
    ),
    "XGBRegressor, one-hot splits": Case(
        make=lambda: XGBRegressor(
            feature_types=["c", "q", "c", "c", "q", "c"], enable_categorical=True, max_cat_to_onehot=99, **EXTREME
        ),
        rows="ordinal",
    ),
    "XGBRegressor, dart": Case(make=lambda: XGBRegressor(booster="dart", rate_drop=0.3, **EXTREME)),
    "XGBRegressor, gblinear": Case(
        make=lambda: XGBRegressor(booster="gblinear", n_estimators=20, n_jobs=1),
        limit=1e4,  # the server rounds rows and sums to float32
    ),
    "XGBRFRegressor": Case(make=lambda: XGBRFRegressor(**EXTREME)),
    **{
        f"XGBRegressor, {objective}": Case(
            make=lambda objective=objective: XGBRegressor(objective=objective, **EXTREME), target="positive"
        )
        for objective in ("count:poisson", "reg:gamma", "reg:tweedie", "reg:absoluteerror", "reg:pseudohubererror")
    },
    "XGBRegressor, logistic": Case(make=lambda: XGBRegressor(objective="reg:logistic", **EXTREME), target="binary"),
    "XGBRegressor, quantiles": Case(
        make=lambda: XGBRegressor(objective="reg:quantileerror", quantile_alpha=np.array([0.2, 0.8]), **EXTREME)
    ),
}

CATBOOST = {
    "CatBoostClassifier": Case(make=lambda: CatBoostClassifier(**CAT), target="binary"),
    "CatBoostClassifier, words": Case(make=lambda: CatBoostClassifier(**CAT), rows="missing", target="words"),
    "CatBoostClassifier, one versus all": Case(
        make=lambda: CatBoostClassifier(loss_function="MultiClassOneVsAll", **CAT), target="words"
    ),
    **{
        f"CatBoostClassifier, {policy}": Case(
            make=lambda policy=policy: CatBoostClassifier(grow_policy=policy, **CAT), rows="missing", target="words"
        )
        for policy in ("Depthwise", "Lossguide")
    },
    "CatBoostRegressor": Case(make=lambda: CatBoostRegressor(**CAT), rows="missing"),
    "CatBoostRegressor, nan_mode Max": Case(make=lambda: CatBoostRegressor(nan_mode="Max", **CAT), rows="missing"),
    "CatBoostRegressor, two targets": Case(
        make=lambda: CatBoostRegressor(loss_function="MultiRMSE", **CAT), target="pair"
    ),
    "CatBoostRegressor, Poisson": Case(
        make=lambda: CatBoostRegressor(loss_function="Poisson", **CAT), target="positive"
    ),
    "CatBoostRegressor, Quantile": Case(make=lambda: CatBoostRegressor(loss_function="Quantile:alpha=0.8", **CAT)),
}

CASES = {**LIGHTGBM, **XGBOOST, **CATBOOST}
