"""Two bundles of one model, side by side: what an app would notice, and where it came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from edgepack.contract import Answers, Columns, Interface, OutputComparison
from edgepack.errors import EdgepackError
from edgepack.report.page import leaves
from edgepack.report.program import read_program

if TYPE_CHECKING:
    from edgepack.bundle.bundle import Bundle

UNTOLD = ("created", "started", "ended", "sha256", "size_bytes", "uri", "run_id", "model_id", "model.version")
"""Parts of a lineage that differ between any two runs; the tree's own digest is told all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is not as it was; None where it was not, or is no more."""

    what: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeChange:
    """An artifact's sizes; None where a bundle has no artifact for the target."""

    target: str
    before_bytes: int | None
    after_bytes: int | None
    before_compressed_bytes: int | None
    after_compressed_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerChange:
    """One bundle's golden rows, whose answers its server gave, answered by the other bundle's artifact.

    Attributes:
        target: whose artifact answered.
        rows_of: `before` or `after`: the bundle that the rows are of.
        rows: how many were compared; 0 where none could be, and `reason` says why.
        label_changes: rows whose label differs (None for a model without labels).
        outputs: how far each output is from the other's.
        worst_row: the row that differs most: its inputs, and the answers `before` and `after`.
        reason: why nothing, or not everything, was compared.
    """

    target: str
    rows_of: str
    rows: int = 0
    label_changes: int | None = None
    outputs: tuple[OutputComparison, ...] = ()
    worst_row: Mapping[str, Any] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyChange:
    """Medians of single-row calls as either bundle's benchmark has them."""

    target: str
    before_us: float
    after_us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleDifference:
    """All that differs between two bundles.

    Attributes:
        interface: inputs, outputs and classes: what an app must be changed for.
        program: operations by kind, where both bundles hold their Program.
    """

    before: str
    after: str
    interface: tuple[Change, ...]
    sizes: tuple[SizeChange, ...]
    answers: tuple[AnswerChange, ...]
    latencies: tuple[LatencyChange, ...]
    program: tuple[Change, ...]
    lineage: tuple[Change, ...]

    def to_document(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def difference(before: Bundle, after: Bundle) -> BundleDifference:
    """What changed from one bundle to the other; each answers the other's golden rows."""
    old, new = before.manifest, after.manifest
    answers = [_answers(target, before, after) for target in before.targets if target in after.targets]
    return BundleDifference(
        before=title(before),
        after=title(after),
        interface=tuple(_changes(_interface_lines(old.interface), _interface_lines(new.interface))),
        sizes=tuple(_sizes(before, after)),
        answers=tuple(change for pair in answers for change in pair),
        latencies=tuple(_latencies(old.bench, new.bench)),
        program=tuple(_changes(_operations(before), _operations(after))),
        lineage=tuple(_changes(_lineage(old.source.lineage), _lineage(new.source.lineage))),
    )


def title(bundle: Bundle) -> str:
    """`house-prices 3`."""
    manifest = bundle.manifest
    return manifest.name if manifest.version is None else f"{manifest.name} {manifest.version}"


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for what in dict.fromkeys([*before, *after]):
        if before.get(what) != after.get(what):
            yield Change(what=what, before=before.get(what), after=after.get(what))


def _interface_lines(interface: Interface) -> dict[str, str]:
    lines = {f"input {i.name}": _input_line(i) for i in interface.inputs}
    lines["order of inputs"] = ", ".join(i.name for i in interface.inputs)
    lines["numbers as"] = interface.input_dtype
    lines["outputs"] = ", ".join(interface.outputs)
    lines["method"] = interface.method
    if interface.classes is not None:
        lines["classes"] = ", ".join(map(repr, interface.classes))
    for k, labels in enumerate(interface.targets):
        lines[f"target {k}"] = ", ".join(map(repr, labels))
    return lines


def _input_line(i: Any) -> str:
    kind = i.kind if i.width == 1 else f"{i.kind}[{i.width}]"
    parts = [kind, "may be missing" if i.accepts_missing else "never missing"]
    if i.categories is not None:
        parts.append(f"one of {', '.join(map(repr, i.categories))}")
        parts.append("or any other" if i.accepts_unknown else "and no other")
    return ", ".join(parts)


def _sizes(before: Bundle, after: Bundle) -> Iterator[SizeChange]:
    old = {entry.artifact.target: entry for entry in before.manifest.artifacts}
    new = {entry.artifact.target: entry for entry in after.manifest.artifacts}
    for target in dict.fromkeys([*old, *new]):
        a, b = old.get(target), new.get(target)
        yield SizeChange(
            target=target,
            before_bytes=a.size_bytes if a else None,
            after_bytes=b.size_bytes if b else None,
            before_compressed_bytes=a.compressed_size_bytes if a else None,
            after_compressed_bytes=b.compressed_size_bytes if b else None,
        )


def _answers(target: str, before: Bundle, after: Bundle) -> tuple[AnswerChange, AnswerChange]:
    return _answer_change(target, "before", before, after), _answer_change(target, "after", after, before)


def _answer_change(target: str, rows_of: str, bundle: Bundle, other: Bundle) -> AnswerChange:
    from edgepack.parity import compare

    columns, answers = bundle.golden(target)
    given: Answers = {}
    reason = _misfit(columns, other.interface)
    if not reason:
        try:
            given = other.runner(target).run({i.name: columns[i.name] for i in other.interface.inputs})
        except EdgepackError as error:
            reason = str(error).splitlines()[0]
    common = [o for o in answers if o in given]
    if "probabilities" in common and bundle.interface.classes != other.interface.classes:
        common.remove("probabilities")
        reason = "the classes differ, so only labels were compared"
    if not common:
        return AnswerChange(target=target, rows_of=rows_of, reason=reason or "no output in common")
    kept, theirs = {o: answers[o] for o in common}, {o: given[o] for o in common}
    verdict = compare(target, "", kept, theirs, columns=columns)
    worst = verdict.worst_rows[0] if verdict.worst_rows else None
    names = {"server": rows_of, "device": "after" if rows_of == "before" else "before", "row": "row"}
    return AnswerChange(
        target=target,
        rows_of=rows_of,
        rows=verdict.rows,
        label_changes=verdict.label_changes if "label" in common else None,
        outputs=verdict.outputs,
        worst_row={names[key]: value for key, value in worst.items()} if worst else None,
        reason=reason if verdict.outputs else verdict.reason,
    )


def _misfit(columns: Columns, interface: Interface) -> str:
    """Why rows do not fit another model's inputs, or nothing."""
    for i in interface.inputs:
        if i.name not in columns:
            return f"{i.name}: an input that these rows do not have"
        text = columns[i.name].dtype == object
        if text != (i.kind == "string") or columns[i.name].shape[1] != i.width:
            return f"{i.name}: of another kind or width in these rows"
    return ""


def _latencies(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Iterator[LatencyChange]:
    before, after = _single_row_us(old), _single_row_us(new)
    for target in before:
        if target in after:
            yield LatencyChange(target=target, before_us=before[target], after_us=after[target])


def _single_row_us(bench: Mapping[str, Any] | None) -> dict[str, float]:
    return {
        arm["name"]: float(latency["p50_us"])
        for arm in (bench or {}).get("arms", ())
        for latency in arm["latencies"]
        if latency["batch_rows"] == 1
    }


def _operations(bundle: Bundle) -> dict[str, str]:
    program = read_program(bundle.path)
    return {op: str(n) for op, n in sorted(Counter(node["op"] for node in (program or {}).get("nodes", ())).items())}


def _lineage(lineage: Mapping[str, Any]) -> dict[str, str]:
    """The lines of a lineage that say something of the model."""
    lines = dict(leaves(lineage))
    return {at: text for at, text in lines.items() if at == "artifacts.tree_sha256" or not at.endswith(UNTOLD)}
