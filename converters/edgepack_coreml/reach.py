"""Between which numbers float32, or float16, keeps the digits that the answers need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from edgepack.contract import Columns, EmitOptions, Problem, Runner
from edgepack.errors import UnsupportedError
from edgepack.ir import Program
from edgepack.ir.ops import Distances
from edgepack.ir.types import Array, Flags, Floats
from edgepack_coreml.beside import beside, deciding, decisive, steep
from edgepack_coreml.evaluate import load
from edgepack_coreml.metadata import RANGES, ranges_text
from edgepack_coreml.narrow import ALLOWED
from edgepack_coreml.runner import EvaluatorRunner
from edgepack_coreml.sample import ROWS, range_of, rows_of_reaches

Written = TypeVar("Written")

REACHES = np.array([1.0, 3.0, *(10.0**k for k in (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 18, 24, 30, 36, 39))])
"""How many times as far from the middle of the sample's range as its ends; the last one is beyond float32."""
ROWS_WITHIN, NUMBERS_WITHIN = 4096, 1 << 26
"""How many rows are tried within the sample's range, where answers are asked for most, of at most so many numbers."""
SHARE_WITHIN = {"float32": 0.8, "float16": 1.0}
"""Of what parity allows, for these: in float32, the worst of 20,000 rows lose 1.0 to 1.4 times as much. In float16 they
lose twice what 999 of 1,000 lose, and whoever asks for it has no pair of numbers to turn to."""
ROWS_OF_MANY_NUMBERS = 12
"""How many rows of each reach are tried where a row meets more than `MANY` fitted numbers, or becomes as many."""
PAIRS, PAIRS_FURTHER = 64, 16
"""How many pairs of rows beside a decision are tried within the sample's range, and of each further reach."""
MANY, NUMBERS = 100_000, 1 << 14
SHARE = 0.5
"""Of what parity allows: it tries more rows between the same numbers, and the worst of them lose more."""
SHOWN = 4


def limited(
    program: Program, path: Path, options: EmitOptions, write: Callable[[EmitOptions], Written]
) -> tuple[Written, tuple[str, ...]]:
    """Writes a file of narrow arithmetic, tries between which numbers that holds, and lets file and note say so.

    Args:
        program: what the answers should be.
        path: where `write` writes to.
        write: writes the file with the options that it is given.

    Raises:
        UnsupportedError: not even the numbers of the sample keep their answers.
    """
    written = write(options)
    runner = EvaluatorRunner(evaluator=load(path), interface=program.interface)
    narrow = runner.evaluator.arithmetic
    reach = reach_of(program, runner, SHARE_WITHIN[narrow])
    if reach == 0:
        reason = f"{narrow}, in which Core ML computes this, has too few digits for its answers"
        remedy = "leave --precision float16 out" if narrow == "float16" else "use the onnx target"
        raise UnsupportedError([Problem(step="outputs", reason=reason, remedy=remedy)])
    if reach == REACHES[-1]:
        return written, ()
    ranges = {i.name: range_of(program, i.name, i.width, reach) for i in program.interface.inputs if i.kind == "number"}
    written = write(replace(options, metadata={**options.metadata, RANGES: ranges_text(ranges)}))
    return written, (_told(ranges, reach, narrow),)


def reach_of(program: Program, runner: Runner, share_within: float = SHARE_WITHIN["float32"]) -> float:
    """The largest of `REACHES` up to which all that are tried keep their answers; 0 if none does.

    Args:
        program: what the answers should be, in float64.
        runner: the written file in the reference evaluator, every value of which is rounded to its own type.
        share_within: of what parity allows, how much the rows within the sample's range may lose.
    """
    fitted = sum(node.op.points.size for node in program.nodes if isinstance(node.op, Distances))
    few = max(fitted, program.width) <= MANY
    each = ROWS if few else ROWS_OF_MANY_NUMBERS
    columns = rows_of_reaches(program, REACHES, each)
    reached = 0.0
    with np.errstate(all="ignore"):
        if few:
            within = rows_of_reaches(
                program, REACHES[:1], min(ROWS_WITHIN, NUMBERS_WITHIN // max(fitted, program.width))
            )
            if not _kept(program, within, runner, share_within).all():
                return reached
        # at once: of few rows, products add up in another order, which loses less; many numbers are asked in turn,
        # for what lies beyond the first loss need not be
        known = _kept(program, columns, runner) if few else None
        for k, reach in enumerate(REACHES):
            at = slice(k * each, (k + 1) * each)
            rows = {name: x[at] for name, x in columns.items()}
            if not (_kept(program, rows, runner) if known is None else known[at]).all():
                break
            nearest = k == 0
            edges = beside(
                program, rows, _pairs(program, within=nearest), answers=not nearest or "label" in program.outputs
            )
            if len(next(iter(edges.values()))) and not _kept(program, edges, runner).all():
                break
            reached = float(reach)
    return reached


def _pairs(program: Program, *, within: bool) -> int:
    """How many pairs of rows beside a decision are tried: most of them within the sample.

    Beside a value of 0 sums cancel, to whatever is left of their digits: that says how far out these are enough. Within
    the sample it would say that no sum of large numbers has a place in float32, where the answers seldom are next to 0.
    """
    if within:
        return PAIRS if "label" in program.outputs or steep(program) else 0
    return max(2, min(PAIRS_FURTHER, NUMBERS // program.width))


def _told(ranges: Mapping[str, Floats], reach: float, narrow: str) -> str:
    """`for area −12 to 80, …: up to 10 times as far out as the sample; …`."""
    parts = [
        f"{name}{f'[{k}]' if ends.shape[1] > 1 else ''} {ends[0, k]:.4g} to {ends[1, k]:.4g}"
        for name, ends in ranges.items()
        for k in range(ends.shape[1])
    ]
    listed = ", ".join(parts[:SHOWN]) + (", …" if len(parts) > SHOWN else "")
    return f"for {listed}: {reach:g} times as far out as the sample; beyond, {narrow} has too few digits or overflows"


def _kept(program: Program, columns: Columns, runner: Runner, share: float = SHARE) -> Flags:
    """`(rows,)`: whether every answer is within a share of what parity will allow."""
    device = runner.run(columns)
    tie_width = float(getattr(runner, "tie_width", 0.0))
    allowed = getattr(runner, "tolerance", ALLOWED["float32"])
    values = program.values(columns)
    kept = np.ones(len(next(iter(columns.values()))), bool)
    for output, name in program.outputs.items():
        if output == "label":
            kept &= np.asarray(device[output] == values[name]) | _open(program, values, share * tie_width)
        else:
            kept &= _close(values[name], np.asarray(device[output]), share * allowed[output])
    return kept


def _open(program: Program, values: dict[str, Array], width: float) -> Flags | bool:
    """Where a label may be another: the probabilities say how near, or the scores are a tie."""
    if "probabilities" in program.outputs:
        return True
    return _tied(decisive(program, values), width) if deciding(program) else False


def _tied(scores: Floats, width: float) -> Flags:
    """Whether the two best are so near that parity calls them a tie."""
    best = np.sort(scores, axis=1)[:, -2:]
    return np.asarray(best[:, 1] - best[:, 0] <= width * np.maximum(np.abs(best).max(axis=1), 1))


def _close(exact: Array, device: Array, allowed: float) -> Flags:
    exact, device = exact.reshape(len(exact), -1), device.reshape(len(exact), -1)
    near = np.abs(exact - device) <= allowed * np.maximum(np.abs(exact), 1)
    return np.asarray((near | (exact == device) | (np.isnan(exact) & np.isnan(device))).all(axis=1))
