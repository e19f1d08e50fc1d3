"""What really becomes of each estimator: lowered, emitted, run and compared with its own answers."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from catalogue.case import Compared, run
from threadpoolctl import threadpool_limits

from edgepack.contract import Method
from edgepack.errors import EdgepackError, UnsupportedError
from edgepack.ir.ops import OnnxBlock
from edgepack.lower import lower
from edgepack.parity import prove_files
from edgepack.targets import find_target
from inventory.kinds import METHODS, Example, example_of
from inventory.reasons import why_nothing_for_a_row, why_rows_are_no_input

_NAMES = {"onnx": "ONNX", "coreml": "Core ML"}

Onnx = Literal["exact", "measured", "via skl2onnx", "differs", "refused", "no meaning"]
CoreML = Literal["classic", "ML Program", "label alone", "differs", "refused", "no meaning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One estimator.

    Attributes:
        onnx: `exact` where parity has proved every branch of the file, `measured` where its answers are scikit-learn's
            on boundary rows, both by edgepack's own lowering; `differs` where they are not: an export ends there.
        coreml: the form of the artifact, whose answers are scikit-learn's on boundary rows; or else. `label alone`: it
            is refused unless asked for the label without probabilities.
        answers: the methods that edgepack's own lowering gives.
        why: what stands in the way.
        findings: what the linter says of the Core ML artifact.
    """

    onnx: Onnx
    coreml: CoreML
    answers: tuple[Method, ...] = ()
    why: str = ""
    findings: tuple[str, ...] = ()


def fact_of(kind: Any, folder: Path) -> Fact:
    """What becomes of a class. Raises whatever no user should see."""
    with threadpool_limits(1):  # small fits: threads that wait for each other take most of the time
        return _fact_of(kind, folder)


def _fact_of(kind: Any, folder: Path) -> Fact:
    example = example_of(kind)
    if why := why_rows_are_no_input(example.estimator):
        return Fact(onnx="no meaning", coreml="no meaning", why=why)
    if not any(hasattr(example.estimator, method) for method in METHODS):
        return Fact(onnx="no meaning", coreml="no meaning", why=why_nothing_for_a_row(kind))
    try:
        lowered = lower(example.estimator, example.sample, output=example.output)
    except EdgepackError as error:
        return Fact(onnx="refused", coreml="refused", why=_reasons(error))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compared = run(example.server, example.sample, lowered, folder, limit=example.limit, rows=300)
        alone = _label_alone(example, compared, folder)
    own = not any(isinstance(node.op, OnnxBlock) for node in lowered.nodes)
    reasons = [f"{_NAMES[target]}: {reason}" for target, reason in compared.refusals.items()]
    return Fact(
        onnx=_onnx(compared, own=own),
        coreml=_coreml(compared) if alone is None else "label alone",
        answers=tuple(m for m in METHODS if own and _answers(example, m)),
        why="; ".join([*reasons, *_differences(compared)]),
        findings=_findings(alone or compared),
    )


def _label_alone(example: Example, compared: Compared, folder: Path) -> Compared | None:
    """The Core ML artifact of the label, where that of label and probabilities is refused and this one is right."""
    if example.output is not None or "coreml" not in compared.refusals or "label" not in compared.program.outputs:
        return None
    if "probabilities" not in compared.program.outputs:
        return None
    lowered = lower(example.estimator, example.sample, output="predict")
    alone = run(
        example.server, example.sample, lowered, folder / "alone", targets=("coreml",), limit=example.limit, rows=300
    )
    return alone if "coreml" in alone.verdicts and alone.verdicts["coreml"].passed else None


def _onnx(compared: Compared, *, own: bool) -> Onnx:
    if "onnx" in compared.refusals:
        return "refused"
    verdict = compared.verdicts["onnx"]
    if not verdict.passed:
        return "differs"
    if not own:
        return "via skl2onnx"
    files = {"onnx": (find_target("onnx"), compared.artifacts["onnx"].path)}
    (proved,) = prove_files([verdict], compared.lowered, compared.reference, files)
    return "exact" if proved.status == "proved" else "measured" if proved.passed else "differs"


def _coreml(compared: Compared) -> CoreML:
    if "coreml" in compared.refusals:
        return "refused"
    if not compared.verdicts["coreml"].passed:
        return "differs"
    return "ML Program" if compared.artifacts["coreml"].path.suffix == ".mlpackage" else "classic"


def _findings(compared: Compared) -> tuple[str, ...]:
    if "coreml" not in compared.artifacts:
        return ()
    problems = find_target("coreml").lint(compared.artifacts["coreml"].path, compared.program.interface)
    return tuple(f"{problem.step}: {problem.reason}" for problem in problems)


def _differences(compared: Compared) -> list[str]:
    """Of artifacts that an export would refuse to seal."""
    return [f"{_NAMES[t]}: parity finds other answers" for t, v in compared.verdicts.items() if not v.passed]


def _answers(example: Example, method: Method) -> bool:
    if not hasattr(example.estimator, method):
        return False
    try:
        lower(example.estimator, example.sample, output=method, fallback=False)
    except UnsupportedError:
        return False
    return True


def _reasons(error: EdgepackError) -> str:
    if isinstance(error, UnsupportedError):
        return "; ".join(dict.fromkeys(p.reason for p in error.problems))
    return str(error)
