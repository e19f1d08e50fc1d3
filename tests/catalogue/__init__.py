"""Every estimator that edgepack lowers, with the flags that change its meaning: what the conformance tests run."""

from __future__ import annotations

from collections.abc import Mapping

from catalogue import (
    bayes,
    boosters,
    clusters,
    discriminant,
    gaussian,
    kernels,
    linear,
    meta,
    mixture,
    mlp,
    neighbors,
    preprocess,
    project,
    select,
    semi,
    svm,
)
from catalogue.case import Case

CASES: Mapping[str, Case] = {
    **bayes.CASES,
    **boosters.CASES,
    **clusters.CASES,
    **discriminant.CASES,
    **gaussian.CASES,
    **kernels.CASES,
    **linear.CASES,
    **meta.CASES,
    **mixture.CASES,
    **mlp.CASES,
    **neighbors.CASES,
    **preprocess.CASES,
    **project.CASES,
    **select.CASES,
    **semi.CASES,
    **svm.CASES,
}
"""By name: the estimator's class, then its flags."""
