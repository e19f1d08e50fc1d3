"""Between which numbers float32 keeps the digits that the answers need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from edgepack.contract import Answers, Columns, EmitOptions, Problem, Runner
from edgepack.errors import UnsupportedError
from edgepack.ir import Program
from edgepack.ir.ops import ArgMax, Distances, Label
from edgepack.ir.types import Array, Flags, Floats
from edgepack_coreml.evaluate import load
from edgepack_coreml.metadata import RANGES, ranges_text
from edgepack_coreml.runner import EvaluatorRunner

Written = TypeVar("Written")

LARGEST = float(np.finfo(np.float32).max)
REACHES = np.array([1.0, 3.0, *(10.0**k for k in (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 18, 24, 30, 36, 39))])
"""How many times as far from the middle of the sample's range as its ends; the last one is beyond float32."""
ROWS, ROWS_OF_MANY_POINTS = 96, 12
"""How many rows of each reach are tried, and how many where a row is compared with more than `MANY` fitted numbers."""
MANY = 100_000
SHARE = 0.8
"""Of what parity allows: other rows between the same numbers than those tried may lose more."""
ALLOWED = {"value": 1e-5, "probabilities": 1e-6}
"""What parity allows, beside the larger of 1 and the answer; a label differs where scores are a tie to the runner."""
SHOWN = 4


def limited(
    program: Program, path: Path, options: EmitOptions, write: Callable[[EmitOptions], Written]
) -> tuple[Written, tuple[str, ...]]:
    """Writes a file that computes in float32, tries between which numbers that holds, and lets file and note say so.

    Args:
        program: what the answers should be.
        path: where `write` writes to.
        write: writes the file with the options that it is given.

    Raises:
        UnsupportedError: not even the numbers of the sample keep their answers.
    """
    written = write(options)
    reach = reach_of(program, EvaluatorRunner(evaluator=load(path), interface=program.interface))
    if reach == 0:
        reason = "float32, in which Core ML computes this, has too few digits for its answers"
        raise UnsupportedError([Problem(step="outputs", reason=reason, remedy="use the onnx target")])
    if reach == REACHES[-1]:
        return written, ()
    ranges = {i.name: _between(program, i.name, i.width, reach) for i in program.interface.inputs if i.kind == "number"}
    written = write(replace(options, metadata={**options.metadata, RANGES: ranges_text(ranges)}))
    return written, (_told(ranges, reach),)


def reach_of(program: Program, runner: Runner) -> float:
    """The largest of `REACHES` up to which all that are tried keep their answers; 0 if none does.

    Args:
        program: what the answers should be, in float64.
        runner: the written file in the reference evaluator, every value of which is rounded to float32.
    """
    fitted = sum(node.op.points.size for node in program.nodes if isinstance(node.op, Distances))
    each = ROWS if fitted <= MANY else ROWS_OF_MANY_POINTS
    reaches = np.repeat(REACHES, each)
    columns = _rows(program, each)
    with np.errstate(all="ignore"):
        kept = _kept(program, columns, runner.run(columns), float(getattr(runner, "tie_width", 0.0)))
    lost = reaches[~kept]
    below = REACHES[: np.searchsorted(REACHES, lost.min())] if len(lost) else REACHES
    return float(below[-1]) if len(below) else 0.0


def _between(program: Program, name: str, width: int, reach: float) -> Floats:
    """`(2, width)`: the ends of the sample's range, moved away from its middle; `−1` and `1` where there is none."""
    low, high = program.ranges.get(name, np.array([[-1.0], [1.0]]) * np.ones(width))
    middle, half = (low + high) / 2, (high - low) / 2
    half = np.where(half > 0, half, np.maximum(np.abs(middle), 1.0))  # a sample of one value says little
    ends = np.stack([middle - half * reach, middle + half * reach])
    return np.clip(ends, -LARGEST, LARGEST).astype(np.float32).astype(np.float64)


def _rows(program: Program, each: int) -> Columns:
    """So many rows of each reach: numbers of the sample's range, mixed with those at the ends; a quarter has few such.

    The last two rows of each have all their numbers at one end.
    """
    r = np.random.default_rng(0)
    columns: dict[str, Array] = {}
    count = each * len(REACHES)
    place = np.arange(count)[:, None] % each
    for i in program.interface.inputs:
        if i.kind == "string":
            columns[i.name] = np.full((count, i.width), None, object)
            continue
        shape = (count, i.width)
        near, far = (
            np.stack([_between(program, i.name, i.width, t) for t in which], axis=1) for which in (np.ones(1), REACHES)
        )
        far = np.repeat(far, each, axis=1)
        share = r.choice([0.0, 1.0, 1 / 2, 1 / 3, 2 / 3], shape)
        share = np.where(r.random(shape) < 0.5, share, r.random(shape))
        inside, outside = near[0] + (near[1] - near[0]) * share, far[0] * (1 - share) + far[1] * share
        large = r.random(shape) < np.where(place < each // 4, 2 / max(i.width, 2), 0.5)
        x = np.where(large, outside, inside)
        x = np.where((r.random(shape) < 0.05) & (far[0] <= 0) & (far[1] >= 0), 0.0, x)
        x = np.where(place == each - 1, far[1], np.where(place == each - 2, far[0], x))
        columns[i.name] = x.astype(np.float32).astype(np.float64)
    return columns


def _told(ranges: Mapping[str, Floats], reach: float) -> str:
    """`for area −12 to 80, …: up to 10 times as far out as the sample; …`."""
    parts = [
        f"{name}{f'[{k}]' if ends.shape[1] > 1 else ''} {ends[0, k]:.4g} to {ends[1, k]:.4g}"
        for name, ends in ranges.items()
        for k in range(ends.shape[1])
    ]
    listed = ", ".join(parts[:SHOWN]) + (", …" if len(parts) > SHOWN else "")
    return f"for {listed}: {reach:g} times as far out as the sample; beyond, float32 has too few digits or overflows"


def _kept(program: Program, columns: Columns, device: Answers, tie_width: float) -> Flags:
    """`(rows,)`: whether every answer is near enough."""
    values = program.values(columns)
    kept = np.ones(len(next(iter(columns.values()))), bool)
    for output, name in program.outputs.items():
        if output == "label":
            scores = None if "probabilities" in program.outputs else _scores(program, values)
            same = np.asarray(device[output] == values[name])
            kept &= same | (_tied(scores, tie_width) if scores is not None else "probabilities" in program.outputs)
        else:
            kept &= _close(values[name], np.asarray(device[output]), SHARE * ALLOWED[output])
    return kept


def _scores(program: Program, values: dict[str, Array]) -> Floats | None:
    """The scores whose largest is the label."""
    label = program.node_of(program.outputs["label"])
    if label is None or not isinstance(label.op, Label):
        return None
    place = program.node_of(label.inputs[0])
    return values[place.inputs[0]] if place is not None and isinstance(place.op, ArgMax) else None


def _tied(scores: Floats, width: float) -> Flags:
    """Whether the two best are so near that parity calls them a tie."""
    best = np.sort(scores, axis=1)[:, -2:]
    return np.asarray(best[:, 1] - best[:, 0] <= SHARE * width * np.maximum(np.abs(best).max(axis=1), 1))


def _close(exact: Array, device: Array, allowed: float) -> Flags:
    exact, device = exact.reshape(len(exact), -1), device.reshape(len(exact), -1)
    near = np.abs(exact - device) <= allowed * np.maximum(np.abs(exact), 1)
    return np.asarray((near | (exact == device) | (np.isnan(exact) & np.isnan(device))).all(axis=1))
