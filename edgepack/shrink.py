"""Smaller artifacts: one way of quantizing a compiled model, or the smallest that keeps within a budget."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edgepack.contract import Artifact, Columns, EmitOptions, Target
from edgepack.errors import BudgetError, UnsupportedError
from edgepack.quantize import METHODS, OF_WEIGHTS, Budget, Effect, Method, Ranges, effect_of, has_wide_weights

if TYPE_CHECKING:
    from edgepack.compiler import Compiled
    from edgepack.ir import Program

Wanted = Method | Literal["auto"]

ABOUT = 1.01
"""As small: one per cent of bytes is no reason to move answers further."""

QUANTIZED_IOS = 16
"""The iOS that brought compressed constants."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How small artifacts shall be, and what that may cost.

    Attributes:
        quantize: a method, or `auto` for the smallest within the budget; None changes no number.
        packs: whether tables are stored in the smallest form that gives exactly the same numbers.
        budget: what quantizing may cost on the representative rows.
        allow_noop: whether a method that finds nothing to quantize is fine.
    """

    quantize: Wanted | None = None
    packs: bool = False
    budget: Budget = field(default_factory=Budget)
    allow_noop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows, and whose they are: `data`, `input example` or `calibration`."""

    columns: Columns
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """An artifact's bytes, raw and deflated.

    Attributes:
        sections: of what it says of `weights`, `trees`, `tables` and its `graph`, where the target tells them apart.
    """

    size_bytes: int
    compressed_size_bytes: int
    sections: Mapping[str, Size] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """For the manifest."""
        sizes: dict[str, Any] = {
            "size_bytes": self.size_bytes,
            "compressed_size_bytes": self.compressed_size_bytes,
        }
        return {**sizes, **({"sections": {n: s.document() for n, s in self.sections.items()}} if self.sections else {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One way of quantizing, emitted and measured.

    Attributes:
        method: None for the model as it is.
        artifacts, sizes: by target, of those that can say it.
        effect: on the rows that the choice is made by.
        over: what is over the budget.
        ranges: what each weighted sum takes, where activations are quantized.
    """

    method: Method | None
    compiled: Compiled
    artifacts: Mapping[str, Artifact]
    sizes: Mapping[str, Size]
    effect: Effect
    over: tuple[str, ...]
    ranges: Ranges = field(default_factory=dict)

    @property
    def cost(self) -> tuple[int, float]:
        """How far it moves the answers; less is better."""
        return self.effect.label_changes, self.effect.max_abs_error


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrunk:
    """What was chosen for each target, and what from.

    Attributes:
        compiled: by target, the model with the numbers that its artifact has.
        document: for the manifest: the methods, what they did to each table, to the answers and to the sizes.
    """

    compiled: Mapping[str, Compiled]
    artifacts: tuple[Artifact, ...]
    document: dict[str, Any]


def shrink(
    compiled: Compiled,
    targets: Sequence[Target],
    options: EmitOptions,
    wish: Wish,
    into: Path,
    *,
    rows: Rows,
    calibration: Rows | None = None,
    truth: Any = None,
    on_progress: Progress,
) -> Shrunk:
    """The artifacts of the chosen way; `auto` chooses for each target by itself.

    Args:
        into: a folder for artifacts.
        rows: representative rows. What they show must leave room for others, where `auto` chooses by it.
        calibration: the rows that say what activations are like; None for the representative ones.
        truth: the rows' true answers, for a budget with a metric.

    Raises:
        BudgetError: the method finds nothing to quantize, or nothing keeps within the budget.
        UsageError: the metric cannot be computed.
    """
    from edgepack.columns import row_count, take

    server, refused = compiled.server.answers(rows.columns)
    kept = take(rows.columns, ~refused)
    equals = compiled.server.ties(kept)  # where the server chooses among equals, no answer is another than its own
    server, kept = {name: answer[~equals] for name, answer in server.items()}, take(kept, ~equals)
    calibration = calibration or replace(rows, columns=kept)
    if "label" not in server:  # no rows at all would promise that no label changes
        wish = replace(wish, budget=replace(wish.budget, max_label_change=None))
    known = None if truth is None else np.asarray(truth)[~refused][~equals]

    def effect(of: Compiled) -> Effect:
        answers = of.program.run(kept)
        found = effect_of(server, answers, origin=rows.origin)
        if known is None or not wish.budget.metric:
            return found
        from edgepack.quantize.metric import drop_of

        drop = drop_of(wish.budget.metric, known, server, answers, of.program.interface.classes)
        return replace(found, metric=drop.metric, metric_drop=drop.size, metric_scatter=drop.scatter)

    def emitted(program: Program, name: str, changed: EmitOptions) -> dict[str, Artifact]:
        artifacts = {}
        for target in targets:
            on_progress(f"emit {target.name} {name}", 0, 0)
            folder = into / name / target.name
            folder.mkdir(parents=True)
            try:
                artifacts[target.name] = target.emit(program, folder, changed)
            except UnsupportedError:
                if wish.quantize != "auto" or program is compiled.program:
                    raise
        return artifacts

    def sizes(artifacts: Mapping[str, Artifact]) -> dict[str, Size]:
        return {t.name: size_of(artifacts[t.name].path, t) for t in targets if t.name in artifacts}

    def attempt(method: Method | None) -> Try:
        ranges = compiled.calibrated(calibration.columns) if method == "w8a8" else {}
        quantized = compiled if method is None else compiled.quantized_by(method, ranges)
        packs = method is not None or wish.packs or wish.quantize == "auto"
        precision = "float32" if method and options.precision == "float64" else options.precision
        changed = replace(options, packs=packs, precision=precision)
        artifacts = emitted(quantized.program, method or "none", changed)
        found = effect(quantized)
        if method == "w8a8":  # what lies beyond the calibration rows becomes their end, however far it is
            found = replace(found, reach_abs_error=math.inf)
        moves = quantized.quantized is not None and quantized.quantized.touched > 0
        return Try(
            method=method,
            compiled=quantized,
            artifacts=artifacts,
            sizes=sizes(artifacts),
            effect=found,
            over=tuple(wish.budget.broken_by(found, reserve=wish.quantize == "auto")) if moves else (),
            ranges=ranges,
        )

    if wish.quantize == "auto":
        methods = METHODS if has_wide_weights(compiled.program) else OF_WEIGHTS  # nothing else has activations
        tries = [attempt(None), *map(attempt, methods)]
        chosen = {target.name: _smallest(tries, target.name) for target in targets}
    else:
        tries = [attempt(None), *([attempt(wish.quantize)] if wish.quantize else [])]
        chosen = {target.name: tries[-1] for target in targets}
        _require(tries[-1], wish)
    packed = wish.packs or wish.quantize == "auto"
    before = sizes(emitted(compiled.program, "before", replace(options, packs=False))) if packed else tries[0].sizes
    document = _document(chosen, tries, wish, before)
    if any(t.ranges for t in tries):
        document["calibration"] = {
            "rows": row_count(calibration.columns),
            "origin": calibration.origin,
            "ranges": next(t.ranges for t in tries if t.ranges),
        }
    return Shrunk(
        compiled={target: taken.compiled for target, taken in chosen.items()},
        artifacts=tuple(taken.artifacts[target] for target, taken in chosen.items()),
        document=document,
    )


def size_of(path: Path, target: Target | None = None) -> Size:
    """A file's bytes, or a folder's files' together, as they are and each deflated at level 6; by section, if asked."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    contents = [file.read_bytes() for file in files]
    size_bytes = sum(map(len, contents))
    found = target.sections(path) if target is not None and hasattr(target, "sections") else {}
    unnamed = size_bytes - sum(map(len, found.values()))  # tags and lengths of fields
    return Size(
        size_bytes=size_bytes,
        compressed_size_bytes=sum(map(_deflated, contents)),
        sections={
            name: Size(size_bytes=len(content) + unnamed * (name == "graph"), compressed_size_bytes=_deflated(content))
            for name, content in found.items()
            if content
        },
    )


def _deflated(content: bytes) -> int:
    return len(zlib.compress(content, 6))


def _smallest(tries: Sequence[Try], target: str) -> Try:
    """The smallest that keeps within the budget; of those that are as small, the one that moves answers least."""
    within = [t for t in tries if not t.over and target in t.sizes]
    if not within:
        raise BudgetError("auto: no way of quantizing keeps within the budget; allow more")
    least = min(t.sizes[target].size_bytes for t in within)
    return min((t for t in within if t.sizes[target].size_bytes <= ABOUT * least), key=lambda t: t.cost)


def _require(chosen: Try, wish: Wish) -> None:
    quantized = chosen.compiled.quantized
    if quantized is not None and not quantized.touched and not wish.allow_noop:
        raise BudgetError(f"{quantized}; leave --quantize out, or pass --allow-noop")
    if chosen.over:
        raise BudgetError(f"{chosen.method}: {'; '.join(chosen.over)}; allow more, or choose a finer method")


def _document(
    chosen: Mapping[str, Try], tries: Sequence[Try], wish: Wish, before: Mapping[str, Size]
) -> dict[str, Any]:
    """For the manifest; what stands at its top is of the artifact that moves answers furthest."""
    coarsest = max(chosen.values(), key=lambda taken: taken.cost)
    several = len({taken.method for taken in chosen.values()}) > 1
    return {
        "asked": wish.quantize or "none",
        "method": coarsest.method or "none",
        "chosen": {target: taken.method or "none" for target, taken in chosen.items()},
        "packed": wish.packs or wish.quantize == "auto" or coarsest.method is not None,
        "before": {target: size.document() for target, size in before.items()},
        "effect": _told(coarsest.effect),
        "parts": _parts(coarsest),
        "tries": [
            {
                "method": t.method or "none",
                "sizes": {target: size.document() for target, size in t.sizes.items()},
                "effect": _told(t.effect),
                "over_budget": list(t.over),
                **({"parts": _parts(t)} if several and t in chosen.values() else {}),
            }
            for t in tries
        ],
    }


def _parts(taken: Try) -> list[dict[str, Any]]:
    quantized = taken.compiled.quantized
    return [
        {
            "step": part.step,
            "kind": part.kind,
            "numbers": part.numbers,
            "distinct_before": part.distinct[0],
            "distinct_after": part.distinct[1],
            "kept": part.kept,
        }
        for part in (quantized.parts if quantized else ())
    ]


def _told(effect: Effect) -> dict[str, Any]:
    """An effect for the manifest; of a metric only where one was asked for."""
    return {name: value for name, value in asdict(effect).items() if effect.metric or not name.startswith("metric")}
