"""How large an error may become on rows that were not measured."""

from __future__ import annotations

import numpy as np

from edgepack.ir.types import Floats

HORIZON_ROWS = 100_000
FEWEST_ROWS, FEWEST_ERRORS = 300, 10
"""Fewer rows, or fewer rows with an error, say nothing of a largest one."""

TAIL = 0.1
LEAST = 2.0


def reach(errors: Floats) -> float:
    """What the largest of 100,000 rows' errors may be, by how fast the largest of these grow; infinite where too few.

    The tail is taken for a Pareto distribution's, which most are lighter than: of a tenth of the errors, Hill's
    estimate of its index, raised by two standard errors. It is no less than twice the largest that was seen.

    Source: B. M. Hill, A simple general approach to inference about the tail of a distribution, 1975.
    """
    largest = np.sort(errors[errors > 0])[::-1]
    if len(errors) < FEWEST_ROWS or len(largest) <= FEWEST_ERRORS or not np.isfinite(largest).all():
        return float("inf")
    count = min(max(FEWEST_ERRORS, int(TAIL * len(errors))), len(largest) - 1)
    index = float(np.log(largest[:count] / largest[count]).mean()) * (1 + 2 / count**0.5)
    return float(largest[0]) * max(LEAST, float(max(1.0, HORIZON_ROWS / len(errors)) ** index))
