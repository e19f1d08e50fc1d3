"""Places boxes in layers, from top to bottom, with few crossings.

Source: Sugiyama, Tagawa, Toda, "Methods for visual understanding of hierarchical system structures" (1981): layers by
the longest way, an edge over several layers passes through points in them, layers are ordered by barycenters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SWEEPS = 8
GAP = 20.0
POINT_WIDTH = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything is.

    Attributes:
        width: of all layers.
        layers: how many there are.
        centers: each box's horizontal center and its layer.
        edges: per edge, the points `(x, layer)` that it passes from the box it leaves to the box it enters.
    """

    width: float
    layers: int
    centers: tuple[tuple[float, int], ...]
    edges: tuple[tuple[tuple[float, int], ...], ...]


def layout(widths: Sequence[float], takes: Sequence[Sequence[int]]) -> Layout:
    """A layered placement.

    Args:
        widths: of each box.
        takes: per box, the positions of the boxes that it comes after; all earlier.
    """
    layer = _layers(takes)
    ways = [_Way(box, taken) for box, sources in enumerate(takes) for taken in sources]
    width, at, links = list(widths), list(layer), []
    for way in ways:
        previous = way.source
        for between in range(layer[way.source] + 1, layer[way.target]):
            width.append(POINT_WIDTH)
            at.append(between)
            way.points.append(len(width) - 1)
            links.append((previous, len(width) - 1))
            previous = len(width) - 1
        links.append((previous, way.target))
    rows: list[list[int]] = [[] for _ in range(max(at, default=-1) + 1)]
    for item, row in enumerate(at):
        rows[row].append(item)
    above: list[list[int]] = [[] for _ in width]
    below: list[list[int]] = [[] for _ in width]
    for source, target in links:
        below[source].append(target)
        above[target].append(source)
    x = _placed(rows, width, above, below)
    left = min((x[i] - width[i] / 2 for i in range(len(width))), default=0.0)
    x = [value - left for value in x]
    return Layout(
        width=max((x[i] + width[i] / 2 for i in range(len(width))), default=0.0),
        layers=len(rows),
        centers=tuple((x[i], at[i]) for i in range(len(widths))),
        edges=tuple(tuple((x[i], at[i]) for i in (way.source, *way.points, way.target)) for way in ways),
    )


class _Way:
    """An edge and the points that it passes between its ends."""

    def __init__(self, target: int, source: int) -> None:
        self.source = source
        self.target = target
        self.points: list[int] = []


def _layers(takes: Sequence[Sequence[int]]) -> list[int]:
    """Each box as low as what it takes demands; what takes nothing moves down to just above the first that asks."""
    layer: list[int] = []
    for sources in takes:
        layer.append(max((layer[s] + 1 for s in sources), default=0))
    first_user: dict[int, int] = {}
    for box, sources in enumerate(takes):
        for source in sources:
            first_user[source] = min(first_user.get(source, layer[box]), layer[box])
    return [first_user[box] - 1 if not takes[box] and box in first_user else row for box, row in enumerate(layer)]


def _placed(
    rows: list[list[int]], width: Sequence[float], above: Sequence[Sequence[int]], below: Sequence[Sequence[int]]
) -> list[float]:
    x = [0.0] * len(width)
    for row in rows:
        _spread(row, width, x, [0.0] * len(row))
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            near = above if down else below
            wanted = {i: _mean([x[n] for n in near[i]], x[i]) for i in row}
            row.sort(key=wanted.__getitem__)
            _spread(row, width, x, [wanted[i] for i in row])
    return x


def _spread(row: Sequence[int], width: Sequence[float], x: list[float], wanted: Sequence[float]) -> None:
    """Sets a layer's places: each as near to what it wants as the order and the gaps allow, in the mean."""
    edge = float("-inf")
    for i, want in zip(row, wanted, strict=True):
        x[i] = max(want, edge + width[i] / 2)
        edge = x[i] + width[i] / 2 + GAP
    shift = _mean([want - x[i] for i, want in zip(row, wanted, strict=True)], 0.0)
    for i in row:
        x[i] += shift


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
