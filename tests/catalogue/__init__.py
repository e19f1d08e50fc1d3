"""Every estimator that edgepack lowers, with the flags that change its meaning: what the conformance tests run."""

from __future__ import annotations

from collections.abc import Mapping

from catalogue import (
    basics,
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
    trees,
)
from catalogue.case import Case

CASES: Mapping[str, Case] = {
    **basics.CASES,
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
    **trees.CASES,
}
"""By name: the estimator's class, then its flags."""
