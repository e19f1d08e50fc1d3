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
    from edgepack_coreml.mil import Planned

NAME = "coreml"
MANY_STAGES = 48
"""Longer classic pipelines become ML Programs where these need less than half as many stages."""


@dataclass(frozen=True, slots=True)
class CoreMLTarget:
    """Writes Core ML models: classic ones (doubles and strings, iOS 11) where they can say it, else ML Programs."""

    @property
    def name(self) -> str:
        """`coreml`."""
        return NAME

    def check(self, program: Program) -> list[Problem]:
        """Everything that neither a classic model nor an ML Program can say; what the latter cannot, all at once."""
        from edgepack_coreml import mil
        from edgepack_coreml.plan import plan

        if not plan(program).problems:
            return []
        return list(mil.plan(program, EmitOptions().ios).problems)

    def emit(self, program: Program, into: Path, options: EmitOptions) -> Artifact:
        """Writes `<Name>.mlmodel`, or the folder `<Name>.mlpackage` for an ML Program, into a folder.

        A perceptron of 100 neurons is a classic pipeline of some 300 stages: that becomes an ML Program, too.

        Raises:
            UnsupportedError: the program has not passed `check`, or needs a later iOS.
        """
        from edgepack_coreml import mil
        from edgepack_coreml.plan import plan
        from edgepack_coreml.save import file_name, model_bytes
        from edgepack_coreml.stage import SPECIFICATION

        planned = plan(program)
        if planned.problems or len(planned.stages) > MANY_STAGES:
            in_program = mil.plan(program, options.ios)
            if planned.problems or (2 * len(in_program.front) < len(planned.stages) and not in_program.problems):
                return _emitted_program(in_program, program.interface, into, options)
        data, kind = model_bytes(planned, program.interface, options)
        path = into / f"{file_name(options.name)}.mlmodel"
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


def _emitted_program(planned: Planned, interface: Interface, into: Path, options: EmitOptions) -> Artifact:
    from edgepack_coreml import mil
    from edgepack_coreml.save import file_name

    if planned.problems:
        raise UnsupportedError(planned.problems)
    path = into / f"{file_name(options.name)}.mlpackage"
    kind, specification = mil.write(planned, interface, options, path)
    notes = _notes([*(stage.kind for stage in planned.front), "mlProgram"])
    if planned.largest_number < mil.LARGEST:
        notes += (f"for numbers up to ±{planned.largest_number:g}: float32 overflows beyond",)
    return Artifact(
        target=NAME,
        path=path,
        format=f"Core ML {kind}, specification {specification}",
        min_runtime=f"iOS {options.ios}",
        notes=notes,
    )


def _notes(kinds: list[str]) -> tuple[str, ...]:
    counted = ", ".join(f"{n} × {kind}" if n > 1 else kind for kind, n in Counter(kinds).items())
    if not {"neuralNetwork", "mlProgram"} & set(kinds):
        return (f"stages: {counted}",)
    return (f"stages: {counted}", "what is computed in float32 is so on the CPU: load with computeUnits = .cpuOnly")
