"""The same rows in real runtimes. What a machine cannot fetch is skipped, with the reason that the verdict gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from edgepack.bundle.bundle import Bundle
from edgepack.contract import Verdict
from edgepack.matrix import lowest_that_holds
from edgepack.parity import Tolerance
from edgepack.recheck import recheck_golden
from edgepack.runtimes import Spec

pytestmark = pytest.mark.registry
FLOAT32 = Tolerance(probabilities=1e-5)


def verdicts_in(bundle: Bundle, words: Sequence[str]) -> list[Verdict]:
    own, *others = recheck_golden(bundle, tolerance=FLOAT32, runtimes=[Spec.parse(word) for word in words])
    assert own.passed, own.reason
    for verdict in others:
        if verdict.status == "not run":
            pytest.skip(f"{verdict.runtime}: {verdict.reason}")
    return others


def test_the_broken_forests_of_onnxruntime_1_26_are_found(forest_bundle: Callable[[str], Bundle]) -> None:
    """microsoft/onnxruntime#28557: two classes whose leaves hold one column of votes, as skl2onnx writes them."""
    broken, sound = verdicts_in(forest_bundle("skl2onnx"), ["onnxruntime==1.26.0", "onnxruntime==1.25.1"])
    assert sound.passed, sound.reason
    assert broken.runtime.startswith("onnxruntime 1.26.0")
    assert broken.status == "failed"
    assert broken.label_changes > 20
    assert lowest_that_holds([broken, sound]) is None


def test_edgepack_s_forest_holds_in_that_version_too(forest_bundle: Callable[[str], Bundle]) -> None:
    (verdict,) = verdicts_in(forest_bundle("edgepack"), ["onnxruntime==1.26.0"])
    assert (verdict.status, verdict.label_changes, verdict.target) == ("measured", 0, "onnx")


def test_a_version_before_numpy_2_gets_its_numpy(forest_bundle: Callable[[str], Bundle]) -> None:
    (verdict,) = verdicts_in(forest_bundle("edgepack"), ["onnxruntime==1.17.3"])
    assert verdict.passed, verdict.reason


@pytest.mark.parametrize("word", ["node", "web"])
def test_javascript_runtimes_answer_the_same(word: str, forest_bundle: Callable[[str], Bundle]) -> None:
    (verdict,) = verdicts_in(forest_bundle("edgepack"), [word])
    assert verdict.passed, verdict.reason
    assert verdict.runtime.startswith(f"onnxruntime-{word} ")
    assert verdict.rows == 100
