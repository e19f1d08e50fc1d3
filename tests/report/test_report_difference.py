from __future__ import annotations

from collections.abc import Callable

import numpy as np
from report_models import pipeline

from edgepack.bundle.bundle import Bundle
from edgepack.bundle.files import GOLDEN
from edgepack.bundle.golden import read_golden
from edgepack.report.difference import difference


def test_a_bundle_does_not_differ_from_itself(bundle: Bundle) -> None:
    found = difference(bundle, bundle)
    assert found.interface == found.program == found.lineage == ()
    assert {change.label_changes for change in found.answers} == {0}
    assert [change.rows for change in found.answers] == [40, 40]
    assert max(o.max_abs_error for change in found.answers for o in change.outputs) <= 1e-7


def test_changed_answers_are_counted_on_each_other_s_rows(bundle: Bundle, make: Callable[..., Bundle]) -> None:
    other = make(2, threshold=50.0)
    found = difference(bundle, other)
    model, data = pipeline(threshold=50.0)
    _, before = read_golden(bundle.path / GOLDEN, bundle.interface)
    expected = int((model.predict(data.head(40)) != before["label"]).sum())
    first, second = found.answers
    assert (first.rows_of, second.rows_of) == ("before", "after")
    assert first.label_changes == second.label_changes == expected > 0
    moved = np.abs(model.predict_proba(data.head(40)) - before["probabilities"]).max()
    (error,) = (o.max_abs_error for o in first.outputs if o.output == "probabilities")
    assert abs(error - moved) < 1e-6
    assert first.worst_row is not None and set(first.worst_row) == {"row", "before", "after"}
    assert [change.what for change in found.lineage] == ["artifacts.tree_sha256"]


def test_a_new_input_is_told_and_its_rows_are_not_guessed(bundle: Bundle, make: Callable[..., Bundle]) -> None:
    narrower = make(5, columns=("age",))
    found = difference(narrower, bundle)
    assert ("input fare", None) in [(change.what, change.before) for change in found.interface]
    to_new, to_old = found.answers
    assert to_new.rows == 0 and "fare" in to_new.reason
    assert to_old.rows == 40
