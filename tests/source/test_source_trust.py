import os

import numpy as np
import pandas as pd
import pytest
import skops.io
from scipy.special import expit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    StackingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.linear_model import LogisticRegression, Ridge, TweedieRegressor
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, OneHotEncoder, SplineTransformer, TargetEncoder
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from edgepack.errors import SourceError
from edgepack.source import load
from edgepack.source.trust import TRUSTED_TYPES

RANDOM = np.random.default_rng(0)
NUMBERS = np.abs(RANDOM.normal(size=(40, 3)))
CLASSES = np.digitize(NUMBERS[:, 0], [0.4, 0.9])
VALUES = NUMBERS[:, 0] + 0.1
TABLE = pd.DataFrame({"a": NUMBERS[:, 0], "b": NUMBERS[:, 1], "kind": pd.Categorical(RANDOM.choice(["x", "y"], 40))})
TEXTS = ["red wine", "white wine"] * 20

FITTED = {
    "DecisionTree": lambda: DecisionTreeClassifier().fit(NUMBERS, CLASSES),
    "RandomForest": lambda: RandomForestClassifier(3).fit(NUMBERS, CLASSES),
    "ExtraTrees": lambda: ExtraTreesRegressor(3).fit(NUMBERS, VALUES),
    "GradientBoostingClassifier": lambda: GradientBoostingClassifier(n_estimators=3).fit(NUMBERS, CLASSES),
    "GradientBoostingRegressor": lambda: GradientBoostingRegressor(n_estimators=3, loss="huber").fit(NUMBERS, VALUES),
    "HistGradientBoostingClassifier": lambda: HistGradientBoostingClassifier(max_iter=3).fit(TABLE, CLASSES),
    "HistGradientBoostingRegressor": lambda: HistGradientBoostingRegressor(loss="gamma", max_iter=3).fit(
        NUMBERS, VALUES
    ),
    "IsolationForest": lambda: IsolationForest(n_estimators=3, max_features=0.5).fit(NUMBERS),
    "kd tree": lambda: KNeighborsClassifier(algorithm="kd_tree").fit(NUMBERS, CLASSES),
    "ball tree": lambda: KNeighborsClassifier(algorithm="ball_tree", metric="manhattan").fit(NUMBERS, CLASSES),
    "sparse": lambda: make_pipeline(TfidfVectorizer(), KNeighborsClassifier()).fit(TEXTS, CLASSES),
    "SVC": lambda: SVC().fit(NUMBERS, CLASSES),
    "precomputed kernel": lambda: SVC(kernel="precomputed").fit(NUMBERS @ NUMBERS.T, CLASSES),
    "TargetEncoder": lambda: make_pipeline(TargetEncoder(), Ridge()).fit(TABLE[["kind"]], VALUES),
    "TransformedTarget": lambda: TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1).fit(
        NUMBERS, VALUES
    ),
    "numpy ufunc": lambda: make_pipeline(FunctionTransformer(np.log1p), Ridge()).fit(NUMBERS, VALUES),
    "scipy ufunc": lambda: make_pipeline(FunctionTransformer(expit), Ridge()).fit(NUMBERS, VALUES),
    "column selectors": lambda: make_pipeline(
        make_column_transformer(
            ("passthrough", make_column_selector(dtype_include=np.number)),
            (OneHotEncoder(dtype=np.float32), make_column_selector(dtype_include="category", dtype_exclude=object)),
        ),
        Ridge(),
    ).fit(TABLE, VALUES),
    "splines and bins": lambda: make_pipeline(SplineTransformer(), KBinsDiscretizer(3), Ridge()).fit(NUMBERS, VALUES),
    "selection": lambda: make_pipeline(SelectKBest(f_regression, k=2), Ridge()).fit(NUMBERS, VALUES),
    "search": lambda: GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2).fit(NUMBERS, VALUES),
    "calibrated": lambda: CalibratedClassifierCV(LogisticRegression(), cv=2).fit(NUMBERS, CLASSES),
    "stacked": lambda: StackingRegressor([("a", Ridge()), ("b", Ridge())], cv=2).fit(NUMBERS, VALUES),
    "Gaussian process": lambda: GaussianProcessRegressor(RBF() + WhiteKernel()).fit(NUMBERS, VALUES),
    "MLP": lambda: MLPClassifier((3,), max_iter=3).fit(NUMBERS, CLASSES),
    "Tweedie": lambda: TweedieRegressor(power=1.5).fit(NUMBERS, VALUES),
}


@pytest.mark.parametrize("name", FITTED)
@pytest.mark.filterwarnings("ignore")
def test_the_usual_pipelines_load_without_a_pickle(save, name):
    estimator = FITTED[name]()
    assert type(load(save(estimator)).estimator) is type(estimator)


@pytest.mark.parametrize("function", [os.system, np.load, np.fromfile, eval, pd.read_pickle])
def test_a_function_that_is_no_ufunc_is_refused_by_name(save, function):
    estimator = make_pipeline(FunctionTransformer(lambda rows: rows), Ridge()).fit(NUMBERS, VALUES)
    estimator[0].func = function
    with pytest.raises(SourceError, match=f"does not trust: .*{function.__name__}; build the pipeline from"):
        load(save(estimator))


def test_the_list_of_trusted_types_in_the_models_own_description_is_not_believed(save):
    content = skops.io.dumps(FunctionTransformer(os.system).fit(NUMBERS))
    named = skops.io.get_untrusted_types(data=content)
    with pytest.raises(SourceError, match="does not trust"):
        load(save(content=content, flavor={"skops_trusted_types": named}))


@pytest.mark.parametrize("node", ["FunctionNode", "TypeNode", "ObjectNode", "ConstructorFromReduceNode"])
def test_a_forged_node_does_not_run_what_it_names(save, rewrite, tmp_path, node):
    """Somebody edits the schema of an honest file so that a trusted function becomes `os.system`."""
    honest = skops.io.dumps(FunctionTransformer(np.log1p).fit(NUMBERS))
    forged = rewrite(
        honest,
        lambda schema: (
            schema.replace('"log1p"', '"system"').replace('"numpy"', '"os"').replace('"FunctionNode"', f'"{node}"')
        ),
    )
    assert forged != honest
    with pytest.raises(SourceError):
        load(save(content=forged))


@pytest.mark.parametrize("protocol", [0, 1])
def test_an_older_protocol_does_not_open_the_door(save, rewrite, protocol):
    content = skops.io.dumps(FunctionTransformer(os.system).fit(NUMBERS))
    older = rewrite(content, lambda schema: schema.replace('"protocol": 2', f'"protocol": {protocol}'))
    assert older != content
    with pytest.raises(SourceError):
        load(save(content=older))


@pytest.mark.parametrize("dangerous", ["builtins.eval", "builtins.getattr", "os.system", "posix.system", "numpy.load"])
def test_nothing_that_could_run_code_is_trusted(dangerous):
    assert dangerous not in TRUSTED_TYPES


def test_every_trusted_name_exists():
    import importlib

    for name in TRUSTED_TYPES:
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name


@pytest.mark.parametrize("scoring", [None, "r2"])
def test_a_halving_search_needs_no_pickle(save, scoring):
    search = HalvingGridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, scoring=scoring, random_state=0)
    search.fit(np.arange(200.0).reshape(100, 2), np.arange(100.0))
    assert load(save(content=skops.io.dumps(search))).estimator.best_params_ == search.best_params_
