"""The Program as a picture: static SVG whose colours are the page's."""

from __future__ import annotations

from html import escape
from typing import Any

from edgepack.report.boxes import Box, boxes
from edgepack.report.layout import Layout, layout

HEIGHT = 44.0
PITCH = 84.0
MARGIN = 8.0
LETTER = 7.0
LONGEST = 30
SMALLEST = 0.7
"""How far a narrow screen may shrink it; then it scrolls, so that its words stay readable."""


def program_svg(program: dict[str, Any]) -> str:
    """An `<svg>` of the Program's boxes, inputs above and outputs below; each box tells the rest as its title."""
    found = boxes(program)
    placed = layout([_width(box) for box in found], [box.takes for box in found])
    width, height = placed.width + 2 * MARGIN, (placed.layers - 1) * PITCH + HEIGHT + 2 * MARGIN
    label = f"The Program: {len(program['inputs'])} inputs, {len(program['nodes'])} operations"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="program" role="img" aria-label="{escape(label)}"'
        f' width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
        f' style="min-width:{SMALLEST * width:.0f}px">',
        *(_edge(points) for points in placed.edges),
        *(_shape(box, placed, k) for k, box in enumerate(found)),
        "</svg>",
    ]
    return "\n".join(parts)


def _width(box: Box) -> float:
    return max(len(_cut(box.title)) * LETTER * 1.1, len(_cut(box.subtitle)) * LETTER * 0.9, 56.0) + 24.0


def _edge(points: tuple[tuple[float, int], ...]) -> str:
    """A smooth way down: it leaves a box at its lower edge and enters one at its upper edge."""
    (x, row), *rest = points
    at = f"M{x + MARGIN:.1f} {row * PITCH + HEIGHT + MARGIN:.1f}"
    y = row * PITCH + HEIGHT + MARGIN
    for x_next, row_next in rest:
        y_next = row_next * PITCH + MARGIN
        bend = (y_next - y) / 2
        at += f"C{x + MARGIN:.1f} {y + bend:.1f} {x_next + MARGIN:.1f} {y_next - bend:.1f} "
        at += f"{x_next + MARGIN:.1f} {y_next:.1f}"
        x, y = x_next, y_next
        if (x_next, row_next) != rest[-1]:
            at += f"V{y_next + HEIGHT:.1f}"  # straight through the layer, between its boxes
            y = y_next + HEIGHT
    return f'<path class="edge" d="{at}"/>'


def _shape(box: Box, placed: Layout, k: int) -> str:
    (x, row), width = placed.centers[k], _width(box)
    left, top = x - width / 2 + MARGIN, row * PITCH + MARGIN
    radius = HEIGHT / 2 if box.kind != "op" else 6
    behind = ""
    if box.members > 1:  # a second sheet shows that there are more
        behind = (
            f'<rect x="{left + 4:.1f}" y="{top + 4:.1f}" width="{width:.1f}" height="{HEIGHT}" rx="{radius}"'
            ' class="sheet"/>'
        )
    return (
        f'<g class="box {box.kind}"><title>{escape(box.hint)}</title>{behind}'
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{HEIGHT}" rx="{radius}"/>'
        f'<text x="{x + MARGIN:.1f}" y="{top + 19:.1f}" class="title">{escape(_cut(box.title))}</text>'
        f'<text x="{x + MARGIN:.1f}" y="{top + 34:.1f}" class="subtitle">{escape(_cut(box.subtitle))}</text></g>'
    )


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
