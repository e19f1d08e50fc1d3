"""Runs an .mlmodel file: the reference evaluator anywhere, Apple's framework on a Mac."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgepack.contract import Columns, Interface, Runner
from edgepack.errors import UsageError
from edgepack.ir.types import Array, Floats
from edgepack_coreml.evaluate import Evaluator, load
from edgepack_coreml.evaluate.values import Dictionaries
from edgepack_coreml.kinds import arithmetic_of
from edgepack_coreml.labels import core_ml_labels
from edgepack_coreml.metadata import ranges_in
from edgepack_coreml.narrow import ALLOWED, tie_width

ROWS_AT_ONCE = 1 << 14


def open_runner(path: Path, interface: Interface) -> Runner:
    """Apple's framework on macOS, else the reference evaluator."""
    if sys.platform == "darwin":
        return _on_a_mac(path, interface)
    return EvaluatorRunner(evaluator=load(path), interface=interface)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EvaluatorRunner:
    """Rows through the reference evaluator."""

    evaluator: Evaluator
    interface: Interface

    @property
    def runtime(self) -> str:
        """Says that it is not Apple's."""
        return "Core ML reference evaluator (not Apple's framework)"

    @property
    def ranges(self) -> Mapping[str, Floats]:
        """Between which numbers the file says that its answers hold."""
        return ranges_in(self.evaluator.description.metadata.userDefined)

    @property
    def tolerance(self) -> Mapping[str, float]:
        """See `ALLOWED`."""
        return ALLOWED[self.evaluator.arithmetic]

    @property
    def tie_width(self) -> float:
        """Wider where the file computes in float32 or float16."""
        return tie_width(self.evaluator.arithmetic)

    def run(self, columns: Columns) -> dict[str, Array]:
        """The artifact's answers, named and shaped as `contract.Answers` says."""
        values = given(columns, self.interface)
        parts = [
            self._answers({name: x[start : start + ROWS_AT_ONCE] for name, x in values.items()})
            for start in range(0, max(_height(values), 1), ROWS_AT_ONCE)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _answers(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """Some rows' answers: whatever is between the stages is held for these alone."""
        declared = self.evaluator.inputs
        answers = self.evaluator.run(
            {n: x.astype(declared[n].dtype) if declared[n].kind == "array" else x for n, x in values.items()}
        )
        description = self.evaluator.description
        if missing := self._wanted() - set(answers):
            raise UsageError(f"the model gives no {sorted(missing)[0]!r:.80}; open the file of this bundle")
        if self.interface.classes is None:
            value = np.asarray(answers[description.output[0].name], np.float64)
            return {"value": value[:, 0] if value.ndim == 2 and value.shape[1] == 1 else value}
        labels = core_ml_labels(self.interface.classes)
        chosen = np.asarray(answers[description.predictedFeatureName])
        result = {"label": _own_labels(chosen, labels, self.interface)}
        if "probabilities" in self.interface.outputs:
            table = answers[description.predictedProbabilitiesName]
            if not isinstance(table, Dictionaries) or set(table.labels) != set(labels):
                raise UsageError("the model's class labels are not the interface's; open the file of this bundle")
            result["probabilities"] = table.numbers[:, [table.labels.index(label) for label in labels]]
        return result

    def _wanted(self) -> set[str]:
        """The names of the answers that `run` reads."""
        description = self.evaluator.description
        if self.interface.classes is None:
            return {feature.name for feature in description.output[:1]}
        wanted = {description.predictedFeatureName}
        return wanted | (
            {description.predictedProbabilitiesName} if "probabilities" in self.interface.outputs else set()
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MacRunner:
    """Rows through Apple's framework, on the CPU. Written from coremltools' documentation, not run by edgepack's CI."""

    model: Any
    interface: Interface

    @property
    def runtime(self) -> str:
        """`Core ML macOS 15.1`."""
        return f"Core ML macOS {platform.mac_ver()[0]}"

    @property
    def ranges(self) -> Mapping[str, Floats]:
        """Between which numbers the file says that its answers hold."""
        return ranges_in(self.model.get_spec().description.metadata.userDefined)

    @property
    def tolerance(self) -> Mapping[str, float]:
        """See `ALLOWED`."""
        return ALLOWED[arithmetic_of(self.model.get_spec())]

    @property
    def tie_width(self) -> float:
        """Wider where the file computes in float32 or float16."""
        return tie_width(arithmetic_of(self.model.get_spec()))

    def run(self, columns: Columns) -> dict[str, Array]:
        """The artifact's answers, named and shaped as `contract.Answers` says."""
        table = given(columns, self.interface)
        rows = [{name: _plain(values[k]) for name, values in table.items()} for k in range(_height(table))]
        answers = self.model.predict(rows)
        description = self.model.get_spec().description
        if self.interface.classes is None:
            value = np.array([answer[description.output[0].name] for answer in answers], np.float64)
            return {"value": value[:, 0] if value.ndim == 2 and value.shape[1] == 1 else value}
        labels = core_ml_labels(self.interface.classes)
        chosen = np.array([answer[description.predictedFeatureName] for answer in answers], object)
        result = {"label": _own_labels(chosen, labels, self.interface)}
        if "probabilities" in self.interface.outputs:
            tables = [answer[description.predictedProbabilitiesName] for answer in answers]
            result["probabilities"] = np.array([[row[label] for label in labels] for row in tables], np.float64)
        return result


def given(columns: Columns, interface: Interface) -> dict[str, Array]:
    """The features as a device passes them: numbers rounded to the interface's type, a text for a missing string.

    Raises:
        UsageError: for columns that are not the interface's.
    """
    values: dict[str, Array] = {}
    for i in interface.inputs:
        if i.name not in columns:
            raise UsageError(
                f"column {i.name!r} is missing; pass {', '.join(other.name for other in interface.inputs)}"
            )
        column = columns[i.name]
        if i.kind == "string":
            values[i.name] = np.array([i.missing_token if v is None else str(v) for v in column[:, 0]], object)
        else:
            with np.errstate(over="ignore"):
                rounded = column.astype(interface.input_dtype).astype(np.float64)
            values[i.name] = rounded if i.width > 1 else rounded[:, 0]
    return values


def _own_labels(chosen: Array, labels: Sequence[int | str], interface: Interface) -> Array:
    """Core ML's labels as the model's own classes, by position."""
    place = {label: k for k, label in enumerate(labels)}
    if unknown := set(chosen.tolist()) - set(place):
        raise UsageError(f"label {min(unknown, key=str)!r} is not among the interface's classes")
    return np.array(interface.classes)[[place[label] for label in chosen.tolist()]]


def _height(table: Mapping[str, Array]) -> int:
    return min(len(values) for values in table.values())


def _plain(value: Any) -> Any:
    return value if isinstance(value, np.ndarray | str) else float(value)


def _on_a_mac(path: Path, interface: Interface) -> MacRunner:
    try:
        import coremltools
    except ImportError as error:
        raise UsageError("coremltools is not installed: pip install 'edgepack[coreml]'") from error
    model = coremltools.models.MLModel(str(path), compute_units=coremltools.ComputeUnit.CPU_ONLY)
    return MacRunner(model=model, interface=interface)
