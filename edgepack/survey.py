"""Whether a model can be exported: every step of it, on every target, and why not."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edgepack.compiler import compile_model
from edgepack.contract import Method, Problem, Target
from edgepack.errors import UnsupportedError

if TYPE_CHECKING:
    from edgepack.ir import Program
    from edgepack.source.loading import Env

Status = Literal["supported", "via skl2onnx", "unsupported", "not checked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a model: what each target makes of it.

    Attributes:
        name: its path, `preprocess → num → StandardScaler`.
        status: by target; `not checked` where another step has no lowering, so that targets were not asked.
        problems: by target, the reasons why it is unsupported there.
    """

    name: str
    status: Mapping[str, Status]
    problems: Mapping[str, tuple[Problem, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """All steps of a model in order.

    Attributes:
        problems: what stands in the way of an export to all of `targets`, as `export` tells it; empty if nothing does.
    """

    targets: tuple[str, ...]
    steps: tuple[Step, ...]
    problems: tuple[Problem, ...]

    @property
    def supported(self) -> bool:
        """Whether `export` goes through with all targets."""
        return not self.problems

    def to_document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "supported": self.supported,
            "targets": list(self.targets),
            "steps": [
                {
                    "step": step.name,
                    "status": dict(step.status),
                    "problems": {target: [str(p) for p in found] for target, found in step.problems.items() if found},
                }
                for step in self.steps
            ],
            "problems": [str(problem) for problem in self.problems],
        }

    def to_table(self) -> Any:
        """A row per step, a column per target."""
        from rich.table import Table

        table = Table(title_justify="left")
        table.add_column("step", overflow="fold")
        for target in self.targets:
            table.add_column(target, no_wrap=True)
        table.add_column("why", overflow="fold")
        for step in self.steps:
            reasons = dict.fromkeys(
                p.reason + (f"; {p.remedy}" if p.remedy else "") for found in step.problems.values() for p in found
            )
            table.add_row(step.name, *(step.status[target] for target in self.targets), "\n".join(reasons))
        return table


def survey(
    model: str,
    targets: Sequence[Target],
    *,
    tracking_uri: str | None = None,
    allow_pickle: bool = False,
    env: Env = "auto",
    output: Method | None = None,
    data: Any = None,
) -> Survey:
    """What each target makes of each step of a model; nothing is written.

    Args:
        data: further rows, as the estimator takes them: targets of narrow arithmetic must hold for their numbers, too.

    Raises:
        SourceError, UsageError: see `compile_model`.
    """
    from edgepack.lower.ranges import widened
    from edgepack.rows import columns_of

    visited: dict[str, None] = {}
    names = tuple(target.name for target in targets)
    with tempfile.TemporaryDirectory(prefix="edgepack-") as scratch:
        try:
            program = compile_model(
                model,
                Path(scratch),
                tracking_uri=tracking_uri,
                allow_pickle=allow_pickle,
                env=env,
                output=output,
                on_step=lambda step: visited.setdefault(step),
            ).program
            if data is not None:
                program = widened(program, columns_of(data, program.interface))
        except UnsupportedError as error:
            everywhere = dict.fromkeys(names, error.problems)
            return Survey(
                targets=names, steps=_steps(visited, everywhere, otherwise="not checked"), problems=error.problems
            )
    found = {target.name: tuple(target.check(program)) for target in targets}
    return Survey(
        targets=names,
        steps=_steps(visited, found, otherwise="supported", program=program),
        problems=tuple(of_target(name, p) for name, problems in found.items() for p in problems),
    )


def of_target(target: str, problem: Problem) -> Problem:
    """A target's problem with the target's name in front."""
    return Problem(step=f"{target}: {problem.step}", reason=problem.reason, remedy=problem.remedy)


def _steps(
    visited: Mapping[str, None],
    problems: Mapping[str, Sequence[Problem]],
    *,
    otherwise: Status,
    program: Program | None = None,
) -> tuple[Step, ...]:
    from edgepack.ir.ops import OnnxBlock

    nodes = program.nodes if program else ()
    blocks = {node.step for node in nodes if isinstance(node.op, OnnxBlock) and not node.op.is_own}
    names = dict.fromkeys([*visited, *(p.step for found in problems.values() for p in found)])

    def status(name: str, target: str) -> Status:
        if any(p.step == name for p in problems[target]):
            return "unsupported"
        return "via skl2onnx" if name in blocks else otherwise

    return tuple(
        Step(
            name=name,
            status={target: status(name, target) for target in problems},
            problems={target: tuple(p for p in found if p.step == name) for target, found in problems.items()},
        )
        for name in names
    )
