"""Estimators made of estimators."""

from __future__ import annotations

from itertools import product
from typing import Any

from sklearn import (
    calibration,
    compose,
    ensemble,
    frozen,
    impute,
    linear_model,
    model_selection,
    multiclass,
    multioutput,
    naive_bayes,
    preprocessing,
    semi_supervised,
    svm,
    tree,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from catalogue.case import Case, rows_of, target_of

# sums of scores that cancel: a linear model's score has no digits left beyond
LIMIT = 1e6


def logistic() -> Any:
    return make_pipeline(StandardScaler(), linear_model.LogisticRegression(C=0.5))


def short(kind: Any = tree.DecisionTreeClassifier, **options: Any) -> Any:
    return kind(max_depth=4, random_state=0, **options)


def bayes() -> Any:
    return naive_bayes.GaussianNB()


def linear_svc() -> Any:
    return make_pipeline(StandardScaler(), svm.LinearSVC())


def ridge() -> Any:
    return make_pipeline(StandardScaler(), linear_model.Ridge())


def labelled(make: Any) -> Any:
    """Every third label is unknown to the semi-supervised."""
    return semi_supervised.SelfTrainingClassifier(make())


VOTES = {
    **{
        f"VotingClassifier, {voting}, {target}{', weights' * (weights is not None)}": Case(
            make=lambda voting=voting, weights=weights: ensemble.VotingClassifier(
                [("a", logistic()), ("b", short()), ("c", short(tree.ExtraTreeClassifier))],
                voting=voting,
                weights=weights,
            ),
            target=target,
            limit=LIMIT,
        )
        for voting, target, weights in product(["soft", "hard"], ["words", "flags"], [None, [0.5, 2.0, 1.25]])
    },
    **{
        f"VotingClassifier, {voting}, transform": Case(
            make=lambda voting=voting: ensemble.VotingClassifier([("a", logistic()), ("b", short())], voting=voting),
            target="words",
            output="transform",
            limit=LIMIT,
        )
        for voting in ("soft", "hard")
    },
    **{
        f"VotingRegressor{', weights' * (weights is not None)}, {output}": Case(
            make=lambda weights=weights: ensemble.VotingRegressor(
                [("a", ridge()), ("b", short(tree.DecisionTreeRegressor)), ("c", "drop")], weights=weights
            ),
            output=output,
            limit=LIMIT,
        )
        for weights, output in [(None, "predict"), ([1.0, 3.0, 7.0], "predict"), (None, "transform")]
    },
}

BAGS = {
    **{
        f"BaggingClassifier, {name}, {features}, {target}": Case(
            make=lambda make=make, features=features: ensemble.BaggingClassifier(
                make(), n_estimators=5, max_features=features, bootstrap_features=features < 1, random_state=0
            ),
            target=target,
            limit=LIMIT,
        )
        for (name, make), features, target in product(
            {"trees": short, "logistic": logistic, "votes": linear_svc}.items(), [1.0, 0.6], ["words", "binary"]
        )
    },
    "BaggingClassifier, decision": Case(
        make=lambda: ensemble.BaggingClassifier(logistic(), n_estimators=3, random_state=0),
        target="words",
        output="decision_function",
        limit=LIMIT,
    ),
    **{
        f"BaggingRegressor, {name}, {features}, {rows}": Case(
            make=lambda make=make, features=features: ensemble.BaggingRegressor(
                make(), n_estimators=5, max_features=features, random_state=0
            ),
            rows=rows,
            limit=LIMIT,
        )
        for name, make, features, rows in [
            ("trees", lambda: short(tree.DecisionTreeRegressor), 1.0, "missing"),
            ("trees", lambda: short(tree.DecisionTreeRegressor), 0.5, "plain"),
            ("ridge", ridge, 0.5, "plain"),
        ]
    },
}

BOOSTS = {
    **{
        f"AdaBoostClassifier, {name}, {target}, {output}": Case(
            make=lambda make=make: ensemble.AdaBoostClassifier(make(), n_estimators=8, random_state=0),
            target=target,
            output=output,
            limit=LIMIT,
        )
        for (name, make), target, output in product(
            {"stumps": lambda: tree.DecisionTreeClassifier(max_depth=2), "bayes": bayes}.items(),
            ["words", "binary"],
            [None, "decision_function"],
        )
    },
    **{
        f"AdaBoostRegressor, {name}, {loss}": Case(
            make=lambda make=make, loss=loss: ensemble.AdaBoostRegressor(
                make(), n_estimators=7, loss=loss, random_state=0
            ),
            limit=LIMIT,
        )
        for name, make, loss in [
            ("trees", lambda: short(tree.DecisionTreeRegressor), "linear"),
            ("trees", lambda: short(tree.DecisionTreeRegressor), "square"),
            ("ridge", ridge, "exponential"),
        ]
    },
}

STACKS = {
    **{
        f"StackingClassifier, {method}, {target}{', passthrough' * through}": Case(
            make=lambda method=method, through=through: ensemble.StackingClassifier(
                [("a", logistic()), ("b", short() if method != "decision_function" else linear_svc())],
                stack_method=method,
                passthrough=through,
                cv=3,
            ),
            target=target,
            limit=LIMIT,
        )
        for method, target, through in product(
            ["auto", "predict_proba", "decision_function", "predict"], ["words", "binary"], [False, True]
        )
    },
    "StackingClassifier, transform": Case(
        make=lambda: ensemble.StackingClassifier([("a", logistic()), ("b", short())], cv=3),
        target="words",
        output="transform",
        limit=LIMIT,
    ),
    **{
        f"StackingRegressor{', passthrough' * through}": Case(
            make=lambda through=through: ensemble.StackingRegressor(
                [("a", ridge()), ("b", short(tree.DecisionTreeRegressor))],
                final_estimator=short(ensemble.RandomForestRegressor, n_estimators=5),
                passthrough=through,
                cv=3,
            ),
            limit=LIMIT,
        )
        for through in (False, True)
    },
}

CALIBRATED = {
    f"CalibratedClassifierCV, {method}, {name}, {target}, {together}": Case(
        make=lambda method=method, make=make, together=together: calibration.CalibratedClassifierCV(
            make(), method=method, cv=3, ensemble=together
        ),
        target=target,
        limit=LIMIT,
    )
    for method, (name, make), target, together in product(
        ["sigmoid", "isotonic", "temperature"],
        {"decisions": linear_svc, "probabilities": short}.items(),
        ["words", "binary"],
        [True, False],
    )
}

CLASSES = {
    **{
        f"{kind.__name__}, {name}, {target}": Case(
            make=lambda kind=kind, make=make: kind(make()), target=target, limit=LIMIT
        )
        for kind, (name, make), target in product(
            [multiclass.OneVsRestClassifier, multiclass.OneVsOneClassifier],
            {"trees": short, "svc": linear_svc, "logistic": logistic, "bayes": bayes}.items(),
            ["words", "binary"],
        )
    },
    **{
        f"OneVsRestClassifier, {name}, labels, {output}": Case(
            make=lambda make=make: multiclass.OneVsRestClassifier(make()), target="labels", output=output, limit=LIMIT
        )
        for (name, make), output in product({"logistic": logistic, "trees": short}.items(), [None, "predict_proba"])
    },
    "OneVsOneClassifier, decision": Case(
        make=lambda: multiclass.OneVsOneClassifier(linear_svc()),
        target="words",
        output="decision_function",
        limit=LIMIT,
    ),
    **{
        f"OutputCodeClassifier, {name}": Case(
            make=lambda make=make: multiclass.OutputCodeClassifier(make(), code_size=3, random_state=0),
            target="words",
            limit=LIMIT,
        )
        for name, make in {"svc": linear_svc, "trees": short}.items()
    },
}

TARGETS = {
    "MultiOutputClassifier": Case(
        make=lambda: multioutput.MultiOutputClassifier(logistic()), target="classes", limit=LIMIT
    ),
    "MultiOutputClassifier, probabilities": Case(
        make=lambda: multioutput.MultiOutputClassifier(short()), target="classes", output="predict_proba"
    ),
    "MultiOutputRegressor": Case(make=lambda: multioutput.MultiOutputRegressor(ridge()), target="pair", limit=LIMIT),
    **{
        f"ClassifierChain, {method}, {output}": Case(
            make=lambda method=method: multioutput.ClassifierChain(
                logistic(), order=[2, 0, 1], chain_method=method, random_state=0
            ),
            target="labels",
            output=output,
            limit=LIMIT,
        )
        for method, output in product(
            ["predict", "predict_proba", "decision_function"], [None, "predict_proba", "decision_function"]
        )
    },
    "RegressorChain": Case(make=lambda: multioutput.RegressorChain(ridge(), order=[1, 0]), target="pair", limit=LIMIT),
    **{
        f"{kind.__name__}, several targets, {output}": Case(
            make=lambda kind=kind, options=options: short(kind, **options), target="classes", output=output
        )
        for (kind, options), output in product(
            [(tree.DecisionTreeClassifier, {}), (ensemble.RandomForestClassifier, {"n_estimators": 5})],
            [None, "predict_proba"],
        )
    },
}

WRAPPED = {
    **{
        f"FixedThresholdClassifier, {method}, {threshold}, {positive}, {output}": Case(
            make=lambda method=method, threshold=threshold, positive=positive: model_selection.FixedThresholdClassifier(
                logistic(), threshold=threshold, response_method=method, pos_label=positive
            ),
            target="binary",
            output=output,
            limit=LIMIT,
            targets=("onnx", "coreml") if output else ("onnx",),  # whose classifiers choose the likelier class
        )
        for method, threshold, positive, output in product(
            ["auto", "predict_proba", "decision_function"], ["auto", 0.3], [None, 0, 1], ["predict", None]
        )
    },
    "TunedThresholdClassifierCV": Case(
        make=lambda: model_selection.TunedThresholdClassifierCV(short(), cv=3, random_state=0),
        target="binary",
        output="predict",
    ),
    "GridSearchCV": Case(
        make=lambda: model_selection.GridSearchCV(short(), {"max_depth": [2, 3]}, cv=3), target="words"
    ),
    "FrozenEstimator": Case(
        make=lambda: frozen.FrozenEstimator(short().fit(rows_of("plain"), target_of("words", rows_of("plain")))),
        target="words",
    ),
    "FrozenEstimator, calibrated": Case(
        make=lambda: calibration.CalibratedClassifierCV(
            frozen.FrozenEstimator(short().fit(rows_of("plain"), target_of("words", rows_of("plain"))))
        ),
        target="words",
    ),
    "SelfTrainingClassifier": Case(make=lambda: labelled(short), target="thirds"),
}

FORESTS = {
    **{
        f"IsolationForest, {features}, {rows}, {output}": Case(
            make=lambda features=features: ensemble.IsolationForest(
                n_estimators=12, max_features=features, max_samples=64, random_state=0
            ),
            rows=rows,
            target="none",
            output=output,
        )
        for features, rows, output in product(
            [1.0, 0.5], ["plain", "missing"], ["predict", "decision_function", "score_samples"]
        )
    },
    "RandomTreesEmbedding": Case(
        make=lambda: ensemble.RandomTreesEmbedding(6, max_depth=3, random_state=0), target="none", output="transform"
    ),
    "RandomTreesEmbedding, dense, logistic": Case(
        make=lambda: make_pipeline(
            ensemble.RandomTreesEmbedding(4, max_depth=2, sparse_output=False, random_state=0),
            linear_model.LogisticRegression(),
        ),
        target="words",
    ),
}


def begun(kind: Any, init: Any, *, loss: str = "log_loss", **case: Any) -> Case:
    return Case(make=lambda: kind(n_estimators=5, init=init, loss=loss, random_state=0), **case)


BEGINNINGS = {
    **{
        f"GradientBoostingClassifier, init {type(init).__name__}, {loss}, {target}": Case(
            make=lambda init=init, loss=loss: ensemble.GradientBoostingClassifier(
                n_estimators=5, init=init, loss=loss, random_state=0
            ),
            target=target,
        )
        for init, (loss, target) in product(
            [short(), short(ensemble.RandomForestClassifier, n_estimators=3)],
            [("log_loss", "words"), ("log_loss", "binary"), ("exponential", "flags")],
        )
    },
    "GradientBoostingClassifier, init, decision": Case(
        make=lambda: ensemble.GradientBoostingClassifier(n_estimators=5, init=short(), random_state=0),
        target="words",
        output="decision_function",
    ),
    **{
        f"GradientBoostingRegressor, init {type(init).__name__}, {loss}": Case(
            make=lambda init=init, loss=loss: ensemble.GradientBoostingRegressor(
                n_estimators=5, init=init, loss=loss, random_state=0
            )
        )
        for init, loss in product(
            [short(tree.DecisionTreeRegressor), short(ensemble.ExtraTreesRegressor, n_estimators=3)],
            ["squared_error", "huber"],
        )
    },
    **{
        f"GradientBoostingClassifier, init {name}, {loss}, {target}, {output}": begun(
            ensemble.GradientBoostingClassifier, init, loss=loss, target=target, output=output
        )
        for (name, init), (loss, target), output in product(
            [
                ("LogisticRegression", linear_model.LogisticRegression(max_iter=500)),
                ("scaled LogisticRegression", logistic()),
            ],
            [("log_loss", "words"), ("log_loss", "binary"), ("exponential", "flags")],
            [None, "decision_function"],
        )
    },
    "GradientBoostingClassifier, init LogisticRegressionCV": begun(
        ensemble.GradientBoostingClassifier,
        linear_model.LogisticRegressionCV(max_iter=500, l1_ratios=(0,), use_legacy_attributes=False),
        target="binary",
    ),
    "GradientBoostingClassifier, init LogisticRegression, sparse": begun(
        ensemble.GradientBoostingClassifier, linear_model.LogisticRegression(max_iter=500), target="words", sparse=True
    ),
    "GradientBoostingClassifier, init LogisticRegression, imputed": Case(
        make=lambda: make_pipeline(
            impute.SimpleImputer(),
            ensemble.GradientBoostingClassifier(n_estimators=5, init=logistic(), random_state=0),
        ),
        rows="missing",
        target="binary",
    ),
    **{
        f"GradientBoostingRegressor, init {name}, {loss}": begun(
            ensemble.GradientBoostingRegressor, init, loss=loss, target="positive"
        )
        for name, init in [
            ("LinearRegression", linear_model.LinearRegression()),
            ("HuberRegressor", linear_model.HuberRegressor(max_iter=1000)),
            ("PoissonRegressor", linear_model.PoissonRegressor()),
            ("scaled Ridge", make_pipeline(StandardScaler(), preprocessing.MinMaxScaler(clip=True), ridge())),
        ]
        for loss in ("squared_error", "huber")
    },
}

BACKWARDS = {
    f"TransformedTargetRegressor, {name}, {target}": Case(
        make=lambda transformer=transformer: compose.TransformedTargetRegressor(ridge(), transformer=transformer),
        target=target,
        # far away, exp and powers overflow; the ends of quantiles are reached only there
        limit=LIMIT if name.startswith("quantiles") else 1e2,
    )
    for name, transformer, target in [
        *(
            (
                f"{method}, standardized {standardize}",
                preprocessing.PowerTransformer(method, standardize=standardize),
                t,
            )
            for method, t in [("yeo-johnson", "value"), ("yeo-johnson", "pair"), ("box-cox", "positive")]
            for standardize in (True, False)
        ),
        *(
            (f"quantiles, {output}", preprocessing.QuantileTransformer(n_quantiles=20, output_distribution=output), t)
            for output, t in product(["uniform", "normal"], ["value", "pair"])
        ),
        ("pipeline", make_pipeline(preprocessing.MinMaxScaler(), "passthrough", StandardScaler()), "pair"),
    ]
}

CASES = {
    **VOTES,
    **BAGS,
    **BOOSTS,
    **STACKS,
    **CALIBRATED,
    **CLASSES,
    **TARGETS,
    **WRAPPED,
    **FORESTS,
    **BEGINNINGS,
    **BACKWARDS,
}
