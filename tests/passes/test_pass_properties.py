"""Random pipelines: whatever the steps, every stage answers as scikit-learn does."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import Ridge
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
from sklearn.tree import DecisionTreeRegressor
from zoo import check, classes, fitted, table, target, usual

FRAME = table(200)
VALUE = target(FRAME)
FEW = settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

FUNCTIONS = ["negative", "cbrt", "tanh", "arcsinh", "floor", "sign", "square", "absolute", "log1p", "sqrt", "arctan"]
FILLS = st.builds(
    SimpleImputer,
    strategy=st.sampled_from(["mean", "median", "most_frequent"]),
    add_indicator=st.booleans(),
)
SCALERS = st.one_of(
    st.builds(StandardScaler, with_mean=st.booleans(), with_std=st.booleans()),
    st.builds(MinMaxScaler, clip=st.booleans()),
    st.builds(RobustScaler, with_centering=st.booleans()),
    st.builds(MaxAbsScaler),
    st.sampled_from(FUNCTIONS).map(lambda name: FunctionTransformer(getattr(np, name))),
)
CHAINS = st.lists(st.one_of(SCALERS, FILLS), min_size=1, max_size=4).map(lambda steps: make_pipeline(*steps))
UNIONS = st.lists(CHAINS, min_size=1, max_size=3).map(
    lambda chains: FeatureUnion(
        [("raw", MissingIndicator(features="all")), *((str(k), c) for k, c in enumerate(chains))]
    )
)
HOTS = st.builds(
    OneHotEncoder,
    handle_unknown=st.sampled_from(["ignore", "infrequent_if_exist"]),
    drop=st.sampled_from([None, "first", "if_binary"]),
    min_frequency=st.sampled_from([None, 12]),
    sparse_output=st.booleans(),
)
CODES = st.builds(
    OrdinalEncoder,
    handle_unknown=st.just("use_encoded_value"),
    unknown_value=st.sampled_from([-1, np.nan, 77]),
    encoded_missing_value=st.sampled_from([np.nan, -2]),
    max_categories=st.sampled_from([None, 4]),
)
FILLED = st.builds(make_pipeline, st.just(SimpleImputer(strategy="most_frequent")), st.one_of(HOTS, CODES))
STRINGS = st.one_of(HOTS, CODES, FILLED)
TREES = st.one_of(
    st.builds(
        RandomForestRegressor, n_estimators=st.integers(1, 5), max_depth=st.integers(1, 8), random_state=st.just(0)
    ),
    st.builds(DecisionTreeRegressor, max_leaf_nodes=st.integers(2, 40), random_state=st.just(0)),
    st.builds(HistGradientBoostingRegressor, max_iter=st.integers(1, 5), min_samples_leaf=st.integers(2, 9)),
)


def accepted(numbers: Any, strings: Any, last: Any, y: np.ndarray) -> Any:
    """The fitted pipeline; None where scikit-learn itself refuses it (an infinite value, NaN before a linear model)."""
    try:
        with np.errstate(all="ignore"):
            model = fitted(make_pipeline(usual(numbers, strings, sparse_threshold=0), last), FRAME, y)
            model.predict(FRAME)
    except (ValueError, TypeError):
        return None
    return model


@FEW
@given(numbers=st.one_of(CHAINS, UNIONS), strings=STRINGS, last=TREES)
def test_any_steps_before_trees(numbers: Any, strings: Any, last: Any) -> None:
    model = accepted(numbers, strings, last, VALUE)
    if model is not None:
        check(model, FRAME, rows=500)


@settings(FEW, max_examples=8)
@given(numbers=CHAINS, strings=STRINGS, labels=st.sampled_from([[0, 1], ["a", "b", "c"], [False, True]]))
def test_any_steps_before_a_classifier(numbers: Any, strings: Any, labels: list[Any]) -> None:
    last = RandomForestClassifier(4, random_state=0, max_depth=7)
    model = accepted(numbers, strings, last, classes(VALUE, labels))
    if model is not None:
        check(model, FRAME, rows=500)


@settings(FEW, max_examples=10)
@given(numbers=CHAINS, strings=st.one_of(HOTS, FILLED))
def test_any_steps_before_a_linear_model(numbers: Any, strings: Any) -> None:
    model = accepted(make_pipeline(SimpleImputer(), numbers), strings, Ridge(), VALUE)
    if model is not None:
        check(model, FRAME, rows=500, exact=False, tolerance=1e-9)
