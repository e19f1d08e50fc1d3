from __future__ import annotations

from itertools import combinations
from typing import Any
from xml.etree import ElementTree

import numpy as np
from report_models import pipeline

from edgepack.compiler import compile_estimator
from edgepack.report import program_document
from edgepack.report.boxes import boxes
from edgepack.report.layout import GAP, layout
from edgepack.report.picture import program_svg


def program(names: list[tuple[str, str, list[str]]], outputs: dict[str, str], inputs: int = 3) -> dict[str, Any]:
    return {
        "text": "",
        "inputs": [{"name": f"i{k}", "column": f"c{k}", "type": "number[1]"} for k in range(inputs)],
        "nodes": [
            {"name": n, "op": op, "inputs": takes, "step": "", "type": "", "detail": ""} for n, op, takes in names
        ],
        "outputs": outputs,
    }


def test_equal_values_share_a_box_and_others_do_not() -> None:
    found = boxes(
        program(
            [
                ("v0", "Clip", ["i0"]),
                ("v1", "Clip", ["i1"]),
                ("v2", "Affine", ["i2"]),
                ("v3", "Concat", ["v0", "v1", "v2"]),
            ],
            {"value": "v3"},
        )
    )
    assert sorted((box.title, box.members) for box in found) == [
        ("2 numbers", 2),
        ("Affine", 1),
        ("Clip × 2", 2),
        ("Concat", 1),
        ("c2", 1),
        ("value", 1),
    ]


def test_a_chain_of_one_op_never_feeds_itself() -> None:
    chain = [(f"v{k}", "Clip", [f"v{k - 1}" if k else "i0"]) for k in range(5)]
    found = boxes(program(chain, {"value": "v4", "label": "v2"}, inputs=1))
    assert len(found) == 5 + 1 + 2
    assert all(taken < k for k, box in enumerate(found) for taken in box.takes)


def test_unasked_nodes_are_left_out() -> None:
    found = boxes(program([("v0", "Clip", ["i0"]), ("v1", "Power", ["i0"])], {"value": "v0"}, inputs=1))
    assert "Power" not in {box.title for box in found}


def test_layers_go_down_and_boxes_never_overlap() -> None:
    r = np.random.default_rng(0)
    for count in range(1, 30):
        takes = [sorted(r.choice(k, min(k, int(r.integers(0, 4))), replace=False).tolist()) for k in range(count)]
        widths = r.uniform(40, 200, count).tolist()
        placed = layout(widths, takes)
        for edge in placed.edges:
            assert [row for _, row in edge] == list(range(edge[0][1], edge[-1][1] + 1))
        for a, b in combinations(range(count), 2):
            (xa, ra), (xb, rb) = placed.centers[a], placed.centers[b]
            if ra == rb:
                assert abs(xa - xb) >= (widths[a] + widths[b]) / 2 + GAP - 1e-6
        assert all(
            w / 2 - 1e-6 <= x <= placed.width - w / 2 + 1e-6 for (x, _), w in zip(placed.centers, widths, strict=True)
        )


def test_crossings_that_can_be_undone_are() -> None:
    placed = layout([50.0] * 6, [[], [], [], [2], [1], [0]])
    order = sorted(range(3, 6), key=lambda k: placed.centers[k][0])
    sources = sorted(range(3), key=lambda k: placed.centers[k][0])
    assert [{3: 2, 4: 1, 5: 0}[k] for k in order] == sources


def test_picture_of_a_compiled_pipeline_is_well_formed() -> None:
    document = program_document(compile_estimator(*pipeline()))
    root = ElementTree.fromstring(program_svg(document))
    texts = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert "Forest" in texts and "probabilities" in texts and "2 numbers" in texts
