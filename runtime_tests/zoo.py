"""What every runtime is asked: one artifact per estimator, boundary rows, and scikit-learn to answer them."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from catalogue import CASES
from catalogue.case import Case, FedSparse, fitted, run
from sklearn.base import clone, is_classifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier
from zoo import classes, table, target, usual

from edgepack.contract import EmitOptions, Interface
from edgepack.errors import UnsupportedError
from edgepack.ir import Program
from edgepack.lower import lower
from edgepack.parity import Cases, Reference
from edgepack.targets import find_target

ROWS = 300
NEWEST = EmitOptions().min_runtime
COREML = "Core ML"
MODELS = (
    DecisionTreeClassifier(max_depth=8, random_state=0),
    RandomForestClassifier(20, max_depth=6, random_state=0),
    RandomForestRegressor(20, max_depth=6, random_state=0),
    ExtraTreesClassifier(20, max_depth=6, random_state=0),
    GradientBoostingClassifier(n_estimators=20, random_state=0),
    GradientBoostingRegressor(n_estimators=20, random_state=0),
    HistGradientBoostingClassifier(max_iter=20, random_state=0),
    HistGradientBoostingRegressor(max_iter=20, random_state=0),
    LogisticRegression(max_iter=500),
    Ridge(),
)
"""Behind columns of numbers and strings, some of them missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Animal:
    """Artifacts of one estimator, the rows that they are asked, and the server whose answers they should give.

    Attributes:
        paths: by form: the `min_runtime` that an ONNX file is written for, or `COREML`; why it cannot be written,
            where it cannot.
    """

    name: str
    paths: Mapping[str, Path | str]
    interface: Interface
    reference: Reference
    cases: Cases


def animals(folder: Path, *, forms: Collection[str] = (NEWEST,), only: str = "") -> Iterator[Animal]:
    """One per estimator of the catalogue, in its first form, and pipelines over numbers and strings.

    Args:
        forms: of the artifacts wanted.
        only: a part of the names wanted.
    """
    first: dict[str, str] = {}
    for name in CASES:
        first.setdefault(name.split(",")[0], name)
    for k, name in enumerate(first.values()):
        if only not in name:
            continue
        case = CASES[name]
        estimator, given = fitted(case)
        sample = given.toarray() if case.sparse else given
        server = FedSparse(estimator) if case.sparse else estimator
        if found := _animal(name, folder / f"{k}", forms, server, estimator, sample, case):
            yield found
    for model in MODELS:
        frame = table()
        wanted = classes(target(frame), ["no", "maybe", "yes"]) if is_classifier(model) else target(frame)
        pipeline = make_pipeline(usual(), clone(model)).fit(frame, wanted)
        name = f"{type(model).__name__} behind strings and numbers"
        if only in name and (found := _animal(name, folder / name, forms, pipeline, pipeline, frame)):
            yield found


def _animal(
    name: str,
    folder: Path,
    forms: Collection[str],
    server: Any,
    estimator: Any,
    sample: Any,
    case: Case | None = None,
) -> Animal | None:
    """None where the ONNX target refuses it."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        lowered = lower(estimator, sample, output=case.output if case else None, fallback=False)
        limit = case.limit if case else np.inf
        found = run(server, sample, lowered, folder, targets=("onnx",), limit=limit, rows=ROWS)
    if "onnx" not in found.artifacts:
        return None
    paths = {form: _written(found.program, folder / form, form) for form in forms}
    interface = found.program.interface
    return Animal(name=name, paths=paths, interface=interface, reference=found.reference, cases=found.cases)


def _written(program: Program, folder: Path, form: str) -> Path | str:
    folder.mkdir()
    target, options = ("coreml", EmitOptions()) if form == COREML else ("onnx", EmitOptions(min_runtime=form))
    try:
        return find_target(target).emit(program, folder, options).path
    except UnsupportedError as refused:
        return str(refused.problems[0])
