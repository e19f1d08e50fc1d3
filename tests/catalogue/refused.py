"""Which target refuses which case, and why: `python tests/catalogue/refused.py` writes `refused.tsv` anew."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgepack.contract import InputDtype

LIST = Path(__file__).with_name("refused.tsv")
INPUT_DTYPES: tuple[InputDtype, ...] = ("float32", "float64")


@cache
def refused() -> Mapping[tuple[str, str], Mapping[str, str]]:
    """By case and input dtype: the reason of each target that refuses it."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for line in LIST.read_text(encoding="utf-8").splitlines():
        name, dtype, target, reason = line.split("\t")
        found.setdefault((name, dtype), {})[target] = reason
    return found


def refusals() -> Iterator[tuple[str, str, str, str]]:
    """Case, input dtype, target and reason, as they are."""
    from threadpoolctl import threadpool_limits

    from catalogue import CASES
    from catalogue.case import fitted, reasons_of
    from edgepack.errors import UnsupportedError
    from edgepack.lower import lower
    from edgepack.passes import optimize

    for name, case in CASES.items():
        with threadpool_limits(1):
            estimator, given = fitted(case)
        sample = given.toarray() if case.sparse else given
        for dtype in INPUT_DTYPES:
            try:
                program = optimize(lower(estimator, sample, input_dtype=dtype, output=case.output, fallback=False))
            except UnsupportedError as error:
                sys.exit(f"{name}: {error}; a case is one that is lowered")
            for target, reason in reasons_of(program, case.targets).items():
                yield name, dtype, target, reason


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # this folder has a module `select`, as Python has
    LIST.write_text("".join("\t".join(refusal) + "\n" for refusal in refusals()), encoding="utf-8")
