"""Scalers, functions, and the type in which scikit-learn computes them."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.validation import check_array
from zoo import NUMBERS, STRINGS, check, classes, fitted, matrix, matrix_target, table, target, usual

from edgepack.errors import UnsupportedError
from edgepack.ir.ops import Affine
from edgepack.ir.ops.elementwise import FUNCTIONS
from edgepack.lower import lower

FRAME = table()
VALUE = target(FRAME)
X = matrix(width=3, missing=True)
Y = matrix_target(X)
FLAGS = (False, True)

SCALERS: list[Any] = [
    *(StandardScaler(with_mean=mean, with_std=std) for mean, std in product(FLAGS, FLAGS)),
    *(MinMaxScaler(clip=clip, feature_range=ends) for clip, ends in product(FLAGS, [(0, 1), (-3.5, 0.1)])),
    *(MaxAbsScaler(clip=clip) for clip in FLAGS),
    *(RobustScaler(with_centering=center, with_scaling=scaling) for center, scaling in product(FLAGS, FLAGS)),
    *(RobustScaler(unit_variance=unit, quantile_range=ends) for unit, ends in product(FLAGS, [(25, 75), (5.0, 60.0)])),
]


def forest() -> RandomForestRegressor:
    return RandomForestRegressor(5, max_depth=6, random_state=0)


@pytest.mark.parametrize("scaler", SCALERS, ids=repr)
def test_a_scaler_before_a_forest_and_before_a_linear_model(scaler: Any) -> None:
    check(fitted(make_pipeline(scaler, forest()), X, Y), X)
    numbers = make_pipeline(SimpleImputer(), scaler)
    check(fitted(make_pipeline(usual(numbers), Ridge()), FRAME, VALUE), FRAME, exact=False)


@pytest.mark.parametrize("scaler", [s for s in SCALERS if isinstance(s, StandardScaler | MaxAbsScaler)], ids=repr)
def test_a_scaler_of_a_sparse_table(scaler: Any) -> None:
    if getattr(scaler, "with_mean", False):
        pytest.skip("scikit-learn does not center sparse tables")
    table_ = usual(SimpleImputer(), sparse_threshold=1)
    check(fitted(make_pipeline(table_, scaler, forest()), FRAME, VALUE), FRAME)
    check(fitted(make_pipeline(table_, scaler, Ridge()), FRAME, VALUE), FRAME, exact=False)


def test_a_sparse_table_is_scaled_by_the_reciprocal() -> None:
    x = FRAME.fillna({"slope": 0.5, "area": 40.0})
    scaled = make_pipeline(usual("passthrough", sparse_threshold=1), MaxAbsScaler()).fit(x, VALUE)
    program = check(fitted(make_pipeline(scaled, Ridge()), x, VALUE), x, exact=False)
    lowered = lower(fitted(make_pipeline(scaled, Ridge()), x, VALUE), x)
    scalers = [n.op for n in lowered.nodes if isinstance(n.op, Affine)]
    assert [s.divisor for s in scalers] == [None]
    assert np.array_equal(scalers[0].factor, 1 / scaled[-1].scale_)
    assert not any(isinstance(n.op, Affine) for n in program.nodes)


def test_a_scaler_fitted_on_float32_scales_sparsely_in_float32() -> None:
    x = FRAME.astype(dict.fromkeys(NUMBERS, np.float32))
    sparse = usual(SimpleImputer(), sparse_threshold=1)
    for scaler in (MaxAbsScaler(), StandardScaler(with_mean=False), RobustScaler(with_centering=False)):
        check(fitted(make_pipeline(sparse, scaler, forest()), x, VALUE), x)
        check(fitted(make_pipeline(sparse, scaler, Ridge()), x, VALUE), x, exact=False)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_before_a_forest(name: str) -> None:
    x = np.abs(matrix()) * 0.1 + 1e-3 if name.startswith("log") or name in ("sqrt", "reciprocal") else matrix() * 0.1
    x = x.astype(np.float32).astype(np.float64)
    steps = make_pipeline(FunctionTransformer(FUNCTIONS[name]), StandardScaler())
    check(fitted(make_pipeline(steps, forest()), x, matrix_target(x)), x)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_before_a_linear_model(name: str) -> None:
    numbers = make_pipeline(SimpleImputer(), FunctionTransformer(np.absolute), MinMaxScaler((0.5, 2), clip=True))
    model = make_pipeline(usual(make_pipeline(numbers, FunctionTransformer(FUNCTIONS[name]))), Ridge())
    check(fitted(model, FRAME, VALUE), FRAME, exact=False)


@pytest.mark.parametrize("function", [None, FunctionTransformer().func])
def test_a_function_transformer_without_a_function_does_nothing(function: Any) -> None:
    check(fitted(make_pipeline(FunctionTransformer(function), forest()), X, Y), X)


@pytest.mark.parametrize(
    ("transformer", "reason"),
    [
        (FunctionTransformer(np.log1p, kw_args={"where": True}), r"numpy.*log1p with the arguments \{'where': True\}"),
        (FunctionTransformer(np.sinc), "function numpy.sinc; use one of numpy's and scipy.special's absolute, arcsinh"),
        (
            FunctionTransformer(partial(check_array, dtype=int, ensure_all_finite=False)),
            "function functools.partial of sklearn",
        ),
    ],
)
def test_other_functions_are_refused(transformer: FunctionTransformer, reason: str) -> None:
    x = np.abs(matrix())
    model = fitted(make_pipeline(transformer, forest()), x, matrix_target(x))
    with pytest.raises(UnsupportedError, match=f"functiontransformer → FunctionTransformer: {reason}"):
        lower(model, x)


HOT32 = OneHotEncoder(handle_unknown="ignore", dtype=np.float32, sparse_output=False)
CODE32 = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, dtype=np.float32)
CODE8 = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2, dtype=np.int8)


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(), MaxAbsScaler(), RobustScaler()], ids=repr)
def test_a_scaler_that_computes_in_float32_is_refused(scaler: Any) -> None:
    model = make_pipeline(ColumnTransformer([("code", make_pipeline(CODE32, scaler), ["roof"])]), forest())
    with pytest.raises(UnsupportedError, match="scikit-learn computes in float32 here; give the encoder before it"):
        lower(fitted(model, FRAME, VALUE), FRAME)


@pytest.mark.parametrize("last", [Ridge(), LogisticRegression()], ids=repr)
def test_a_linear_model_that_computes_in_float32_is_refused(last: Any) -> None:
    model = make_pipeline(ColumnTransformer([("hot", HOT32, STRINGS)]), last)
    y = VALUE if isinstance(last, Ridge) else classes(VALUE, [0, 1])
    with pytest.raises(UnsupportedError, match="scikit-learn computes in float32 here"):
        lower(fitted(model, FRAME, y), FRAME)


@pytest.mark.parametrize("encoder", [HOT32, CODE32, CODE8], ids=repr)
def test_narrow_encoders_beside_float64_columns_are_promoted(encoder: Any) -> None:
    x = FRAME.fillna({"zone": "none"})
    side_by_side = ColumnTransformer([("s", encoder, STRINGS), ("n", SimpleImputer(), NUMBERS)])
    check(fitted(make_pipeline(side_by_side, StandardScaler(), Ridge()), x, VALUE), x, exact=False)
    union = FeatureUnion([("a", side_by_side), ("b", ColumnTransformer([("s", encoder, STRINGS)]))])
    check(fitted(make_pipeline(union, MinMaxScaler(), forest()), x, VALUE), x)


def test_narrow_encoders_before_trees_are_exact() -> None:
    for last in (forest(), HistGradientBoostingRegressor(max_iter=4, min_samples_leaf=5)):
        model = make_pipeline(ColumnTransformer([("hot", HOT32, STRINGS), ("code", CODE8, ["roof"])]), last)
        check(fitted(model, FRAME, VALUE), FRAME)


def test_a_frame_keeps_its_columns_types_apart() -> None:
    x = FRAME.fillna({"zone": "none"})
    parts = [("s", CODE32, STRINGS), ("n", SimpleImputer(), NUMBERS)]
    frame = ColumnTransformer(parts, verbose_feature_names_out=False).set_output(transform="pandas")
    inner = ColumnTransformer([("scaled", StandardScaler(), STRINGS)])
    with pytest.raises(UnsupportedError, match="scikit-learn computes in float32 here"):
        lower(fitted(make_pipeline(frame, inner, forest()), x, VALUE), x)
    check(fitted(make_pipeline(frame, StandardScaler(), forest()), x, VALUE), x)


@pytest.mark.parametrize(
    ("encoder", "name"), product([CODE8, OneHotEncoder(dtype=bool, sparse_output=False)], ["exp", "negative"])
)
def test_a_function_of_other_types_is_refused(encoder: Any, name: str) -> None:
    steps = make_pipeline(encoder, FunctionTransformer(FUNCTIONS[name]))
    x = FRAME.fillna({"zone": "none"})
    try:
        model = fitted(make_pipeline(ColumnTransformer([("s", steps, STRINGS)]), forest()), x, VALUE)
    except TypeError:
        return  # numpy itself has no negative of bool
    with pytest.raises(UnsupportedError, match=f"numpy.{name} of (int8|bool); let the step before it give float64"):
        lower(model, x)


def test_integers_are_scaled_in_float64() -> None:
    x = FRAME.fillna({"zone": "none"})
    for scaler in (StandardScaler(), MinMaxScaler(clip=True), MaxAbsScaler(), RobustScaler()):
        model = make_pipeline(ColumnTransformer([("s", make_pipeline(CODE8, scaler), STRINGS)]), Ridge())
        check(fitted(model, x, VALUE), x, exact=False)
