"""Fitted state comes back from its plain form bit for bit, and a plain form that lies is refused."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, SplineTransformer, StandardScaler
from sklearn.svm import SVC

from edgepack.errors import SourceError
from edgepack.source.bounds import check_bounds
from edgepack.source.isolated.changes import updated
from edgepack.source.isolated.inside.flatten import flatten
from edgepack.source.isolated.rebuild import rebuild
from edgepack.source.trust import TRUSTED_TYPES

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(60, 3))
LABELS = np.array(["no", "yes", "may"])[np.digitize(ROWS[:, 0], [-0.5, 0.5])]
TABLE = pd.DataFrame({"age": ROWS[:, 0], "city": RANDOM.choice(["a", "b"], 60)}).astype({"city": object})
TEXTS = np.array(["a cat and a dog", "the sun", "a dog in the sun"] * 20, object)

COLUMNS = ColumnTransformer([("n", StandardScaler(), ["age"]), ("c", OneHotEncoder(), ["city"])])
ESTIMATORS: dict[str, tuple[BaseEstimator, Any]] = {
    "linear": (LogisticRegression(), ROWS),
    "forest": (RandomForestClassifier(5, random_state=0), ROWS),
    "boosted": (GradientBoostingClassifier(n_estimators=3), ROWS),
    "histogram": (HistGradientBoostingClassifier(max_iter=3), ROWS),
    "histogram of categories": (
        HistGradientBoostingClassifier(max_iter=3, categorical_features=[1]),
        np.round(ROWS**2),
    ),
    "isolation": (IsolationForest(n_estimators=3, random_state=0), ROWS),
    "neighbours": (KNeighborsClassifier(3, algorithm="kd_tree"), ROWS),
    "ball tree": (KNeighborsClassifier(3, algorithm="ball_tree"), ROWS),
    "svm": (SVC(), ROWS),
    "mlp": (MLPClassifier((4,), max_iter=5, random_state=0), ROWS),
    "table": (make_pipeline(COLUMNS, LogisticRegression()), TABLE),
    "function": (make_pipeline(FunctionTransformer(np.tanh), SplineTransformer(), LogisticRegression()), ROWS),
    "text": (make_pipeline(TfidfVectorizer(), LogisticRegression()), TEXTS),
}


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.filterwarnings("ignore")
def test_an_estimator_answers_as_it_did(name: str) -> None:
    estimator, rows = ESTIMATORS[name]
    estimator.fit(rows, LABELS)
    again = rebuild(*flatten(estimator), sklearn.__version__, TRUSTED_TYPES)
    check_bounds(again)
    for method in ("predict", "predict_proba", "decision_function", "score_samples"):
        if hasattr(estimator, method):
            assert np.array_equal(getattr(again, method)(rows), getattr(estimator, method)(rows))
    assert repr(again) == repr(estimator)


@pytest.mark.parametrize("name", ["LGBMClassifier", "XGBClassifier", "CatBoostClassifier"])
def test_a_pipeline_that_ends_in_a_booster_answers_as_it_did(name: str) -> None:
    import catboost
    import lightgbm
    import xgboost

    booster = {
        "LGBMClassifier": lambda: lightgbm.LGBMClassifier(n_estimators=3, verbose=-1),
        "XGBClassifier": lambda: xgboost.XGBClassifier(n_estimators=3),
        "CatBoostClassifier": lambda: catboost.CatBoostClassifier(
            n_estimators=3, silent=True, allow_writing_files=False
        ),
    }[name]()
    estimator = make_pipeline(StandardScaler(), booster).fit(ROWS, np.digitize(ROWS[:, 0], [-0.5, 0.5]))
    again = rebuild(*flatten(pickle.loads(pickle.dumps(estimator))), sklearn.__version__, TRUSTED_TYPES)
    assert np.array_equal(again.predict_proba(ROWS), estimator.predict_proba(ROWS))


def test_what_is_shared_or_holds_itself_comes_back_so() -> None:
    estimator = LogisticRegression()
    estimator.loop = [estimator, estimator]
    again = rebuild(*flatten(estimator), sklearn.__version__, TRUSTED_TYPES)
    assert again.loop[0] is again is again.loop[1]


@pytest.mark.parametrize(
    "value",
    [
        [1, 2.5, "a", None, True, float("inf")],
        (1, (2,)),
        {"a": {1, 2}},
        b"bytes",
        slice(1, None, 2),
        np.float32(1.5),
        np.array(["a", "bcd"]),
        np.array([None, "a", 1.5, np.nan], object).reshape(2, 2),
        np.array([(1, 2.0), (3, 4.0)], [("a", "i4"), ("b", "f8")]),
        np.dtype("float32"),
        np.log1p,
        np.float64,
        2**70,
    ],
    ids=repr,
)
def test_a_value_comes_back(value: Any) -> None:
    estimator = LogisticRegression(class_weight=value)
    again = rebuild(*flatten(estimator), sklearn.__version__, TRUSTED_TYPES).class_weight
    assert type(again) is type(value)
    if isinstance(value, np.ndarray):
        assert again.dtype == value.dtype
        assert repr(again) == repr(value)
    else:
        assert again == value


def made(name: str, *arguments: Any, state: Any = None) -> dict[str, Any]:
    return {"class": name, "called": True, "made": list(arguments), "state": state}


NUMBERS = {"array": "t0", "across": False}
LIES: dict[str, Any] = {
    "a system call": [made("os.system", "true")],
    "a class of Python's": [made("subprocess.Popen", "true")],
    "a function of scikit-learn's": [made("sklearn.utils.discovery.all_estimators")],
    "a name": [{"name": "os.system"}],
    "a name of numpy's": [{"name": "numpy.load"}],
    "a name within": [{"name": "sklearn.base.os"}],
    "no entry": [{}],
    "another entry": [{"tuple": [{"at": 7}]}],
    "an entry of no number": [{"list": [{"at": None}]}],
    "a tensor that is not there": [{"array": "t9", "across": False}],
    "a tensor of text": [{"array": "text", "across": False}],
    "a tuple in itself": [{"tuple": [{"at": 0}]}],
    "a shape that does not fit": [{"objects": [1], "shape": [10**9, 10**9], "text": False}],
    "records of two lengths": [{"records": [["a", "t0"], ["b", "t1"]]}],
    "a sparse matrix beyond itself": [{"sparse": "csr", "parts": [{"at": 1}] * 3, "shape": [2, 2]}, NUMBERS],
    "a tree without nodes": [
        made("sklearn.tree._tree.Tree", 1, {"at": 1}, 1, state={"at": 2}),
        NUMBERS,
        {"dict": [["nodes", None]]},
    ],
    "depth": [{"list": [{"at": k + 1}]} for k in range(100_000)] + [{"list": []}],
}


@pytest.mark.parametrize("table", LIES.values(), ids=LIES)
def test_a_table_that_lies_is_refused(table: list[Any]) -> None:
    tensors = {"t0": np.array([1, 2, 3]), "t1": np.array([1.0]), "text": np.array(["a"], object)}
    with pytest.raises(SourceError) as told:
        rebuild({"root": {"at": 0}, "table": table}, tensors, "1.9.1", TRUSTED_TYPES)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("version", ["1.2.2", "1.3.2"])
def test_leaves_that_counted_become_shares_as_predict_proba_made_them(version: str) -> None:
    forest = RandomForestClassifier(3, random_state=0).fit(ROWS, LABELS)
    expected = forest.predict_proba(ROWS)
    for tree in forest.estimators_:
        tree.tree_.value[:] *= tree.tree_.weighted_n_node_samples[:, None, None]
    assert not np.allclose(forest.predict_proba(ROWS), expected)
    again = rebuild(*flatten(forest), version, TRUSTED_TYPES)
    assert np.allclose(again.predict_proba(ROWS), expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("several", "way", "solver", "refused"),
    [
        (True, "ovr", "lbfgs", True),
        (True, "auto", "liblinear", True),
        (False, "multinomial", "lbfgs", True),
        (True, "auto", "lbfgs", False),
        (False, "auto", "liblinear", False),
        (False, "ovr", "lbfgs", False),
    ],
)
def test_what_has_no_meaning_today_is_refused_by_name(several: bool, way: str, solver: str, refused: bool) -> None:
    state = {
        "classes_": np.arange(3 if several else 2),
        "multi_class": way,
        "solver": solver,
        "_sklearn_version": "1.2",
    }
    if refused:
        with pytest.raises(SourceError, match=r"LogisticRegression of scikit-learn 1\.2 has multi_class"):
            updated(LogisticRegression(), state, (1, 2))
    else:
        assert "_sklearn_version" not in updated(LogisticRegression(), state, (1, 2))
