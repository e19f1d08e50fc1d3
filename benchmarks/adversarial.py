"""A million rows that sit on the models' own decision boundaries: scikit-learn against the ONNX artifact."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table
from sklearn import ensemble
from sklearn.pipeline import Pipeline

from benchmarks.houses import houses, prepared, scaled
from edgepack.contract import EmitOptions
from edgepack.lower import lower
from edgepack.parity import Reference, make_cases
from edgepack.parity.refusals import take
from edgepack.passes import optimize
from edgepack.rows import columns_of
from edgepack.targets import find_target

ROWS_AT_ONCE = 100_000
FORESTS = {"n_estimators": 100, "max_depth": 10, "n_jobs": 2, "random_state": 0}
BOOSTED = {"n_estimators": 100, "max_depth": 4, "random_state": 0}


@dataclass(slots=True)
class Tally:
    """What a run over many rows found."""

    rows: int = 0
    flips: int = 0
    flips_in_ties: int = 0
    largest: float = 0.0

    def add(self, server: Any, device: Any) -> None:
        """Counts one chunk. A tie: the server's two best scores are equal to the last bit or two of float64."""
        self.rows += len(next(iter(server.values())))
        if "label" in server:
            changed = server["label"] != device["label"]
            best = np.sort(server["probabilities"], axis=1)
            tied = best[:, -1] - best[:, -2] < 1e-14
            self.flips += int((changed & ~tied).sum())
            self.flips_in_ties += int((changed & tied).sum())
        name = "value" if "value" in server else "probabilities"
        error = np.abs(device[name] - server[name]) / np.maximum(np.abs(server[name]), 1e-300)
        self.largest = max(self.largest, float(error.max()))


def adversarial_table(rows: int) -> Table:
    """Label flips and the largest relative difference, per model."""
    frame, target = houses(6_000)
    value = np.log(frame["x1"].fillna(1e4).to_numpy()) + target
    models = {
        "GradientBoostingClassifier": (ensemble.GradientBoostingClassifier(**BOOSTED), target),
        "GradientBoostingRegressor": (ensemble.GradientBoostingRegressor(**BOOSTED), value),
        "HistGradientBoostingClassifier": (ensemble.HistGradientBoostingClassifier(max_iter=150), target),
        "HistGradientBoostingRegressor": (ensemble.HistGradientBoostingRegressor(max_iter=150), value),
        "RandomForestClassifier": (ensemble.RandomForestClassifier(**FORESTS), target),
        "ExtraTreesClassifier": (ensemble.ExtraTreesClassifier(**FORESTS), target),
    }
    table = Table(title=f"{rows:,} boundary rows per model, scikit-learn against ONNX", title_justify="left")
    for heading in ("model", "rows", "label flips", "flips in exact ties", "largest relative difference"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for name, (model, wanted) in models.items():
        pipeline = Pipeline([("prepare", prepared(scaled())), ("model", model)]).fit(frame, wanted)
        tally = compare(pipeline, frame, rows)
        flips = (f"{tally.flips}", f"{tally.flips_in_ties}") if hasattr(model, "classes_") else ("–", "–")
        table.add_row(name, f"{tally.rows:,}", *flips, f"{tally.largest:.1e}")
    return table


def compare(pipeline: Any, frame: Any, rows: int) -> Tally:
    """One fitted pipeline over about `rows` boundary rows."""
    lowered = lower(pipeline, frame)
    program = optimize(lowered)
    reference = Reference(estimator=pipeline, interface=program.interface)
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        target = find_target("onnx")
        runner = target.open(target.emit(program, Path(folder), EmitOptions()).path, program.interface)
        example = columns_of(frame, program.interface)
        seed = 0
        while tally.rows < rows:
            cases = make_cases(lowered, folded=program, example=example, budget_rows=ROWS_AT_ONCE, seed=seed)
            server, refused = reference.answers(cases.columns)
            tally.add(server, runner.run(take(cases.columns, ~refused)))
            seed += 1
    return tally
