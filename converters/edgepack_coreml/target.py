"""The target `coreml`."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgepack.contract import Artifact, EmitOptions, Interface, Mutant, Problem, Runner
from edgepack.errors import UnsupportedError
from edgepack_coreml.kinds import FLOAT32

if TYPE_CHECKING:
    from edgepack.ir import Program
    from edgepack.ir.computation import Computation
    from edgepack.ir.decisions import Decisions
    from edgepack_coreml.mil import Planned
    from edgepack_coreml.plan import Plan

NAME = "coreml"
HALVES = "products with weights and the activations between them are float16; all else is float32"
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
        """Everything that neither a classic model nor an ML Program can say; what the latter cannot, all at once.

        Whether float32 holds the answers shows only in a file: one is written and tried.
        """
        with tempfile.TemporaryDirectory(prefix="edgepack-") as folder:
            try:
                self.emit(program, Path(folder), EmitOptions())
            except UnsupportedError as error:
                return list(error.problems)
        return []

    def emit(self, program: Program, into: Path, options: EmitOptions) -> Artifact:
        """Writes `<Name>.mlmodel`, or the folder `<Name>.mlpackage` for an ML Program, into a folder.

        A perceptron of 100 neurons is a classic pipeline of some 300 stages: that becomes an ML Program, too, as does
        all that is asked to compute in float16.

        Raises:
            UnsupportedError: the program has not passed `check`, needs a later iOS, or float32 cannot hold its answers.
        """
        from edgepack_coreml import mil
        from edgepack_coreml.plan import plan

        if options.precision == "float16":
            halved = mil.plan(program, options.ios, packs=options.packs, halves=True)
            return _emitted_program(halved, program, into, options)
        planned = plan(program)
        if options.packs and not planned.problems:
            return _smaller(program, planned, into, options)
        if planned.problems or len(planned.stages) > MANY_STAGES:
            in_program = mil.plan(program, options.ios, packs=options.packs)
            if planned.problems or (2 * len(in_program.front) < len(planned.stages) and not in_program.problems):
                return _emitted_program(in_program, program, into, options)
        return _emitted_classic(planned, program, into, options)

    def open(self, path: Path, interface: Interface) -> Runner:
        """On macOS Apple's framework; elsewhere the reference evaluator."""
        from edgepack_coreml.runner import open_runner

        return open_runner(path, interface)

    def sections(self, path: Path) -> dict[str, bytes]:
        """See `edgepack_coreml.sections`."""
        from edgepack_coreml.sections import sections

        return sections(path)

    def read_forest(self, path: Path, interface: Interface) -> Decisions | None:
        """What the trees of a classic file decide, from the file alone; None where it is more than a forest."""
        from edgepack_coreml.read import read_decisions

        return read_decisions(path, interface)

    def read_sums(self, path: Path, interface: Interface) -> Computation | None:
        """What an emitted file computes, from the file alone; None where that is more than sums and known functions."""
        from edgepack_coreml.recover import read_sums

        return read_sums(path, interface)

    def mutants(self, path: Path, interface: Interface, *, each: int, seed: int) -> list[Mutant]:
        """Mistakes to plant in a classic file, up to `each` of every kind; none for an ML Program."""
        from edgepack_coreml.mutate import mutants

        return mutants(path, each=each, seed=seed)

    def lint(self, path: Path, interface: Interface) -> list[Problem]:
        """What is wrong with a file or package that claims to be of this interface, without running it."""
        from edgepack_coreml.lint import lint

        return lint(path, interface)


def _smaller(program: Program, planned: Plan, into: Path, options: EmitOptions) -> Artifact:
    """The classic model or the ML Program, whichever takes fewer bytes."""
    from edgepack_coreml import mil

    classic = _emitted_classic(planned, program, into, options)
    try:
        packed = _emitted_program(mil.plan(program, options.ios, packs=True), program, into, options)
    except UnsupportedError:
        return classic
    if sum(file.stat().st_size for file in packed.path.rglob("*") if file.is_file()) < classic.path.stat().st_size:
        classic.path.unlink()
        return packed
    shutil.rmtree(packed.path)
    return classic


def _emitted_classic(planned: Plan, program: Program, into: Path, options: EmitOptions) -> Artifact:
    from edgepack_coreml.reach import limited
    from edgepack_coreml.save import file_name, model_pieces
    from edgepack_coreml.stage import SPECIFICATION

    path = into / f"{file_name(options.name)}.mlmodel"

    def write(chosen: EmitOptions) -> str:
        pieces, kind = model_pieces(planned, program.interface, chosen)
        with path.open("wb") as file:
            file.writelines(pieces)
        return kind

    kinds = [stage.kind for stage in planned.stages]
    kind, note = limited(program, path, options, write) if FLOAT32 & set(kinds) else (write(options), ())
    return Artifact(
        target=NAME,
        path=path,
        format=f"Core ML {kind}, specification {SPECIFICATION}",
        min_runtime="iOS 11",
        notes=_notes(kinds) + note,
    )


def _emitted_program(planned: Planned, program: Program, into: Path, options: EmitOptions) -> Artifact:
    """The ML Program; where float32 has too few digits, with sums and products in two float32 numbers each."""
    from edgepack_coreml import mil

    if planned.problems:
        raise UnsupportedError(planned.problems)
    try:
        return _written_program(planned, program, into, options)
    except UnsupportedError:
        if options.precision == "float16":
            raise
        doubled = mil.plan(program, options.ios, packs=options.packs, doubled=True)
        return _written_program(doubled, program, into, options, "sums and products are pairs of float32 numbers")


def _written_program(planned: Planned, program: Program, into: Path, options: EmitOptions, *notes: str) -> Artifact:
    from edgepack_coreml import mil
    from edgepack_coreml.reach import limited
    from edgepack_coreml.save import file_name

    kinds = [*(stage.kind for stage in planned.front), "mlProgram"]
    path = into / f"{file_name(options.name)}.mlpackage"
    (kind, specification), note = limited(
        program, path, options, lambda chosen: mil.write(planned, program.interface, chosen, path)
    )
    return Artifact(
        target=NAME,
        path=path,
        format=f"Core ML {kind}, specification {specification}",
        min_runtime=f"iOS {options.ios}",
        notes=(*_notes(kinds, halves=options.precision == "float16"), *notes, *note),
    )


def _notes(kinds: list[str], *, halves: bool = False) -> tuple[str, ...]:
    counted = ", ".join(f"{n} × {kind}" if n > 1 else kind for kind, n in Counter(kinds).items())
    if not FLOAT32 & set(kinds):
        return (f"stages: {counted}",)
    narrow = "float16 and float32" if halves else "float32"
    on_cpu = f"what is computed in {narrow} is so on the CPU: load with computeUnits = .cpuOnly"
    return (f"stages: {counted}", *((HALVES,) if halves else ()), on_cpu)
