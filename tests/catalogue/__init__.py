"""Every estimator that edgepack lowers, with the flags that change its meaning: what the conformance tests run."""

from __future__ import annotations

from collections.abc import Mapping

from catalogue import bayes, boosters, linear, mlp, preprocess, select
from catalogue.case import Case

CASES: Mapping[str, Case] = {
    **bayes.CASES,
    **boosters.CASES,
    **linear.CASES,
    **mlp.CASES,
    **preprocess.CASES,
    **select.CASES,
}
"""By name: the estimator's class, then its flags."""
