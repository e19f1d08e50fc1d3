"""Classifiers of several targets, whose labels are of any type."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from catalogue.case import Compared, rows_of, run, target_of
from sklearn import ensemble, multioutput, naive_bayes, neighbors, tree
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from edgepack.bundle.manifest import _interface
from edgepack.cli.show import answers_table
from edgepack.errors import UnsupportedError
from edgepack.lower import lower
from edgepack.parity import run_parity
from edgepack.targets import find_target

X = rows_of("plain")
WORDS, THIRDS = target_of("words", X), target_of("thirds", X)
LABELS = target_of("labels", X)


TARGETS = {
    "texts": np.stack([WORDS, np.where(X[:, 2] > 0.3, "yes", "no")], axis=1),
    "bools": LABELS.astype(bool),
    "floats": np.stack([THIRDS + 0.5, np.where(X[:, 2] > 0, 2.0, -1.0)], axis=1).astype(str),
    "whole": np.stack([THIRDS - 1, (X[:, 2] > 0) + 5], axis=1),
}

CLASSIFIERS = {
    "tree": lambda: tree.DecisionTreeClassifier(max_depth=4, random_state=0),
    "forest": lambda: ensemble.RandomForestClassifier(6, max_depth=4, random_state=0),
    "neighbors": lambda: make_pipeline(StandardScaler(), neighbors.KNeighborsClassifier(5)),
    "each": lambda: multioutput.MultiOutputClassifier(tree.DecisionTreeClassifier(max_depth=3, random_state=0)),
    "dummy": lambda: DummyClassifier(strategy="prior"),
}


def compared(model: Any, folder: Path, output: Any = None, limit: float = 1e5) -> Compared:
    return run(model, X, lower(model, X, output=output, fallback=False), folder, rows=300, limit=limit)


def passed(found: Compared) -> dict[str, bool]:
    return {name: verdict.passed for name, verdict in found.verdicts.items()}


BOTH = {"onnx": True, "coreml": True}


@pytest.mark.parametrize("output", [None, "predict_proba"])
@pytest.mark.parametrize("labels", list(TARGETS))
@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_labels_of_every_type_on_both_targets(tmp_path: Path, name: str, labels: str, output: Any) -> None:
    y = TARGETS[labels]
    found = compared(CLASSIFIERS[name]().fit(X, y), tmp_path, output)
    assert passed(found) == BOTH
    wanted = tuple(tuple(np.unique(column).tolist()) for column in y.T)
    assert found.program.interface.targets == wanted
    assert found.program.interface.value_width == (sum(map(len, wanted)) if output else len(wanted))


def test_texts_are_shown_as_such() -> None:
    model = CLASSIFIERS["each"]().fit(X, TARGETS["texts"].astype(object))
    program = lower(model, X)
    shown = answers_table(program.run({"X": X}), program.interface)
    assert list(shown) == ["label[0]", "label[1]"]
    assert shown.to_numpy().tolist() == model.predict(X).tolist()


def test_probabilities_are_shown_by_target_and_label() -> None:
    model = CLASSIFIERS["forest"]().fit(X, TARGETS["texts"])
    program = lower(model, X, output="predict_proba")
    shown = answers_table(program.run({"X": X}), program.interface)
    assert list(shown)[2:] == ["probability[0][tall]", "probability[1][no]", "probability[1][yes]"]
    np.testing.assert_allclose(shown["probability[1][yes]"], model.predict_proba(X)[1][:, 1], atol=1e-12)


def test_a_manifest_and_the_files_name_every_label(tmp_path: Path) -> None:
    from coremltools.models.utils import load_spec

    found = compared(CLASSIFIERS["forest"]().fit(X, TARGETS["texts"]), tmp_path)
    interface = found.program.interface
    assert _interface(json.loads(json.dumps(asdict(interface)))) == interface
    told = [[*labels] for labels in interface.targets]
    metadata = {p.key: p.value for p in onnx.load(found.artifacts["onnx"].path).metadata_props}
    assert json.loads(metadata["edgepack.targets"]) == told
    spec = load_spec(str(found.artifacts["coreml"].path))
    assert json.loads(spec.description.metadata.userDefined["edgepack.targets"]) == told


def test_labels_in_another_order_are_found(tmp_path: Path) -> None:
    found = compared(CLASSIFIERS["forest"]().fit(X, TARGETS["texts"]), tmp_path)
    interface = found.program.interface
    turned = replace(interface, targets=tuple(labels[::-1] for labels in interface.targets))
    reference = replace(found.reference, interface=turned)
    runner = find_target("onnx").open(found.artifacts["onnx"].path, interface)
    (verdict,) = run_parity(reference, {"onnx": runner}, found.cases, program=found.lowered)
    assert verdict.status == "failed"


@pytest.mark.parametrize("output", [None, "predict_proba", "decision_function"])
def test_a_chain_hands_on_logarithms(tmp_path: Path, output: Any) -> None:
    chain = multioutput.ClassifierChain(
        LogisticRegression(max_iter=500), order=[1, 2, 0], chain_method="predict_log_proba"
    )
    model = make_pipeline(StandardScaler(), chain).fit(X, LABELS)
    assert passed(compared(model, tmp_path, output, limit=1e2))["onnx"]


def test_a_chain_of_members_with_logarithms_of_their_own_is_refused() -> None:
    chain = multioutput.ClassifierChain(naive_bayes.GaussianNB(), chain_method="predict_log_proba").fit(X, LABELS)
    with pytest.raises(
        UnsupportedError, match="GaussianNB has logarithms of its own; use chain_method='predict_proba'"
    ):
        lower(chain, X)


@pytest.mark.parametrize("method", ["auto", "predict"])
@pytest.mark.parametrize("passthrough", [False, True])
def test_labels_are_stacked(tmp_path: Path, passthrough: bool, method: str) -> None:
    members = [
        ("forest", ensemble.RandomForestClassifier(3, max_depth=3, random_state=0)),
        ("neighbors", make_pipeline(StandardScaler(), neighbors.KNeighborsClassifier(5))),
        ("network", make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=40, random_state=0))),
    ]
    final = tree.DecisionTreeClassifier(max_depth=4, random_state=0)
    model = ensemble.StackingClassifier(members, final, stack_method=method, passthrough=passthrough, cv=2)
    found = compared(model.fit(X, LABELS), tmp_path)
    assert passed(found)["onnx"]
    with pytest.raises(UnsupportedError, match="gives no predict_proba; choose predict"):
        lower(model, X, output="predict_proba")
