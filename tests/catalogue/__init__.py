"""Every estimator that edgepack lowers, with the flags that change its meaning: what the conformance tests run."""

from __future__ import annotations

from collections.abc import Mapping

from catalogue import boosters, linear
from catalogue.case import Case

CASES: Mapping[str, Case] = {
    **boosters.CASES,
    **linear.CASES,
}
"""By name: the estimator's class, then its flags."""
