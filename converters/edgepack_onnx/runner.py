"""Runs an emitted model in ONNX Runtime."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgepack.contract import Columns, Interface
from edgepack.errors import UsageError
from edgepack.ir.ops.missing import is_missing
from edgepack.ir.types import Array
from edgepack_onnx.labels import are_positions, artifact_labels

ROWS_AT_ONCE = 512  # distances take rows × points × features float64 at a time, means rows × trees × classes
COUNTS_AT_ONCE = 1 << 23  # a row of a text's counts may be 131,072 wide


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxRunner:
    """A session of one thread, so that sums are added in one order on every machine."""

    session: Any
    interface: Interface
    runtime: str

    @classmethod
    def load(cls, path: Path, interface: Interface) -> OnnxRunner:
        """The runner of a file. Raises `UsageError` for a file that ONNX Runtime does not load."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            # the fallback would try the same provider again, and tell of it on standard output
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"], enable_fallback=0)
        except Exception as error:  # the binding raises a dozen unrelated types
            reason = " ".join(str(error).split())
            raise UsageError(f"{path}: onnxruntime {onnxruntime.__version__} does not load it: {reason}") from error
        runtime = f"onnxruntime {onnxruntime.__version__} {platform.machine()}"
        return cls(session=session, interface=interface, runtime=runtime)

    def run(self, columns: Columns) -> dict[str, Array]:
        """The answers by name, as `contract.Answers` says.

        Raises:
            UsageError: the artifact does not run, or answers with labels that are not the interface's.
        """
        names = list(self.interface.outputs)
        try:
            parts = [self.session.run(names, feed) for feed in self._feeds(columns)]
        except Exception as error:  # the binding raises a dozen unrelated types
            reason = " ".join(str(error).split())
            raise UsageError(f"{self.runtime} does not run the artifact: {reason}") from error
        answers = {name: np.concatenate(pieces) for name, pieces in zip(names, zip(*parts, strict=True), strict=True)}
        if "label" in answers:
            answers["label"] = self._classes(answers["label"])
        return answers

    def feed(self, columns: Columns) -> dict[str, Array]:
        """The graph's inputs for all rows."""
        numbers = [columns[i.name] for i in self.interface.inputs if i.kind == "number"]
        feed: dict[str, Array] = {}
        if numbers:
            with np.errstate(over="ignore"):  # beyond float32 is infinite, as on the device
                feed["numbers"] = np.hstack(numbers).astype(self.interface.input_dtype)
        strings = [
            np.where(is_missing(columns[i.name], None), i.missing_token, columns[i.name])
            for i in self.interface.strings
        ]
        if strings:
            feed["strings"] = np.hstack(strings)
        for step in self.interface.texts:
            feed[step.name] = step.counts(columns[step.input][:, 0]).astype(np.float32)
        return feed

    def _feeds(self, columns: Columns) -> Iterator[dict[str, Array]]:
        """The graph's inputs for some rows at a time."""
        rows = len(next(iter(columns.values())))
        widest = max((step.width for step in self.interface.texts), default=1)
        at_once = max(1, min(ROWS_AT_ONCE, COUNTS_AT_ONCE // max(widest, 1)))
        for start in range(0, max(rows, 1), at_once):
            yield self.feed({name: x[start : start + at_once] for name, x in columns.items()})

    def _classes(self, labels: Array) -> Array:
        """The interface's classes for the artifact's labels."""
        classes = self.interface.classes or ()
        known = artifact_labels(classes)
        if are_positions(known):
            if labels.min(initial=0) < 0 or labels.max(initial=0) >= len(classes):
                raise UsageError(f"the artifact answers with more than {len(classes)} classes; open this bundle's file")
            return np.array(classes)[labels]
        place = {label: k for k, label in enumerate(known.tolist())}
        if foreign := sorted(set(labels.tolist()) - set(place)):
            raise UsageError(f"{foreign[0]!r} is not a class of the interface; open the file of this bundle")
        return np.array(classes)[[place[label] for label in labels.tolist()]]
