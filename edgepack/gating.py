"""A bundle under a policy: what the command line, the GitHub Action and the pytest plugin ask alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgepack.bundle.bundle import Bundle
    from edgepack.contract import Verdict
    from edgepack.gate import Check, Policy


def checks_of(policy: Policy, verdicts: Sequence[Verdict], bundle: Bundle) -> tuple[Check, ...]:
    """A check per demand of the policy; rows are timed only where it has a budget for them."""
    from edgepack.bundle.files import GOLDEN
    from edgepack.bundle.golden import read_golden
    from edgepack.gate import judge
    from edgepack.gate.latency import single_row_us
    from edgepack.recheck import runners

    timed = {target for target, budget in policy.budgets.items() if budget.p50_us is not None}
    p50_us: dict[str, float | str] = {}
    if timed:
        columns, _ = read_golden(bundle.path / GOLDEN, bundle.interface)
        p50_us = single_row_us({t: r for t, r in runners(bundle).items() if t in timed}, columns)
    return judge(policy, verdicts, bundle.manifest.artifacts, p50_us=p50_us)
