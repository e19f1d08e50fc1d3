"""How much of what a Program decides a set of rows reaches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np

from edgepack.columns import take
from edgepack.contract import Answers, Columns, Covered
from edgepack.ir import Program
from edgepack.ir.ops import Forest
from edgepack.ir.types import Array, Flags, Integers
from edgepack.parity.compare import TIE
from edgepack.parity.cuts import cuts
from edgepack.parity.places import Places
from edgepack.parity.pools import Pool, pools
from edgepack.parity.trace import Slot, trace


def coverage(program: Program, columns: Columns, answers: Answers) -> dict[str, Covered]:
    """By kind of place, how many the rows reach.

    `leaves`, `split sides` and `missing paths` (a split with its own column missing) are those of the Program's
    forests; `categories` are the known values, one unknown and one missing value of each categorical input; `edges` are
    both sides of every clip, step, sentinel and numeric key; `ties` are pairs of classes that share the best score.

    Args:
        program: as lowered, which has the server's meaning.
        columns: rows that the server answers.
        answers: its answers.
    """
    tried = pools([program], take(columns, slice(0, 1)))
    found = _in_forests(program, columns, tried)
    found["categories"] = _categories(program, columns, tried)
    found["edges"] = _edges(program, columns)
    found["ties"] = _ties(answers)
    return {kind: covered for kind, covered in found.items() if covered.reachable or covered.unreachable}


def reached(program: Program, columns: Columns, tried: Mapping[Slot, Pool]) -> Iterator[tuple[str, Places]]:
    """What every forest takes, and its places, those reached by the rows flagged."""
    chains = trace(program)
    forests = [(node.inputs[0], node.op) for node in program.nodes if isinstance(node.op, Forest)]
    for taken, forest in forests:
        places = Places(forest, chains[taken], tried)
        for part in program.parts(columns):
            reach(places, program, taken, part)
        yield taken, places


def reach(places: Places, program: Program, taken: str, columns: Columns) -> None:
    """Adds what rows reach of the places of a forest that takes the value named."""
    places.reach(program.values(columns, until=taken)[taken], missing_in(program, columns))


def missing_in(program: Program, columns: Columns) -> dict[Slot, Flags]:
    """Per slot, the rows in which it is missing."""
    return {
        (k, j): _is_missing(columns[i.name][:, j])
        for k, i in enumerate(program.interface.inputs)
        for j in range(i.width)
    }


def _in_forests(program: Program, columns: Columns, tried: Mapping[Slot, Pool]) -> dict[str, Covered]:
    leaves, sides, paths = [], [], []
    for _, places in reached(program, columns, tried):
        forest = places.forest
        leaves.append(_count(places, np.flatnonzero(forest.is_leaf)))
        sides.append(_count(places, np.concatenate([forest.left[~forest.is_leaf], forest.right[~forest.is_leaf]])))
        known = np.flatnonzero(places.slot_of_node >= 0)
        accepts = places.finder.pooled.accepts_missing[places.slot_of_node[known]]
        paths.append(_count(places, known[accepts], missing=True))
    return {"leaves": _sum(leaves), "split sides": _sum(sides), "missing paths": _sum(paths)}


def _count(places: Places, nodes: Integers, *, missing: bool = False) -> Covered:
    there = (places.missing if missing else places.nodes)[nodes]
    closed = int(places.unreachable(nodes[~there], missing=missing).sum())
    return Covered(reached=int(there.sum()), reachable=len(nodes) - closed, unreachable=closed)


def _categories(program: Program, columns: Columns, tried: Mapping[Slot, Pool]) -> Covered:
    parts = []
    for k, i in enumerate(program.interface.inputs):
        for j in range(i.width):
            known = set(tried[k, j].values.get("categories", np.empty(0)).tolist())
            if not known:
                continue
            seen = columns[i.name][:, j]
            missing = _is_missing(seen)
            found = set(seen[~missing].tolist())
            hits = [len(known & found), i.accepts_unknown and bool(found - known), i.accepts_missing and missing.any()]
            wanted = len(known) + i.accepts_unknown + i.accepts_missing
            parts.append(Covered(reached=int(sum(map(int, hits))), reachable=wanted))
    return _sum(parts)


def _edges(program: Program, columns: Columns) -> Covered:
    parts = []
    for cut in cuts(program):
        if cut.origin == "edges":
            k, j = cut.chain.slot
            i = program.interface.inputs[k]
            wanted = cut.on_input(program.interface.input_dtype)
            if i.categories is not None and not i.accepts_unknown:
                wanted = wanted[np.isin(wanted, np.array(i.categories, np.float64))]
            parts.append(Covered(reached=int(np.isin(wanted, columns[i.name][:, j]).sum()), reachable=len(wanted)))
    return _sum(parts)


def _ties(answers: Answers) -> Covered:
    """Pairs of classes of which a row has both as its best, within `TIE`."""
    scores = answers.get("probabilities")
    if scores is None or scores.shape[1] < 2:  # a mixture may have one component
        return _sum([])
    order = np.argsort(scores, axis=1)[:, -2:]
    best = np.take_along_axis(scores, order, axis=1)
    pairs = {tuple(sorted(pair)) for pair in order[best[:, 1] - best[:, 0] <= TIE].tolist()}
    return Covered(reached=len(pairs), reachable=len(list(combinations(range(scores.shape[1]), 2))))


def _sum(parts: list[Covered]) -> Covered:
    return Covered(
        reached=sum(part.reached for part in parts),
        reachable=sum(part.reachable for part in parts),
        unreachable=sum(part.unreachable for part in parts),
    )


def _is_missing(x: Array) -> Flags:
    return np.asarray(x == None) if x.dtype == object else np.isnan(x)  # noqa: E711  (elementwise)
