"""Linear models over raw inputs: scaling folds into the weights, encoding into one table of weights per column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgepack.ir.ops import Affine, Linear, Lookup, Sum
from edgepack.ir.program import Node, Program
from edgepack.ir.types import Floats
from edgepack.passes.categories import domain_of, finite_part
from edgepack.passes.rewrite import Draft
from edgepack.passes.trace import Path, Place, Tracer

LARGEST_SHIFT = 1e4
"""How many scales a column's center may be away from 0. Beyond it, folding would cost more than 1e-12 of a float64."""


def fold_linear(program: Program) -> Program:
    """The Program whose linear models take raw numbers (imputed where they were) and one lookup per category column."""
    if not any(isinstance(node.op, Linear) for node in program.nodes):
        return program
    draft, tracer = Draft(program), Tracer(program)
    for node in program.nodes:
        if isinstance(node.op, Linear) and tracer.sees_behind(node.inputs[0]):
            _fold(node, node.op, draft, tracer)
        else:
            draft.nodes.append(node)
    return draft.finish()


def _fold(node: Node, linear: Linear, draft: Draft, tracer: Tracer) -> None:
    weights: dict[Place, Floats] = defaultdict(lambda: np.zeros(len(linear.coef)))
    intercept = linear.intercept.copy()
    finite: dict[Place, list[tuple[Path, Floats]]] = defaultdict(list)
    paths = [tracer.path(node.inputs[0], j) for j in range(linear.coef.shape[1])]
    kept = _far_from_zero(paths)
    for coef, path in zip(linear.coef.T, paths, strict=True):
        start = finite_part(path)
        if start is not None:
            part = path.after(start)
            finite[part.start].append((part, coef))
            continue
        place, slope, shift = _affine_tail(path, kept)
        weights[place] = weights[place] + coef * slope
        intercept = intercept + coef * shift
    tables: list[str] = []
    for begin, parts in finite.items():
        alone = not weights and not tables  # no number at all: the intercept joins the first table
        tables.append(_table(begin, parts, draft, node.step, intercept if alone else np.zeros_like(intercept)))
    if not weights:
        draft.nodes.append(replace(node, op=Sum(), inputs=tuple(tables)))
        return
    places = list(weights)
    x = draft.gather(places, step=node.step)
    folded = Linear(coef=np.stack([weights[p] for p in places], axis=1), intercept=intercept)
    if not tables:
        draft.nodes.append(replace(node, op=folded, inputs=(x,)))
        return
    numbers = draft.emit(folded, x, step=node.step)
    draft.nodes.append(replace(node, op=Sum(), inputs=(numbers, *tables)))


def _far_from_zero(paths: Sequence[Path]) -> frozenset[str]:
    """The scalers' values in which some column's center is too far away: those stay as they are, whole."""
    return frozenset(
        link.result.value
        for path in paths
        for link in path.links
        if isinstance(link.op, Affine) and abs(_line(link.op)[1]) > LARGEST_SHIFT
    )


def _affine_tail(path: Path, kept: frozenset[str]) -> tuple[Place, float, float]:
    """The column before a path's last affine steps, and the line `slope · x + shift` that they draw."""
    slope, shift, k = 1.0, 0.0, len(path.links)
    while k > 0 and isinstance(op := path.links[k - 1].op, Affine) and path.links[k - 1].result.value not in kept:
        a, b = _line(op)
        slope, shift = slope * a, shift + slope * b
        k -= 1
    return path.after(k).start, slope, shift


def _line(op: Affine) -> tuple[float, float]:
    """A one-column Affine as `a · x + b`."""
    a = (1.0 if op.factor is None else float(op.factor[0])) / (1.0 if op.divisor is None else float(op.divisor[0]))
    center = 0.0 if op.center is None else float(op.center[0])
    return a, (0.0 if op.offset is None else float(op.offset[0])) - a * center


def _table(start: Place, parts: list[tuple[Path, Floats]], draft: Draft, step: str, base: Floats) -> str:
    """A Lookup of a column's whole contribution on top of `base (outputs,)`."""
    domain = domain_of([path for path, _ in parts])
    table = np.tile(base, (len(domain.values), 1))
    for path, coef in parts:
        table += path.run(domain.values)[:, None] * coef
    told = np.flatnonzero((table[:-2] != table[-2]).any(axis=1))
    rows = np.concatenate([told, [len(domain.keys), len(domain.keys) + 1]])
    source = draft.gather([start], step=step)
    return draft.emit(Lookup(keys=domain.keys[told], table=table[rows]), source, step=step)
