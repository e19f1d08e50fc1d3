"""docs/estimators.md."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from inventory.facts import Fact

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "estimators.md"

HEAD = """# Estimators

<!-- Written by `make docs` from what a test really lowers, emits, runs and compares. Do not edit. -->

Every estimator of scikit-learn {version}, and those of LightGBM, XGBoost and CatBoost. Each was fitted on a small
table, compiled for both targets, and its artifacts were asked beside the estimator itself on boundary rows.

- **ONNX**: *exact*: every branch of the file is proved to be scikit-learn's, for every input there is; *measured*: the
  answers are scikit-learn's on boundary rows. Both are edgepack's own lowering. *via skl2onnx*: edgepack has none of
  its own, and skl2onnx's answers are scikit-learn's on these rows.
- **Core ML**: a *classic* model (doubles, iOS 11) or an *ML Program* (float32, iOS 15), judged by the reference
  evaluator. *label alone*: Core ML's label is that of the largest probability, and scikit-learn's is not, so that
  `--output predict` gives the label without probabilities; the artifact of the label is scikit-learn's.
- **—**: `edgepack check` and `edgepack export` refuse it and say why. *differs*: an artifact is written, but parity
  finds other answers than scikit-learn's, and the export ends there.
- *no meaning*: it answers no single row, on a phone or anywhere.

Other flags may give another form: `edgepack check MODEL` tells it for a model of yours. To teach edgepack an estimator
or function of your own, see [extending.md](extending.md).

{counts}
"""

TABLE = "| estimator | ONNX | Core ML | answers | why not |\n| --- | --- | --- | --- | --- |\n"
SHOWN = {"refused": "—"}


def document(facts: Mapping[Any, Fact], version: str) -> str:
    """The whole text: a table per package."""
    parts = [HEAD.format(version=version, counts=_counts(facts))]
    for package, kinds in groupby(sorted(facts, key=_place), key=lambda kind: _place(kind)[:2]):
        parts.append(f"\n## {package[1]}\n\n{TABLE}")
        parts += [_row(kind, facts[kind]) for kind in kinds]
    return "".join(parts)


def _place(kind: Any) -> tuple[bool, str, str]:
    """scikit-learn's packages first."""
    names = kind.__module__.split(".")
    ours = names[0] == "sklearn"
    return not ours, names[1] if ours else names[0], kind.__name__


def _row(kind: Any, fact: Fact) -> str:
    onnx, coreml = SHOWN.get(fact.onnx, fact.onnx), SHOWN.get(fact.coreml, fact.coreml)
    answers = ", ".join(f"`{answer}`" for answer in fact.answers)
    return f"| {kind.__name__} | {onnx} | {coreml} | {answers} | {fact.why.replace('|', ' ')} |\n"


def counts(facts: Mapping[Any, Fact]) -> dict[str, int]:
    """How many estimators each target takes through edgepack's own lowering."""
    return {
        "onnx": sum(fact.onnx in ("exact", "measured") for fact in facts.values()),
        "coreml": sum(fact.coreml in ("classic", "ML Program", "label alone") for fact in facts.values()),
    }


def _counts(facts: Mapping[Any, Fact]) -> str:
    found = counts(facts)
    exact = sum(fact.onnx == "exact" for fact in facts.values())
    converted = sum(fact.onnx == "via skl2onnx" for fact in facts.values())
    nothing = sum(fact.onnx == "no meaning" for fact in facts.values())
    return (
        f"Of {len(facts)} estimators, {found['onnx']} run on ONNX by edgepack's own lowering ({exact} of them exact), "
        f"{converted} more via skl2onnx, and {found['coreml']} on Core ML; {nothing} have no meaning for one row.\n"
    )
