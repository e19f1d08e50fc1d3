"""What quantizing did to answers, and budgets for it."""

from __future__ import annotations

import numpy as np
import pytest

from edgepack.errors import UsageError
from edgepack.quantize import Budget, effect_of, share_of

SERVER = {
    "label": np.array(["a", "b", "a", "b"]),
    "probabilities": np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0, 1]]),
}
DEVICE = {
    "label": np.array(["a", "b", "b", "b"]),
    "probabilities": np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0, 1]]),
}


def test_labels_and_the_largest_difference_of_each_row_are_counted() -> None:
    effect = effect_of(SERVER, DEVICE, origin="data")
    assert (effect.rows, effect.label_changes) == (4, 1)
    assert effect.max_abs_error == pytest.approx(0.2)
    assert effect.mean_abs_error == pytest.approx(0.05)
    assert str(effect) == "on 4 rows (data): 1 labels change (25.00%), |Δ| at most 0.2, 0.2 for 99 %"


@pytest.mark.parametrize(
    ("server", "device", "error"), [(np.nan, np.nan, 0.0), (np.inf, np.inf, 0.0), (1.0, np.nan, np.inf)]
)
def test_what_is_not_finite_is_equal_to_itself_alone(server: float, device: float, error: float) -> None:
    effect = effect_of({"value": np.array([server])}, {"value": np.array([device])}, origin="data")
    assert effect.max_abs_error == error


@pytest.mark.parametrize(
    ("budget", "says"),
    [
        (Budget(), []),
        (Budget(max_label_change=0.25, max_abs_error=0.3), []),
        (Budget(max_label_change=0.2), ["25.000% of labels change, 20.000% may"]),
        (
            Budget(max_label_change=0.2, max_abs_error=0.1),
            ["25.000% of labels change, 20.000% may", "|Δ| 0.2, 0.1 is allowed"],
        ),
    ],
)
def test_a_budget_says_what_is_over_it(budget: Budget, says: list[str]) -> None:
    assert budget.broken_by(effect_of(SERVER, DEVICE, origin="data")) == says


@pytest.mark.parametrize(
    ("text", "share"), [("0.1%", 0.001), ("1 %", 0.01), ("0.02", 0.02), ("1e-3", 0.001), ("0", 0.0), (".5%", 0.005)]
)
def test_shares_are_read_as_people_write_them(text: str, share: float) -> None:
    assert share_of(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "%", "many", "-1%", "101%", "1,5%", "nan"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"is no share; write for example 0\.1%"):
        share_of(text)
