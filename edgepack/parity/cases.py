"""Rows that would show a mistake: made from the Program's own decisions, not drawn at random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgepack.columns import joined, row_count, take
from edgepack.contract import Columns, Input, Interface
from edgepack.ir import Program
from edgepack.ir.ops import Forest, Nearest
from edgepack.ir.types import Array, Flags
from edgepack.parity.close import close_rows
from edgepack.parity.coverage import reach, reached
from edgepack.parity.fill import fill
from edgepack.parity.fitted import fitted_rows
from edgepack.parity.paths import Choice, PathFinder
from edgepack.parity.pools import Pool, pools
from edgepack.parity.surface import between_rows, fork_rows, nearness_rows, surface_rows
from edgepack.parity.trace import Slot, trace

BASE_ROWS = 4096
WAVE_ROWS = 2048
MOST = 0.7  # of a row's values
REPEATS = 16  # each single value and each split is tried in this many different rows, if the budget allows


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """Rows to compare.

    Attributes:
        columns: the rows.
        origins: `(rows,)` of str: how each row came about.
    """

    columns: Columns
    origins: Array

    @property
    def rows(self) -> int:
        """How many rows."""
        return len(self.origins)

    def counts(self, kept: Flags | None = None) -> dict[str, int]:
        """How many (of the kept) rows came about how, for `Verdict.cases`."""
        return dict(Counter(self.origins[... if kept is None else kept].tolist()))


def make_cases(
    program: Program,
    *,
    folded: Program | None = None,
    example: Columns | None = None,
    data: Columns | None = None,
    seen: Columns | None = None,
    budget_rows: int = 20_000,
    seed: int = 0,
) -> Cases:
    """About `budget_rows` rows around everything that a Program decides.

    The origins are: `data` and `examples` (given rows); `split boundaries`, `edges`, `categories`, `unusual strings`,
    `extremes`, `near examples`, `missing` (one value changed in a plausible row); `few values` (one of them, or most,
    are taken out of a row); `split paths` (rows that reach a given split of a forest, left of it, right of it and
    missing); `unreached places` (rows for what none of these has reached); `decision surface` (both sides of where the
    label changes between two rows); `close choices` (a class is chosen by little); `forks` (both sides of where a class
    on the way becomes another); `near or not` (both sides of where a fitted row comes near); `combinations` (several
    such values at once).

    Args:
        program: the Program as lowered, which has the server's meaning.
        folded: the Program that artifacts are emitted from, whose own boundaries are then tried too.
        example: a few rows such as the model was trained on.
        data: the user's own rows: all are taken, whatever the budget.
        seen: more of the user's rows, which are compared elsewhere: made rows are made from these, too.
        seed: the same seed gives the same rows.
    """
    rng = np.random.default_rng(seed)
    programs = (program,) if folded is None or folded is program else (program, folded)
    base = _base(program.interface, programs, [rows for rows in (example, data, seen) if rows is not None], rng)
    if (fitted := fitted_rows(program, base, max(BASE_ROWS - row_count(base), 0), rng)) is not None:
        base = joined([base, fitted])
    rows = _Rows(program.interface, base, rng)
    rows.given("data", data)
    rows.given("examples", base if example is None else example, limit=budget_rows // 10)
    tried = pools(programs, base)
    _singles(rows, tried, budget_rows // 5, rng)
    if any(isinstance(node.op, Nearest) for node in program.nodes):  # each fitted row may be what fills a column
        plausible = joined([base, between_rows(program, base, row_count(base), rng)])
        rows.given("few values", _lacking(program.interface, plausible, budget_rows // 4, rng))
    rows.given("extremes", _alike(program.interface, base))
    # the program as lowered says what is right; the folded one may have splits of its own, where it is wrong
    for p, share in zip(programs, (1.0,) if len(programs) == 1 else (0.75, 0.25), strict=True):
        _paths(rows, p, tried, int(budget_rows * 0.4 * share), rng)
    _unreached(rows, program, tried, budget_rows // 4, rng)
    if program.interface.classes is not None:
        rows.given("decision surface", surface_rows(program, base, min(256, budget_rows // 40), rng))
    # where probabilities show what is off, few; where labels alone do, as many as show a leaf here and there
    close = min(256, budget_rows // 40) if "probabilities" in program.outputs else min(4096, budget_rows // 5)
    rows.given("close choices", close_rows(program, rows.so_far, tried, close, rng))
    rows.given("forks", fork_rows(program, base, min(512, budget_rows // 20), rng))
    rows.given("near or not", nearness_rows(program, base, min(2048, budget_rows // 8), rng))
    _combinations(rows, tried, max(budget_rows - rows.count, budget_rows // 10), rng)
    return rows.cases()


def _alike(interface: Interface, base: Columns) -> Columns:
    """Rows whose numbers are all one number: what divides by a row's length or spread has nothing to divide by."""
    numbers = np.array([0.0, 1.0, -1.0, 1e-3, 1e-9, np.finfo(np.float32).smallest_subnormal])
    picks = np.zeros(len(numbers), np.int64)
    return {
        i.name: base[i.name][picks] if i.kind == "string" else np.repeat(numbers[:, None], i.width, axis=1)
        for i in interface.inputs
    }


def _lacking(interface: Interface, base: Columns, budget: int, rng: np.random.Generator) -> Columns | None:
    """Plausible rows without one of their values, as many for each that may be missing; and without most of them, or
    with most of them 0, which have nothing in common with some fitted rows. None where nothing may be missing or 0.
    """
    absent = [(i, j) for i in interface.inputs if i.accepts_missing for j in range(i.width)]
    numbers = [(i, j) for i in interface.inputs if i.kind == "number" and i.categories is None for j in range(i.width)]
    parts = [_replaced(base, budget * 2 // 3 // len(absent), [slot], np.nan, 1.0, rng) for slot in absent]
    for slots, value in ((absent, np.nan), (numbers, 0.0)):
        parts += [_replaced(base, budget // 6, slots, value, MOST, rng)] if slots else []
    return joined(parts) if parts else None


def _replaced(
    base: Columns, count: int, slots: list[tuple[Input, int]], value: float, share: float, rng: np.random.Generator
) -> Columns:
    """At most `count` of the rows with a share of what stands in these slots replaced; NaN is what is missing."""
    rows = take(base, rng.permutation(row_count(base))[:count])
    for i, j in slots:
        at = rng.random(row_count(rows)) < share
        rows[i.name][at, j] = None if i.kind == "string" else value
    return rows


class _Rows:
    """Rows under construction, block by block."""

    def __init__(self, interface: Interface, base: Columns, rng: np.random.Generator) -> None:
        self.interface = interface
        self.base = base
        self.rng = rng
        self.blocks: list[Columns] = []
        self.origins: list[Array] = []
        self.count = 0

    def given(self, origin: str, columns: Columns | None, limit: int | None = None) -> None:
        """Adds rows as they are, at most `limit` of them, evenly spread."""
        if columns is None:
            return
        count = len(columns[self.interface.inputs[0].name])
        at = np.arange(count)
        if limit is not None and count > limit:
            at = np.linspace(0, count - 1, limit).astype(np.int64)
        self._add({i.name: columns[i.name][at] for i in self.interface.inputs}, np.full(len(at), origin, object))

    def changed(self, origins: Array, choices: list[Choice]) -> None:
        """Adds rows that are random plausible rows but for the choices."""
        picks = self.rng.integers(row_count(self.base), size=len(origins))
        block = {i.name: self.base[i.name][picks] for i in self.interface.inputs}
        for choice in choices:
            k, j = choice.slot
            i = self.interface.inputs[k]
            block[i.name][choice.rows, j] = choice.values
            block[i.name][choice.rows[choice.missing], j] = None if i.kind == "string" else np.nan
        self._add(block, origins)

    @property
    def so_far(self) -> Columns:
        """The rows that there are."""
        return {i.name: np.concatenate([b[i.name] for b in self.blocks]) for i in self.interface.inputs}

    def cases(self) -> Cases:
        """All rows."""
        return Cases(columns=self.so_far, origins=np.concatenate(self.origins))

    def _add(self, block: Columns, origins: Array) -> None:
        self.blocks.append({name: self._rounded(x) for name, x in block.items()})
        self.origins.append(origins)
        self.count += len(origins)

    def _rounded(self, x: Array) -> Array:
        """What the device passes: numbers of the input dtype."""
        return x if x.dtype == object else x.astype(self.interface.input_dtype).astype(np.float64)


def _base(
    interface: Interface, programs: tuple[Program, ...], given: list[Columns], rng: np.random.Generator
) -> Columns:
    """Plausible rows: a sample of the given ones, else rows drawn from between the program's own boundaries."""
    if given:
        together = {i.name: np.concatenate([rows[i.name] for rows in given]) for i in interface.inputs}
        count = len(together[interface.inputs[0].name])
        if count:
            at = np.arange(count) if count <= BASE_ROWS else rng.choice(count, BASE_ROWS, replace=False)
            return {name: rows[at] for name, rows in together.items()}
    nothing = {i.name: np.full((0, i.width), 0.0 if i.kind == "number" else None) for i in interface.inputs}
    tried = pools(programs, nothing)
    base = {}
    for k, i in enumerate(interface.inputs):
        columns = [rng.choice(_plausible(tried[k, j]), 64) for j in range(i.width)]
        base[i.name] = np.stack(columns, axis=1)
    return base


def _plausible(pool: Pool) -> Array:
    """Categories, or numbers between boundaries, where there are any."""
    if len(categories := pool.values.get("categories", np.empty(0))):
        return categories
    inner = [pool.values[origin] for origin in ("split boundaries", "edges") if origin in pool.values]
    if not inner:
        return np.array(["a", "b"], object) if pool.all.dtype == object else np.linspace(-2, 2, 41)
    numbers = np.unique(np.concatenate(inner))
    return (numbers[1:] + numbers[:-1]) / 2 if len(numbers) > 1 else numbers


def _singles(rows: _Rows, tried: Mapping[Slot, Pool], budget: int, rng: np.random.Generator) -> None:
    """Each value of each pool alone in a plausible row, several times if there is room."""
    entries: list[tuple[Slot, str, Array]] = []
    for slot, pool in tried.items():
        entries += [(slot, origin, values) for origin, values in pool.values.items() if len(values)]
        if pool.missing:
            entries.append((slot, "missing", np.zeros(1)))
    shares = fair_shares([len(values) for _, _, values in entries], budget)
    repeats = min(max(budget // max(sum(shares), 1), 1), REPEATS)
    start, origins, choices = 0, [], []
    for (slot, origin, values), share in zip(entries, shares, strict=True):
        some = values if share == len(values) else rng.choice(values, share, replace=False)
        some = np.repeat(some, repeats)
        at = np.arange(start, start + len(some))
        choices.append(Choice(slot=slot, rows=at, values=some, missing=np.full(len(some), origin == "missing")))
        origins.append(np.full(len(some), origin, object))
        start += len(some)
    if origins:
        rows.changed(np.concatenate(origins), choices)


def fair_shares(sizes: Sequence[int], budget: int) -> list[int]:
    """How many of each group fit into a budget: small groups whole, large ones alike, at least one of each."""
    shares, left = [0] * len(sizes), budget
    for waiting, k in enumerate(sorted(range(len(sizes)), key=sizes.__getitem__)):
        shares[k] = min(sizes[k], max(left // (len(sizes) - waiting), 1))
        left -= shares[k]
    return shares


def _paths(rows: _Rows, program: Program, tried: Mapping[Slot, Pool], budget: int, rng: np.random.Generator) -> None:
    """Rows for the splits of every forest: all of them, over and over, as far as the budget goes."""
    chains = trace(program)
    forests = [(node.op, chains[node.inputs[0]]) for node in program.nodes if isinstance(node.op, Forest)]
    for forest, features in forests:
        finder = PathFinder(forest, features, tried)
        wanted = budget // len(forests) // 2  # two rows per split, a third where its column may be missing
        targets = finder.targets
        if not len(targets) or not wanted:
            continue
        rounds = min(max(wanted // len(targets), 1), REPEATS)
        targets = np.concatenate([rng.permutation(targets) for _ in range(rounds)])[:wanted]
        for count, choices in finder.find(targets, rng):
            rows.changed(np.full(count, "split paths", object), choices)


def _unreached(
    rows: _Rows, program: Program, tried: Mapping[Slot, Pool], budget: int, rng: np.random.Generator
) -> None:
    """Rows for leaves and missing paths that none has reached, wave by wave: each wave also finds some by chance."""
    for taken, places in reached(program, rows.so_far, tried):
        left, reaching = budget, -1
        while left > 0 and places.count > reaching:
            reaching = places.count
            blocks = len(rows.blocks)
            for count, choices in fill(places, min(left, WAVE_ROWS), rng):
                rows.changed(np.full(count, "unreached places", object), choices)
            for block in rows.blocks[blocks:]:
                left -= row_count(block)
                for part in program.parts(block):
                    reach(places, program, taken, part)


def _combinations(rows: _Rows, tried: Mapping[Slot, Pool], budget: int, rng: np.random.Generator) -> None:
    """Plausible rows in which each column is replaced from its pool with a probability that varies by row."""
    eagerness = rng.choice([0.1, 0.3, 0.6, 1.0], budget)
    choices = []
    for slot, pool in tried.items():
        at = np.flatnonzero(rng.random(budget) < eagerness)
        values = [v for v in pool.values.values() if len(v)]
        kind = rng.integers(len(values) or 1, size=len(at))  # each origin alike, however many values it has
        drawn = np.empty(len(at), values[0].dtype if values else np.float64)
        for k, of_kind in enumerate(values):
            drawn[kind == k] = rng.choice(of_kind, int((kind == k).sum()))
        missing = (rng.random(len(at)) < 0.1) & pool.missing
        choices.append(Choice(slot=slot, rows=at, values=drawn, missing=missing))
    rows.changed(np.full(budget, "combinations", object), choices)
