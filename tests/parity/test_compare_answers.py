from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from edgepack.contract import Verdict
from edgepack.parity import Tolerance, compare, not_run
from edgepack.parity.reference import Margins
from edgepack.parity.stream import merge

P = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]])
SERVER = {"label": np.array(["a", "b", "a"], object), "probabilities": P}
COLUMNS = {"x": np.array([[1.0], [np.nan], [3.0]]), "s": np.array([["u"], [None], ["v"]], object)}


def judged(server: Any, device: Any, **options: Any) -> Verdict:
    return compare("onnx", "fake", server, device, columns=COLUMNS, **options)


def value(*numbers: float) -> dict[str, Any]:
    return {"value": np.array(numbers, np.float64)}


def test_identical_answers_are_measured_with_a_tolerance_of_zero() -> None:
    verdict = judged(SERVER, {**SERVER, "label": np.array(["a", "b", "a"])}, refused_rows=2, cases={"data": 3})
    assert verdict.status == "measured"
    assert verdict.passed
    assert (verdict.rows, verdict.refused_rows, verdict.cases) == (3, 2, {"data": 3})
    assert [o.smallest_passing_tolerance for o in verdict.outputs] == [0, 0]
    assert verdict.worst_rows == ()


@pytest.mark.parametrize("error", [1e-7, 2e-6])
def test_probabilities_are_judged_by_the_absolute_error(error: float) -> None:
    verdict = judged(SERVER, {**SERVER, "probabilities": P + np.array([[0, 0], [error, -error], [0, 0]])})
    compared = verdict.outputs[1]
    assert verdict.passed == (error < 1e-6)
    assert compared.measure == "absolute"
    assert compared.smallest_passing_tolerance == pytest.approx(error)
    assert compared.rows_over_tolerance == (error > 1e-6)


def test_values_are_judged_relative_to_the_servers_but_never_to_less_than_one() -> None:
    verdict = judged(value(1e6, 1e-3, 2.0), value(1e6 + 5, 1e-3 + 5e-6, 2.0))
    assert verdict.passed
    compared = verdict.outputs[0]
    assert (compared.measure, compared.max_abs_error) == ("relative", 5.0)
    assert compared.smallest_passing_tolerance == pytest.approx(5e-6)
    assert not judged(value(1e6, 1e-3, 2.0), value(1e6, 1e-3 + 2e-5, 2.0)).passed


def test_the_smallest_passing_tolerance_passes_and_the_next_smaller_does_not() -> None:
    server, device = value(1.0, 5.0, -3.0), value(1.01, 5.2, -3.0)
    smallest = judged(server, device).outputs[0].smallest_passing_tolerance
    assert judged(server, device, tolerance=Tolerance(value=smallest)).passed
    assert not judged(server, device, tolerance=Tolerance(value=float(np.nextafter(smallest, 0)))).passed


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_on_both_sides_is_equal(number: float) -> None:
    assert judged(value(1, number, 2), value(1, number, 2)).passed


@pytest.mark.parametrize(
    ("server", "device"),
    [(np.nan, 1.0), (1.0, np.nan), (np.inf, 1.0), (1.0, -np.inf), (np.inf, -np.inf), (np.nan, np.inf)],
)
def test_what_is_not_finite_on_one_side_fails(server: float, device: float) -> None:
    verdict = judged(value(1, server, 2), value(1, device, 2), tolerance=Tolerance(value=1e300))
    assert verdict.status == "failed"
    assert verdict.outputs[0].smallest_passing_tolerance == np.inf
    assert verdict.outputs[0].rows_over_tolerance == 1


@pytest.mark.parametrize(
    ("device", "reason"),
    [
        ({"label": SERVER["label"]}, "probabilities: missing among the answers"),
        ({**SERVER, "probabilities": P[:, 0]}, r"probabilities: shape \(3,\)"),
        ({**SERVER, "label": SERVER["label"][:2]}, r"label: shape \(2,\)"),
        ({**SERVER, "label": np.array([0, 1, 0])}, "label: number"),
        ({**SERVER, "probabilities": P.astype(str)}, "probabilities: string"),
        ({**SERVER, "value": np.zeros(3)}, "outputs value are not the model's"),
    ],
)
def test_answers_that_cannot_be_compared_fail_with_the_reason(device: Any, reason: str) -> None:
    verdict = judged(SERVER, device)
    assert verdict.status == "failed"
    assert re.match(reason, verdict.reason)
    assert "\n" not in verdict.reason


@pytest.mark.parametrize(
    ("server", "device", "passed"),
    [
        (np.array([0, 1, 1]), np.array([0, 1, 1], np.int32), True),
        (np.array([0, 1, 1]), np.array([0.0, 1.0, 1.0]), True),
        (np.array([False, True, True]), np.array([False, True, True]), True),
        (np.array([False, True, True]), np.array([0, 1, 1]), False),
        (np.array(["1", "2", "2"]), np.array([1, 2, 2]), False),
        (np.array([0, 1, 1], object), np.array([0, 1, 1]), True),
    ],
)
def test_labels_are_compared_by_kind_and_value(server: Any, device: Any, passed: bool) -> None:
    assert judged({"label": server}, {"label": device}).passed == passed


def test_a_changed_label_is_allowed_only_where_the_server_ties() -> None:
    tie = judged(SERVER, {**SERVER, "label": np.array(["a", "b", "b"])})
    assert tie.passed
    assert (tie.label_changes, tie.tied_rows) == (1, 1)
    wrong = judged(SERVER, {**SERVER, "label": np.array(["b", "b", "b"])})
    assert not wrong.passed
    assert (wrong.label_changes, wrong.tied_rows, wrong.outputs[0].rows_over_tolerance) == (2, 1, 1)
    assert wrong.worst_rows[0]["server"]["label"] == "a"


def ties(apart: float, size: float = 1.0, **options: Any) -> Verdict:
    """The verdict on one changed label, of two scores of a size so far apart."""
    server, device = {"label": np.array([0, 1, 1])}, {"label": np.array([0, 1, 0])}
    margins = Margins(apart=np.array([apart]), size=np.array([size]))
    return judged(server, device, margins=lambda rows: margins, **options)


@pytest.mark.parametrize(("apart", "passed"), [(0.9e-7, True), (1.1e-7, False)])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e9])
def test_the_servers_margin_decides_what_a_tie_is(apart: float, passed: bool, size: float) -> None:
    verdict = ties(apart, size)
    assert verdict.passed == passed
    assert (verdict.tied_rows, verdict.near_tied_rows, verdict.tie_width) == (int(passed), 0, 1e-7)


@pytest.mark.parametrize(
    ("apart", "size", "tied", "near"),
    [
        (0.9e-7, 1.0, 1, 0),
        (1.9e-6, 1.0, 1, 1),
        (2.1e-6, 1.0, 0, 0),
        (1.9e-6, 1e-3, 1, 1),  # probabilities are small where there are many classes, and as wrong
        (1.9e-3, 1e3, 1, 1),
        (2.1e-3, 1e3, 0, 0),
        (2.1e-6, np.inf, 0, 0),
    ],
)
def test_a_narrow_arithmetic_ties_sooner_and_says_so(apart: float, size: float, tied: int, near: int) -> None:
    verdict = ties(apart, size, tie_width=2e-6)
    assert (verdict.passed, verdict.label_changes) == (bool(tied), 1)
    assert (verdict.tied_rows, verdict.near_tied_rows, verdict.tie_width) == (tied, near, 2e-6)


@pytest.mark.parametrize("name", ["label", "probabilities", "value"])
def test_where_the_server_chose_among_equals_no_answer_is_wrong(name: str) -> None:
    server = {"label": np.array([0, 1, 1]), "probabilities": P, "value": np.array([1.0, 2.0, 3.0])}[name]
    device = server.copy()
    device[1:] += 1
    verdict = judged({name: server}, {name: device}, ties=lambda rows: rows == 1)
    assert not verdict.passed
    assert (verdict.tied_rows, verdict.outputs[0].rows_over_tolerance) == (1, 1)
    assert judged({name: server}, {name: device}, ties=lambda rows: rows >= 1).passed


def test_without_scores_no_changed_label_is_a_tie() -> None:
    assert not judged({"label": np.array([0, 1, 1])}, {"label": np.array([0, 1, 0])}).passed


def test_the_worst_rows_come_first_and_hold_plain_values() -> None:
    verdict = judged(value(1, 2, 3), value(1, 9, 4))
    assert [row["device"]["value"] for row in verdict.worst_rows] == [9, 4]
    assert verdict.worst_rows[0]["row"] == {"x": "nan", "s": None}
    json.dumps(verdict.worst_rows, allow_nan=False)


def test_what_did_not_run_has_not_passed() -> None:
    verdict = not_run("coreml", "no Mac")
    assert (verdict.status, verdict.passed, verdict.reason, verdict.rows) == ("not run", False, "no Mac", 0)


def test_rows_are_counted_by_the_size_of_their_error() -> None:
    server = value(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, np.nan)
    device = value(0.0, 1e-3, 9.9e-3, 1e-2, 1e-30, 50.0, np.inf, np.nan)
    verdict = compare("onnx", "fake", server, device, columns={"x": np.arange(8.0)[:, None]})
    counted = verdict.outputs[0].rows_by_error
    assert counted == {"0": 2, "1e-17": 1, "1e-03": 2, "1e-02": 1, "1e+00": 2}
    assert list(counted) == sorted(counted, key=float)


def test_counts_by_size_add_up_over_parts() -> None:
    first, second = judged(value(0.0, 0.0), value(0.0, 1e-8)), judged(value(0.0, 0.0), value(1e-8, 1e-12))
    (merged,) = merge([first], [second])
    assert merged.outputs[0].rows_by_error == {"0": 1, "1e-12": 1, "1e-08": 2}
