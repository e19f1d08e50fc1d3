"""Every estimator of scikit-learn and of the booster libraries, fitted, compiled and asked: docs/estimators.md."""
