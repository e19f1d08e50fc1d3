"""Rows on either side of where a model changes its mind: about the label, or about which fitted rows are near."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgepack.columns import joined, row_count, take
from edgepack.contract import Columns
from edgepack.ir import Node, Program
from edgepack.ir.ops import ArgMax, Binary, Nearest, Step
from edgepack.ir.types import Array, Flags, Floats, Integers
from edgepack.parity.radius import Radius

STEPS = 40
ASIDE = 1e-3
"""How far off, as a part of the way between the two rows."""

COMPARISONS = ("greater", "greater_equal")
NEAR_STEPS, NEAR_ASIDE = 16, 1e-4
"""What float32 tells apart, and a fitted row that is wrong by a hundredth moves."""
DRAWN, ENOUGH = 3, 1e-5
"""How many pairs are drawn for each that is kept, and how far answers that change are apart."""
NODES = 8
NUMBERS, NUMBERS_ONCE, NUMBERS_OF_ALL = 1 << 20, 1 << 23, 1 << 25
"""How many numbers of one node are looked at together; in all, where that is at the two ends of each way alone; and of
all nodes together."""


def surface_rows(program: Program, base: Columns, pairs: int, rng: np.random.Generator) -> Columns | None:
    """Rows by fours: numbers on the line between two plausible rows, just before and just after the label changes, and
    a little further off on either side, where no two scores are so near that they would count as a tie.

    Strings and missing values are the first row's. None where no two rows that were tried have different labels.
    """
    if not any(i.kind == "number" and i.categories is None for i in program.interface.inputs):
        return None
    pairs = min(pairs, max(1, NUMBERS_OF_ALL // program.width))
    start, end = _drawn(program, base, pairs * 2, rng)
    labels = program.run(_between(program, start, end, np.zeros(pairs * 2)))["label"]
    differ = np.flatnonzero(labels != program.run(_between(program, start, end, np.ones(pairs * 2)))["label"])[:pairs]
    if not len(differ):
        return None
    start, end, labels = take(start, differ), take(end, differ), labels[differ]
    low, high = _narrowed(program, start, end, lambda rows: program.run(rows)["label"] == labels, STEPS)
    return joined([_between(program, start, end, at) for at in (low, high, low - ASIDE, high + ASIDE)])


def between_rows(program: Program, base: Columns, count: int, rng: np.random.Generator) -> Columns:
    """Rows somewhere between two plausible rows: near these, but nowhere at them."""
    start, end = _drawn(program, base, count, rng)
    return _between(program, start, end, rng.random(count))


def fork_rows(program: Program, base: Columns, pairs: int, rng: np.random.Generator) -> Columns | None:
    """Rows by twos, as on a surface: a little before and after a class that is chosen on the way to the answers, or is
    one of several labels, becomes another.

    None where the model chooses nothing but its label.
    """
    label = program.node_of(program.outputs["label"]) if "label" in program.outputs else None
    nodes = [
        node.name
        for node in program.needed()
        if isinstance(node.op, ArgMax | Step) and (label is None or node.name not in label.inputs)
    ]
    if not nodes:
        return None

    def chosen(rows: Columns) -> Array:
        values = program.values(rows)
        return np.concatenate([values[name] for name in nodes], axis=1)

    return _beside(program, base, pairs, max(1, NUMBERS_OF_ALL // program.width), chosen, None, rng)


def nearness_rows(program: Program, base: Columns, pairs: int, rng: np.random.Generator) -> Columns | None:
    """Rows by twos, as on a surface: a little before and after a fitted row comes to be, or is no more, within a radius
    or among the nearest; or any two numbers on the way change their order. As many fitted rows as there are pairs.

    None where the model compares nothing so.
    """
    nodes = [n for n in program.nodes if _compares(n.op)]
    found: list[Columns | None] = []
    for k in rng.permutation(len(nodes))[:NODES].tolist():
        node, width = nodes[k], program.types()[nodes[k].name].width
        radius = Radius.of(program, node)

        def chosen(rows: Columns, node: Node = node, at_once: int = max(1, NUMBERS // width)) -> Array:
            parts = [take(rows, slice(k, k + at_once)) for k in range(0, row_count(rows) or 1, at_once)]
            return np.concatenate([program.values(part, until=node.name)[node.name] for part in parts])

        count, most = pairs // min(len(nodes), NODES), (NUMBERS_ONCE if radius else NUMBERS) // width
        found.append(_beside(program, base, count, most, chosen, radius.compared if radius else None, rng))
    return joined([rows for rows in found if rows is not None]) if any(found) else None


def _beside(
    program: Program,
    base: Columns,
    pairs: int,
    most: int,
    chosen: Callable[[Columns], Array],
    one: Callable[[Columns, Integers], Array] | None,
    rng: np.random.Generator,
) -> Columns | None:
    """Rows on either side of where some column of what is chosen changes, each column as often as any other; rather
    where the answers change with it, as they do not where one neighbour of a class takes the place of another.

    Args:
        pairs, most: how many pairs are kept, and how many may be looked at.
        chosen: `(rows, columns)` for rows.
        one: `(rows,)` for rows and a column for each, where that is less work.
    """
    drawn = min(pairs * DRAWN, most)
    if not drawn:
        return None
    start, end = _drawn(program, base, drawn, rng)
    before = chosen(_between(program, start, end, np.zeros(drawn)))
    column = _rarest(before != chosen(_between(program, start, end, np.ones(drawn))), rng)
    at = np.flatnonzero(column >= 0)
    if not len(at):
        return None
    start, end, column, before = take(start, at), take(end, at), column[at], before[at, column[at]]

    def same(rows: Columns) -> Flags:
        now = one(rows, column) if one else chosen(rows)[np.arange(len(column)), column]
        return np.asarray(now == before)

    low, high = _narrowed(program, start, end, same, NEAR_STEPS)
    sides = [_between(program, start, end, t) for t in (low - NEAR_ASIDE, high + NEAR_ASIDE)]
    kept = np.argsort(_alike(program, *sides), kind="stable")[:pairs]
    return joined([take(rows, kept) for rows in sides])


def _alike(program: Program, rows: Columns, others: Columns) -> Flags:
    """`(rows,)`: where two rows have the same answers, but for what parity lets pass."""
    alike = np.ones(row_count(rows), np.bool_)
    with np.errstate(all="ignore"):
        given, beside = program.run(rows), program.run(others)
    for output, answer in given.items():
        a, b = (x.reshape(len(alike), -1) for x in (answer, beside[output]))
        same = a == b if output == "label" else np.isclose(a, b, rtol=ENOUGH, atol=ENOUGH, equal_nan=True)
        alike &= same.all(axis=1)
    return alike


def _compares(op: object) -> bool:
    return isinstance(op, Nearest) or (isinstance(op, Binary) and op.function in COMPARISONS)


def _rarest(differ: Array, rng: np.random.Generator) -> Array:
    """`(rows,)`: of each row a flagged column, taken as rarely before as can be; −1 where none is flagged."""
    taken: Floats = rng.random(size=differ.shape[1:])
    columns: Integers = np.full(len(differ), -1)
    for k, flags in enumerate(differ):
        if flags.any():
            columns[k] = np.where(flags, taken, np.inf).argmin()
            taken[columns[k]] += 1
    return columns


def _drawn(program: Program, base: Columns, count: int, rng: np.random.Generator) -> tuple[Columns, Columns]:
    """Two plausible rows each."""
    first, second = rng.integers(len(base[program.interface.inputs[0].name]), size=(2, count))
    return take(base, first), take(base, second)


def _narrowed(
    program: Program, start: Columns, end: Columns, same: Callable[[Columns], Flags], steps: int
) -> tuple[Floats, Floats]:
    """The last part of each way that is still as its start, and the first that is not, by bisection."""
    count = len(next(iter(start.values())))
    low, high = np.zeros(count), np.ones(count)
    for _ in range(steps):
        middle = (low + high) / 2
        kept = same(_between(program, start, end, middle))
        low, high = np.where(kept, middle, low), np.where(kept, high, middle)
    return low, high


def _between(program: Program, start: Columns, end: Columns, at: Floats) -> dict[str, Array]:
    """The rows a part `at` of the way, in numbers of the input dtype."""
    rows: dict[str, Array] = {}
    for i in program.interface.inputs:
        a, b = start[i.name], end[i.name]
        if i.kind == "string" or i.categories is not None:
            rows[i.name] = a
            continue
        x = a + np.where(np.isnan(b), 0.0, b - a) * at[:, None]
        rows[i.name] = x.astype(program.interface.input_dtype).astype(np.float64)
    return rows
