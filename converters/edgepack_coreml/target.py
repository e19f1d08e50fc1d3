"""The target `coreml`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgepack.contract import Artifact, EmitOptions, Interface, Problem, Runner
from edgepack.errors import UnsupportedError

if TYPE_CHECKING:
    from edgepack.ir import Program

NAME = "coreml"


@dataclass(frozen=True, slots=True)
class CoreMLTarget:
    """Writes classic Core ML models: doubles and strings in, labels and probability dictionaries out, iOS 11."""

    @property
    def name(self) -> str:
        """`coreml`."""
        return NAME

    def check(self, program: Program) -> list[Problem]:
        """Everything that a classic Core ML model cannot say, all at once."""
        from edgepack_coreml.plan import plan

        return list(plan(program).problems)

    def emit(self, program: Program, into: Path, options: EmitOptions) -> Artifact:
        """Writes `<Name>.mlmodel` into a folder.

        Raises:
            UnsupportedError: the program has not passed `check`.
        """
        from edgepack_coreml.plan import plan
        from edgepack_coreml.save import file_name, model_bytes
        from edgepack_coreml.stage import SPECIFICATION

        planned = plan(program)
        if planned.problems:
            raise UnsupportedError(planned.problems)
        data, kind = model_bytes(planned, program.interface, options)
        path = into / file_name(options.name)
        path.write_bytes(data)
        return Artifact(
            target=NAME,
            path=path,
            format=f"Core ML {kind}, specification {SPECIFICATION}",
            min_runtime="iOS 11",
            notes=_notes([stage.kind for stage in planned.stages]),
        )

    def open(self, path: Path, interface: Interface) -> Runner:
        """On macOS Apple's framework; elsewhere the reference evaluator."""
        from edgepack_coreml.runner import open_runner

        return open_runner(path, interface)


def _notes(kinds: list[str]) -> tuple[str, ...]:
    counted = ", ".join(f"{n} × {kind}" if n > 1 else kind for kind, n in Counter(kinds).items())
    if "neuralNetwork" not in kinds:
        return (f"stages: {counted}",)
    return (f"stages: {counted}", "neural network layers are float32 on the CPU: load with computeUnits = .cpuOnly")
