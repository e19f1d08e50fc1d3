"""Linear models."""

from __future__ import annotations

from sklearn import linear_model

from catalogue.case import Case

CASES = {
    "LinearRegression": Case(make=lambda: linear_model.LinearRegression()),
    "LinearRegression, two targets": Case(make=lambda: linear_model.LinearRegression(), target="pair"),
    "LogisticRegression": Case(make=lambda: linear_model.LogisticRegression(), target="binary"),
    "LogisticRegression, words": Case(make=lambda: linear_model.LogisticRegression(), target="words"),
    "LogisticRegression, decision": Case(
        make=lambda: linear_model.LogisticRegression(), target="words", output="decision_function"
    ),
}
