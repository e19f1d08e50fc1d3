"""A policy's demands, one by one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from edgepack.bundle.manifest import BundledArtifact
from edgepack.contract import Verdict
from edgepack.errors import BudgetError, ParityError
from edgepack.gate.policy import Budget, Policy
from edgepack.runtimes import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One demand and what was found.

    Attributes:
        kind: what it is about, and so its exit code: 5 for `parity`, 7 for `budget`.
        name: the demand (`onnx: size_bytes`).
        found: in words, for passed and failed alike.
    """

    kind: Literal["parity", "budget"]
    name: str
    passed: bool
    found: str


def judge(
    policy: Policy,
    verdicts: Sequence[Verdict],
    artifacts: Sequence[BundledArtifact],
    *,
    p50_us: Mapping[str, float | str],
    instructions: Mapping[str, float | str] | None = None,
) -> tuple[Check, ...]:
    """A check per demand of the policy; what did not run has not passed.

    Args:
        verdicts: of the policy's runtimes too, as `edgepack.recheck` gives them under the policy's tolerances.
        p50_us: by target, how long a single row takes, or why nobody knows; only budgets on time look here.
        instructions: by target, how many a single row takes, or why nobody knows; only budgets on them look here.
    """
    checks = [_target(target, verdicts) for target in policy.targets]
    checks += [_runtime(spec, verdicts) for spec in policy.runtimes]
    if policy.coverage is not None:
        checks += [_coverage(policy.coverage, verdict) for verdict in verdicts if verdict.status != "not run"]
    by_target = {entry.artifact.target: entry for entry in artifacts}
    for target, budget in policy.budgets.items():
        checks += _budget(target, budget, by_target.get(target), p50_us, instructions or {})
    return tuple(checks)


def unanswered(verdicts: Sequence[Verdict], asked: Collection[str]) -> tuple[Check, ...]:
    """A check that has not passed for each runtime, server or log that the call itself names and that did not run.

    Args:
        asked: their words, which a verdict that did not run has for a runtime.
    """
    return tuple(
        Check(kind="parity", name=f"asked for {v.runtime or v.target}", passed=False, found=f"{v.status}: {v.reason}")
        for v in verdicts
        if v.status == "not run" and v.runtime in asked
    )


def require_all(verdicts: Sequence[Verdict], checks: Sequence[Check]) -> None:
    """Returns if no verdict and no check has failed.

    Raises:
        ParityError: a line for everything that has failed, if parity is among it.
        BudgetError: a line for each, if only budgets have.
    """
    lines = [f"{v.target}: {v.reason or v.status} ({v.runtime})" for v in verdicts if v.status == "failed"]
    parity = bool(lines) or any(c.kind == "parity" and not c.passed for c in checks)
    if lines := [*lines, *(f"{c.name}: {c.found}" for c in checks if not c.passed)]:
        raise (ParityError if parity else BudgetError)("\n".join(dict.fromkeys(lines)))


def _target(target: str, verdicts: Sequence[Verdict]) -> Check:
    return _passed(f"required target {target}", [v for v in verdicts if v.target == target], "not in the bundle")


def _runtime(spec: Spec, verdicts: Sequence[Verdict]) -> Check:
    return _passed(f"required runtime {spec}", [v for v in verdicts if _ran_in(v, spec)], "not run")


def _ran_in(verdict: Verdict, spec: Spec) -> bool:
    """Whether a verdict is about a runtime: by its word where it did not run, else by what it says of itself."""
    name, _, rest = verdict.runtime.partition(" ")
    if verdict.runtime == str(spec):
        return True
    if spec.kind == "arm64":
        return name == "onnxruntime" and verdict.runtime.endswith((" aarch64", " arm64"))
    named = "onnxruntime" if spec.kind == "onnxruntime" else f"onnxruntime-{spec.kind}"
    return name == named and (spec.version is None or rest.split(" ")[0] == spec.version)


def _passed(name: str, verdicts: Sequence[Verdict], absent: str) -> Check:
    bad = [v for v in verdicts if not v.passed]
    found = "; ".join(f"{v.status}: {v.reason}" for v in bad) if bad else ", ".join(v.status for v in verdicts)
    return Check(kind="parity", name=name, passed=bool(verdicts) and not bad, found=found or absent)


def _coverage(least: float, verdict: Verdict) -> Check:
    """Read from the verdict's `coverage`, which tells per kind of place how many are `reached` and `reachable`."""
    kinds: Mapping[str, Any] = getattr(verdict, "coverage", None) or {}
    shares = {kind: place.reached / place.reachable for kind, place in kinds.items() if place.reachable}
    name = f"{verdict.target} on {verdict.runtime}: coverage of at least {least:g}"
    short = {kind: share for kind, share in shares.items() if share < least}
    told = ", ".join(f"{kind} {share:.4g}" for kind, share in (short or shares).items())
    return Check(kind="parity", name=name, passed=bool(shares) and not short, found=told or "the verdict tells none")


def _budget(
    target: str,
    budget: Budget,
    entry: BundledArtifact | None,
    p50_us: Mapping[str, float | str],
    instructions: Mapping[str, float | str],
) -> Iterator[Check]:
    measured = {
        "size_bytes": entry and entry.size_bytes,
        "compressed_size_bytes": entry and entry.compressed_size_bytes,
        "p50_us": p50_us.get(target),
        "instructions_per_row": instructions.get(target),
    }
    for key, found in measured.items():
        allowed = getattr(budget, key)
        if allowed is None:
            continue
        if isinstance(found, int | float):
            digits = ".1f" if key == "p50_us" else ".0f"
            told = f"{found:,{digits}} of {allowed:,{digits}}"
            yield Check(kind="budget", name=f"{target}: {key}", passed=found <= allowed, found=told)
        else:
            yield Check(kind="budget", name=f"{target}: {key}", passed=False, found=found or "not in the bundle")
