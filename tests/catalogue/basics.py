"""Scalers, imputers, indicators and encoders by themselves, with every flag that changes a number."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

from catalogue.case import Case


def transform(kind: Any, *, rows: str = "plain", sparse: bool = False, **options: Any) -> Case:
    """What a transformer that learns without a target makes of a row."""
    return Case(make=lambda: kind(**options), rows=rows, target="none", output="transform", sparse=sparse)


SCALERS = {
    **{
        f"StandardScaler, mean {mean}, deviation {deviation}{', sparse' * sparse}": transform(
            StandardScaler, with_mean=mean, with_std=deviation, sparse=sparse
        )
        for mean, deviation, sparse in [
            (True, True, False),
            (True, False, False),
            (False, True, False),
            (False, False, False),
            (False, True, True),
        ]
    },
    "StandardScaler, missing": transform(StandardScaler, rows="missing"),
    **{
        f"MinMaxScaler, {low} to {high}{', clip' * clip}, {rows}": transform(
            MinMaxScaler, feature_range=(low, high), clip=clip, rows=rows
        )
        for (low, high), clip, rows in product([(0, 1), (-3.5, 0.25)], [False, True], ["plain", "missing"])
    },
    **{
        f"MaxAbsScaler{', clip' * clip}{', sparse' * sparse}": transform(MaxAbsScaler, clip=clip, sparse=sparse)
        for clip, sparse in product([False, True], [False, True])
    },
    **{
        f"RobustScaler, centre {centre}, scale {scale}, {span}{', unit' * unit}": transform(
            RobustScaler, with_centering=centre, with_scaling=scale, quantile_range=span, unit_variance=unit
        )
        for centre, scale, span, unit in [
            (True, True, (25.0, 75.0), False),
            (True, True, (10.0, 95.0), True),
            (True, False, (25.0, 75.0), False),
            (False, True, (5.0, 50.0), False),
        ]
    },
}

MISSING = {
    **{
        f"SimpleImputer, {strategy}{', indicator' * indicator}, {rows}": transform(
            SimpleImputer, strategy=strategy, add_indicator=indicator, rows=rows
        )
        for strategy, indicator, rows in product(
            ["mean", "median", "most_frequent", "constant"], [False, True], ["plain", "missing"]
        )
    },
    **{
        f"SimpleImputer, {missing}, {strategy}": transform(
            SimpleImputer, missing_values=missing, strategy=strategy, add_indicator=True, fill_value=fill, rows="counts"
        )
        for missing, strategy, fill in [(0.0, "mean", None), (2.0, "constant", -7.5), (1.0, "most_frequent", None)]
    },
    **{
        f"MissingIndicator, {features}, {rows}": transform(
            MissingIndicator, features=features, error_on_new=False, rows=rows
        )
        for features, rows in [("missing-only", "missing"), ("all", "missing"), ("all", "plain")]
    },
}

ENCODERS = {
    **{
        f"OneHotEncoder, drop {drop}, {unknown}{', rare' * bool(rare)}{', sparse' * sparse}": transform(
            OneHotEncoder,
            drop=drop,
            handle_unknown=unknown,
            sparse_output=sparse,
            rows="ordinal",
            **rare,
        )
        for drop, unknown, rare, sparse in [
            (None, "error", {}, False),
            (None, "ignore", {}, True),
            (None, "ignore", {"max_categories": 3}, False),
            (None, "infrequent_if_exist", {"min_frequency": 0.2}, False),
            (None, "infrequent_if_exist", {"max_categories": 4}, True),
            (None, "warn", {"min_frequency": 50}, False),
            ("first", "error", {}, False),
            ("first", "ignore", {"min_frequency": 50}, False),
            ("if_binary", "ignore", {}, False),
        ]
    },
    "OneHotEncoder, binary, if_binary": transform(OneHotEncoder, drop="if_binary", sparse_output=False, rows="binary"),
    **{
        f"OrdinalEncoder, {unknown} {value}{', rare' * bool(rare)}": transform(
            OrdinalEncoder, handle_unknown=unknown, unknown_value=value, rows="ordinal", **rare
        )
        for unknown, value, rare in [
            ("error", None, {}),
            ("use_encoded_value", -1, {}),
            ("use_encoded_value", np.nan, {}),
            ("use_encoded_value", -1, {"min_frequency": 50}),
            ("use_encoded_value", 9, {"max_categories": 3}),
        ]
    },
}

WEIGHTS = {
    f"TfidfTransformer, {norm}{', sublinear' * sublinear}{', idf' * idf}, {rows}{', sparse' * sparse}": transform(
        TfidfTransformer, norm=norm, sublinear_tf=sublinear, use_idf=idf, rows=rows, sparse=sparse
    )
    for norm, sublinear, idf, (rows, sparse) in product(
        ["l1", "l2", None], [False, True], [False, True], [("counts", False), ("counts", True), ("positive", False)]
    )
}

CASES = {**SCALERS, **MISSING, **ENCODERS, **WEIGHTS}
