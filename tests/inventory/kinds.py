"""Every estimator there is, and a fitted example of each."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import catboost
import lightgbm
import numpy as np
import xgboost
from catalogue import CASES
from catalogue.case import Case, FedSparse, fitted, rows_of, target_of
from sklearn import (
    compose,
    decomposition,
    ensemble,
    frozen,
    linear_model,
    manifold,
    model_selection,
    multiclass,
    multioutput,
    neighbors,
    pipeline,
    preprocessing,
    semi_supervised,
)
from sklearn.base import is_classifier, is_regressor
from sklearn.experimental import (  # noqa: F401  (without these, all_estimators leaves out what they enable)
    enable_halving_search_cv,
    enable_iterative_imputer,
)
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.impute import MissingIndicator
from sklearn.utils import all_estimators, get_tags

from edgepack.contract import Method

EXHAUSTIVE = (model_selection.GridSearchCV, model_selection.HalvingGridSearchCV)
RANDOMIZED = (model_selection.RandomizedSearchCV,)

SEVERAL = ("classes", "labels", "pair")

METHODS: tuple[Method, ...] = ("predict", "predict_proba", "decision_function", "score_samples", "transform")

RANKERS = (catboost.CatBoostRanker, lightgbm.LGBMRanker, xgboost.XGBRanker)

BOOSTERS: tuple[Any, ...] = (
    *RANKERS,
    catboost.CatBoostClassifier,
    catboost.CatBoostRegressor,
    lightgbm.LGBMClassifier,
    lightgbm.LGBMRegressor,
    xgboost.XGBClassifier,
    xgboost.XGBRegressor,
    xgboost.XGBRFClassifier,
    xgboost.XGBRFRegressor,
)

KINDS: Mapping[str, Any] = {
    **dict(all_estimators()),
    **{kind.__name__: kind for kind in BOOSTERS},
}
"""By the class's own name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A fitted estimator and the rows that it was fitted on.

    Attributes:
        server: the estimator as it is asked: with CSR matrices where it was fitted on one.
        output: the method asked; None for the default.
        limit: the largest |x| tried.
    """

    estimator: Any
    server: Any
    sample: Any
    output: Method | None = None
    limit: float = np.inf


def example_of(kind: Any) -> Example:
    """The catalogue's first case of a class; where it has none, the class by itself on plain rows."""
    case = _in_catalogue().get(kind)
    if case is not None:
        estimator, given = fitted(case)
        sample = given.toarray() if case.sparse else given
        server = FedSparse(estimator) if case.sparse else estimator
        return Example(estimator=estimator, server=server, sample=sample, output=case.output, limit=case.limit)
    estimator = MADE.get(kind, kind)()
    rows, target = _rows_for(estimator)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        queries = _queries(kind, len(rows)) if kind in RANKERS else {}
        estimator.fit(rows, **queries) if target is None else estimator.fit(rows, target, **queries)
    limit = 1e6 if get_tags(estimator).input_tags.pairwise else np.inf  # centring cancels: 3e38 leaves no digit
    return Example(estimator=estimator, server=estimator, sample=rows, limit=limit)


def _in_catalogue() -> dict[Any, Case]:
    """By class, the first case that is an estimator of this class itself, and learns one target if it can."""
    found: dict[Any, Case] = {}
    for name, case in CASES.items():
        if name.split(",")[0] in KINDS:
            estimator = case.make()
            if case.target not in SEVERAL or not get_tags(estimator).target_tags.single_output:
                found.setdefault(type(estimator), case)
    return found


def _small() -> Any:
    return linear_model.LogisticRegression(max_iter=2_000)


def _two() -> list[tuple[str, Any]]:
    return [("a", linear_model.Ridge()), ("b", linear_model.Lasso())]


def _dictionary() -> Any:
    return decomposition.DictionaryLearning(4, random_state=0, max_iter=10).fit(rows_of("unit")).components_


# what has to be told something before it can be made
MADE: Mapping[Any, Callable[[], Any]] = {
    FeatureHasher: lambda: FeatureHasher(n_features=64),
    HashingVectorizer: lambda: HashingVectorizer(n_features=64),
    compose.ColumnTransformer: lambda: compose.ColumnTransformer([("a", preprocessing.StandardScaler(), [0, 1])]),
    decomposition.SparseCoder: lambda: decomposition.SparseCoder(_dictionary()),
    **{
        kind: partial(kind, 10, random_state=0)
        for kind in (
            ensemble.ExtraTreesClassifier,
            ensemble.ExtraTreesRegressor,
            ensemble.RandomForestClassifier,
            ensemble.RandomForestRegressor,
        )
    },
    ensemble.StackingClassifier: lambda: ensemble.StackingClassifier([("a", _small())]),
    ensemble.StackingRegressor: lambda: ensemble.StackingRegressor(_two()),
    ensemble.VotingClassifier: lambda: ensemble.VotingClassifier([("a", _small())], voting="soft"),
    ensemble.VotingRegressor: lambda: ensemble.VotingRegressor(_two()),
    frozen.FrozenEstimator: lambda: frozen.FrozenEstimator(_small().fit(rows_of("plain"), rows_of("plain")[:, 5])),
    linear_model.RANSACRegressor: lambda: linear_model.RANSACRegressor(random_state=0),
    model_selection.FixedThresholdClassifier: lambda: model_selection.FixedThresholdClassifier(_small(), threshold=0.4),
    model_selection.TunedThresholdClassifierCV: lambda: model_selection.TunedThresholdClassifierCV(_small(), cv=2),
    multiclass.OneVsOneClassifier: lambda: multiclass.OneVsOneClassifier(_small()),
    multiclass.OneVsRestClassifier: lambda: multiclass.OneVsRestClassifier(_small()),
    multiclass.OutputCodeClassifier: lambda: multiclass.OutputCodeClassifier(_small(), random_state=0),
    multioutput.ClassifierChain: lambda: multioutput.ClassifierChain(_small()),
    multioutput.MultiOutputClassifier: lambda: multioutput.MultiOutputClassifier(_small()),
    multioutput.MultiOutputRegressor: lambda: multioutput.MultiOutputRegressor(linear_model.Ridge()),
    multioutput.RegressorChain: lambda: multioutput.RegressorChain(linear_model.Ridge()),
    model_selection.HalvingRandomSearchCV: lambda: model_selection.HalvingRandomSearchCV(
        linear_model.Ridge(), {"alpha": [0.1, 1.0]}, cv=2, random_state=0
    ),
    neighbors.LocalOutlierFactor: lambda: neighbors.LocalOutlierFactor(novelty=True),
    neighbors.RadiusNeighborsClassifier: lambda: neighbors.RadiusNeighborsClassifier(30.0),
    manifold.TSNE: lambda: manifold.TSNE(max_iter=250, n_iter_without_progress=10, random_state=0),
    pipeline.FeatureUnion: lambda: pipeline.FeatureUnion([("a", preprocessing.StandardScaler())]),
    pipeline.Pipeline: lambda: pipeline.Pipeline([("a", preprocessing.StandardScaler()), ("b", _small())]),
    preprocessing.FunctionTransformer: lambda: preprocessing.FunctionTransformer(np.tanh),
    semi_supervised.SelfTrainingClassifier: lambda: semi_supervised.SelfTrainingClassifier(_small()),
    catboost.CatBoostRanker: lambda: catboost.CatBoostRanker(iterations=5, verbose=False, allow_writing_files=False),
    lightgbm.LGBMRanker: lambda: lightgbm.LGBMRanker(n_estimators=5, verbose=-1),
    xgboost.XGBRanker: lambda: xgboost.XGBRanker(n_estimators=5),
    **{kind: partial(kind, linear_model.Ridge(), {"alpha": [0.1, 1.0]}, cv=2) for kind in EXHAUSTIVE},
    **{kind: partial(kind, linear_model.Ridge(), {"alpha": [0.1, 1.0]}, n_iter=2, cv=2) for kind in RANDOMIZED},
}

TEXTS = np.array(["a café in the north", "the mill of the south", "north and south", "the old mill"], object)


def _rows_for(estimator: Any) -> tuple[Any, Any]:
    """Rows and a target that the class's own tags ask for."""
    tags, x = get_tags(estimator), rows_of("plain")
    if type(estimator) in RANKERS:
        return x, target_of("thirds", x)
    if type(estimator) is MissingIndicator:
        return rows_of("missing"), None
    if tags.target_tags.one_d_labels:
        return target_of("words", x), None
    if tags.target_tags.two_d_labels:
        return [["north"], ["south", "old"], []], None
    if tags.input_tags.dict:
        return [{"area": 1.0, "zone": "north"}, {"area": 2.0, "zone": "south"}], None
    if tags.input_tags.three_d_array:
        return np.random.default_rng(0).random((4, 8, 8)), None
    if tags.input_tags.string and not tags.input_tags.two_d_array:
        return TEXTS, None
    if tags.input_tags.positive_only or tags.input_tags.categorical:
        x = rows_of("counts")
    if tags.input_tags.pairwise:
        x = x @ x.T
    if tags.input_tags.one_d_array:
        return x[:, :1], target_of("value", x)
    if is_classifier(estimator):
        some = "labels" if not tags.target_tags.single_output else "thirds" if _multi_class(tags) else "binary"
        return x, target_of(some, x)
    if tags.target_tags.required or is_regressor(estimator):
        return x, target_of("value" if tags.target_tags.single_output else "pair", x)
    return x, None


def _multi_class(tags: Any) -> bool:
    return tags.classifier_tags is None or bool(tags.classifier_tags.multi_class)


def _queries(kind: Any, rows: int) -> dict[str, Any]:
    """Two queries, as each library wants to be told."""
    if kind is lightgbm.LGBMRanker:
        return {"group": [rows // 2, rows - rows // 2]}
    return {"group_id" if kind is catboost.CatBoostRanker else "qid": np.arange(rows) // (rows // 2)}
