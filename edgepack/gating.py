"""A bundle under a policy: what the command line, the GitHub Action and the pytest plugin ask alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgepack.errors import EdgepackError

if TYPE_CHECKING:
    from edgepack.bundle.bundle import Bundle
    from edgepack.contract import Columns, Verdict
    from edgepack.gate import Check, Policy


def checks_of(policy: Policy, verdicts: Sequence[Verdict], bundle: Bundle) -> tuple[Check, ...]:
    """A check per demand of the policy; rows are timed, or their instructions counted, only under such a budget."""
    from edgepack.bundle.files import GOLDEN
    from edgepack.bundle.golden import read_golden
    from edgepack.gate import judge
    from edgepack.gate.latency import single_row_us
    from edgepack.recheck import runners

    timed = {target for target, budget in policy.budgets.items() if budget.p50_us is not None}
    counted = {target for target, budget in policy.budgets.items() if budget.instructions_per_row is not None}
    p50_us: dict[str, float | str] = {}
    instructions: dict[str, float | str] = {}
    if timed or counted:
        columns, _ = read_golden(bundle.path / GOLDEN, bundle.interface)
        p50_us = single_row_us({t: r for t, r in runners(bundle).items() if t in timed}, columns)
        instructions = {target: _instructions(target, policy, bundle, columns) for target in counted}
    return judge(policy, verdicts, bundle.manifest.artifacts, p50_us=p50_us, instructions=instructions)


def _instructions(target: str, policy: Policy, bundle: Bundle, columns: Columns) -> float | str:
    """How many a golden row takes, or why nobody knows."""
    from edgepack.bench.instructions import CALLS
    from edgepack.rebench import native_runner

    if target not in bundle.targets:
        return "not in the bundle"
    if target != "onnx":
        return "not counted: only ONNX artifacts run through a C API; leave this budget out"
    if policy.headers is None:
        return "not counted: the policy names no headers; give the folder of ONNX Runtime's C headers"
    try:
        with native_runner(bundle, policy.headers, columns, rows=CALLS) as runner:
            return runner.instructions_per_row()
    except EdgepackError as error:
        return f"not counted: {error}"
