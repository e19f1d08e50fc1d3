"""Trees and forests, with the flags that change what is in them."""

from __future__ import annotations

from itertools import product

from sklearn import ensemble, tree

from catalogue.case import Case

TREES = {
    **{
        f"DecisionTreeRegressor, {criterion}, {rows}": Case(
            make=lambda criterion=criterion: tree.DecisionTreeRegressor(
                criterion=criterion, max_depth=6, random_state=0
            ),
            rows=rows,
            target="positive",
        )
        for criterion, rows in [
            ("squared_error", "plain"),
            ("squared_error", "missing"),
            ("friedman_mse", "plain"),
            ("absolute_error", "plain"),
            ("poisson", "plain"),
        ]
    },
    "DecisionTreeRegressor, leaves, pruned": Case(
        make=lambda: tree.DecisionTreeRegressor(max_leaf_nodes=20, ccp_alpha=0.001, random_state=0)
    ),
    "DecisionTreeRegressor, monotone": Case(
        make=lambda: tree.DecisionTreeRegressor(max_depth=5, monotonic_cst=[1, -1, 0, 0, 0, 0], random_state=0)
    ),
    "DecisionTreeRegressor, pair": Case(
        make=lambda: tree.DecisionTreeRegressor(max_depth=6, random_state=0), target="pair"
    ),
    **{
        f"{kind.__name__}, {target}, {rows}": Case(
            make=lambda kind=kind: kind(max_depth=7, random_state=0), rows=rows, target=target
        )
        for (kind, target), rows in product(
            [
                (tree.ExtraTreeClassifier, "words"),
                (tree.ExtraTreeClassifier, "flags"),
                (tree.ExtraTreeRegressor, "value"),
            ],
            ["plain", "missing"],
        )
    },
}

FORESTS = {
    **{
        f"{kind.__name__}, {target}, {rows}{', bootstrap' * bootstrap}": Case(
            make=lambda kind=kind, bootstrap=bootstrap: kind(
                15, max_depth=6, bootstrap=bootstrap, random_state=0, n_jobs=1
            ),
            rows=rows,
            target=target,
        )
        for (kind, target), rows, bootstrap in product(
            [
                (ensemble.ExtraTreesClassifier, "words"),
                (ensemble.ExtraTreesClassifier, "binary"),
                (ensemble.ExtraTreesRegressor, "value"),
                (ensemble.RandomForestRegressor, "value"),
                (ensemble.RandomForestRegressor, "pair"),
            ],
            ["plain", "missing"],
            [False, True],
        )
    },
    "RandomForestRegressor, poisson": Case(
        make=lambda: ensemble.RandomForestRegressor(10, criterion="poisson", max_depth=5, random_state=0),
        target="positive",
    ),
    "RandomForestRegressor, sparse": Case(
        make=lambda: ensemble.RandomForestRegressor(10, max_depth=5, random_state=0), rows="counts", sparse=True
    ),
}

HISTOGRAMS = {
    **{
        f"HistGradientBoostingRegressor, {loss}, {rows}": Case(
            make=lambda loss=loss: ensemble.HistGradientBoostingRegressor(
                loss=loss, quantile=0.3 if loss == "quantile" else None, max_iter=12, min_samples_leaf=8
            ),
            rows=rows,
            target="positive",
        )
        for loss, rows in product(
            ["squared_error", "absolute_error", "gamma", "poisson", "quantile"], ["plain", "missing"]
        )
    },
    **{
        f"HistGradientBoostingClassifier, {target}, {rows}": Case(
            make=lambda: ensemble.HistGradientBoostingClassifier(max_iter=8, min_samples_leaf=8),
            rows=rows,
            target=target,
        )
        for target, rows in product(["binary", "words", "floats"], ["plain", "missing"])
    },
    **{
        f"HistGradientBoosting{name}, categories": Case(
            make=lambda kind=kind: kind(max_iter=8, min_samples_leaf=8, categorical_features=[0, 2, 5]),
            rows="ordinal",
            target=target,
        )
        for name, kind, target in [
            ("Regressor", ensemble.HistGradientBoostingRegressor, "value"),
            ("Classifier", ensemble.HistGradientBoostingClassifier, "words"),
        ]
    },
    "HistGradientBoostingRegressor, constrained": Case(
        make=lambda: ensemble.HistGradientBoostingRegressor(
            max_iter=8, monotonic_cst=[1, 0, 0, -1, 0, 0], interaction_cst=[{0, 1}, {2, 3, 4, 5}], max_features=0.7
        )
    ),
    "HistGradientBoostingRegressor, early stopping, deep": Case(
        make=lambda: ensemble.HistGradientBoostingRegressor(
            max_iter=40, early_stopping=True, max_leaf_nodes=None, max_depth=4, random_state=0
        )
    ),
}

CASES = {**TREES, **FORESTS, **HISTOGRAMS}
