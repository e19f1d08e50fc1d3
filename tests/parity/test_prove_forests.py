from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from edgepack.contract import EmitOptions, InputDtype, Verdict
from edgepack.ir import Program
from edgepack.ir.decisions import Decisions
from edgepack.ir.ops import Forest
from edgepack.lower import lower
from edgepack.parity import Reference, Tolerance, make_cases, run_parity
from edgepack.parity.proofs import prove_files, row_columns, with_proofs
from edgepack.parity.prove import Proof, Undecided, Witness, prove
from edgepack.passes import optimize
from edgepack_onnx import likely, target

ONE_HOT = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
ORDINAL = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
LOG = FunctionTransformer(np.log1p)

STEPS = {
    "imputed, scaled, one-hot": (lambda: make_pipeline(SimpleImputer(), StandardScaler()), ONE_HOT),
    "scaled, ordinal": (MinMaxScaler, ORDINAL),
    "imputed, log1p": (lambda: make_pipeline(SimpleImputer(), LOG), ONE_HOT),
    "log1p alone": (lambda: LOG, ORDINAL),
    "turned, with indicator": (
        lambda: make_pipeline(SimpleImputer(add_indicator=True), FunctionTransformer(np.negative)),
        ONE_HOT,
    ),
}
TREES = {
    "tree": DecisionTreeClassifier(max_depth=4, random_state=0),
    "random forest": RandomForestClassifier(4, max_depth=4, random_state=0),
    "extra trees": ExtraTreesRegressor(3, max_depth=4, random_state=0),
    "boosted": GradientBoostingClassifier(n_estimators=3, max_depth=2),
    "boosted regressor": GradientBoostingRegressor(n_estimators=3, max_depth=3),
    "histogram boosted": HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=6),
    "poisson": HistGradientBoostingRegressor(loss="poisson", max_iter=3, max_leaf_nodes=6),
}
TAKES_NO_NAN = ("boosted", "boosted regressor")
CASES = [
    (steps, trees, classes)
    for steps in STEPS
    for trees in TREES
    for classes in ((2, 3) if hasattr(TREES[trees], "predict_proba") else (0,))
    if not (trees in TAKES_NO_NAN and steps in ("scaled, ordinal", "log1p alone"))
]


@pytest.fixture(autouse=True, scope="module")
def turned() -> Iterator[None]:
    """Small forests are written as large ones are: with splits turned round."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(likely, "LEAST_SPLITS", 0)
        yield


@cache
def rows() -> tuple[pd.DataFrame, Any]:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 12, 200).astype(np.float32),
            "income": rng.lognormal(3, 1, 200).astype(np.float32),
            "city": rng.choice(["Bern", "Lyon", "Turin", "Graz"], 200),
        }
    )
    score = frame.age / 12 + np.log(frame.income) + frame.city.isin(["Lyon", "Graz"]) * 1.5 + rng.normal(0, 0.3, 200)
    frame.loc[rng.random(200) < 0.15, "age"] = np.nan
    return frame, score.to_numpy()


@cache
def fitted(steps: str, trees: str, classes: int, dtype: InputDtype = "float32") -> tuple[Any, Program, Decisions]:
    frame, score = rows()
    number, category = STEPS[steps]
    columns = make_column_transformer((number(), ["age", "income"]), (category, ["city"]))
    answer = np.array(["a", "b", "c"])[pd.qcut(score, classes, labels=False)] if classes else score
    pipeline = clone(make_pipeline(columns, TREES[trees])).fit(frame, answer)
    lowered = lower(pipeline, frame.head(20), input_dtype=dtype)
    decisions = read(lowered)
    assert decisions is not None
    return pipeline, lowered, decisions


def read(lowered: Program) -> Decisions | None:
    with TemporaryDirectory() as folder:
        artifact = target.emit(optimize(lowered), Path(folder), EmitOptions())
        return target.read_forest(artifact.path, lowered.interface)


@pytest.mark.parametrize(("steps", "trees", "classes"), CASES)
def test_an_emitted_forest_is_proved(steps: str, trees: str, classes: int) -> None:
    _, lowered, decisions = fitted(steps, trees, classes)
    proof = prove(lowered, decisions)
    assert isinstance(proof, Proof), proof
    assert 0 < proof.bound < 1e-12
    assert proof.assumed == (("log1p",) if "log1p" in steps else ())


@pytest.mark.parametrize("trees", ["random forest", "boosted", "histogram boosted"])
def test_float64_inputs_are_proved(trees: str) -> None:
    _, lowered, decisions = fitted("imputed, log1p", trees, 2, "float64")
    assert isinstance(prove(lowered, decisions), Proof)


def mutants(decisions: Decisions) -> Iterator[tuple[str, Decisions]]:
    forest = decisions.forest
    inner = np.flatnonzero(~forest.is_leaf)

    def wrong(**changed: Any) -> Decisions:
        return replace(decisions, forest=replace(forest, **changed))

    def put(array: Any, at: Any, value: Any) -> Any:
        changed = array.copy()
        changed[at] = value
        return changed

    for k in inner[forest.left[inner] != forest.right[inner]]:
        cut = np.float32(forest.threshold[k])
        if not forest.equal[k] and decisions.features[forest.feature[k]].lookup is None:
            for way in (-np.inf, np.inf):
                yield (
                    f"{k} an ulp to {way}",
                    wrong(threshold=put(forest.threshold, k, np.nextafter(cut, np.float32(way)))),
                )
        yield (
            f"{k} turned",
            wrong(left=put(forest.left, k, forest.right[k]), right=put(forest.right, k, forest.left[k])),
        )
        yield f"{k} missing", wrong(nan_left=put(forest.nan_left, k, not forest.nan_left[k]))
        other = (forest.feature[k] + 1) % forest.features
        yield f"{k} on another feature", wrong(feature=put(forest.feature, k, other))
    for k in np.flatnonzero(forest.is_leaf):
        yield f"{k} last bit", wrong(value=put(forest.value, k, np.nextafter(forest.value[k], np.inf)))
    for j, feature in enumerate(decisions.features):
        table = feature.lookup.table if feature.lookup else np.empty((0, 1))
        for a in range(len(table)):
            assert feature.lookup is not None
            lookup = replace(feature.lookup, table=put(table, a, table[a] + 1))
            features = (*decisions.features[:j], replace(feature, lookup=lookup), *decisions.features[j + 1 :])
            yield f"code {a} of feature {j}", replace(decisions, features=features)


def leaves_of(decisions: Decisions, row: Any, lowered: Program) -> Any:
    """`(trees, outputs)` the leaf values that the file's forest adds for a row."""
    columns = row_columns(row, lowered.interface)
    values = []
    for feature in decisions.features:
        i = lowered.interface.inputs[feature.input]
        x = columns[i.name][:, [feature.column]]
        x = x if i.kind == "string" else x.astype(lowered.interface.input_dtype).astype(np.float64)
        values.append(x[:, 0].astype(np.float64) if feature.lookup is None else feature.lookup.run(x)[:, 0])
    forest = decisions.forest
    return forest.value[forest.leaves(np.stack(values, axis=1))[0]]


def server_leaves(lowered: Program, row: Any) -> Any:
    node = next(node for node in lowered.nodes if isinstance(node.op, Forest))
    assert isinstance(node.op, Forest)
    x = lowered.values(row_columns(row, lowered.interface))[node.inputs[0]]
    return node.op.value[node.op.leaves(x)[0]]


SEEDED = [
    ("imputed, scaled, one-hot", "random forest", 2),
    ("scaled, ordinal", "random forest", 3),
    ("imputed, log1p", "boosted", 2),
    ("log1p alone", "histogram boosted", 2),
    ("scaled, ordinal", "histogram boosted", 3),
]


@pytest.mark.parametrize(("steps", "trees", "classes"), SEEDED)
def test_a_mutant_has_a_witness_that_differs_or_changes_nothing(steps: str, trees: str, classes: int) -> None:
    _, lowered, decisions = fitted(steps, trees, classes)
    lead = len(decisions.forest.roots) - len(server_leaves(lowered, a_row(lowered)))
    found: dict[str, list[type]] = {}
    for name, mutant in list(mutants(decisions))[::3]:
        finding = prove(lowered, mutant)
        found.setdefault(name.partition(" ")[2], []).append(type(finding))
        if isinstance(finding, Witness):
            device = leaves_of(mutant, finding.row, lowered)[lead + finding.tree]
            server = server_leaves(lowered, finding.row)[finding.tree]
            server = server[1:] if decisions.link == "complement" else server
            assert (tuple(server), tuple(device)) == (finding.server, finding.device)
            assert finding.server != finding.device, name
        elif isinstance(finding, Proof):
            assert_same_leaves(lowered, mutant, lead)
    for name in ("turned", "an ulp to inf", "an ulp to -inf", "last bit"):
        assert found[name].count(Witness) > len(found[name]) / 2, name


def a_row(lowered: Program) -> dict[str, Any]:
    frame, _ = rows()
    return {i.name: frame[i.name].iloc[0] for i in lowered.interface.inputs}


def assert_same_leaves(lowered: Program, mutant: Decisions, lead: int) -> None:
    """A mutant that was proved must be one that changes nothing, on rows beside every threshold as well."""
    cuts = mutant.forest.threshold.astype(np.float32)
    rng = np.random.default_rng(0)
    for _ in range(30):
        ages = [np.nan, *rng.choice(cuts, 3), *np.nextafter(rng.choice(cuts, 3), np.float32(np.inf))]
        incomes = [np.nan, -2.0, *rng.choice(cuts, 3)]
        cities = ["Bern", "Lyon", "Turin", "Graz", "Rome", None]
        row = {"age": rng.choice(ages), "income": rng.choice(incomes), "city": cities[rng.integers(len(cities))]}
        server = server_leaves(lowered, row)
        server = server[:, 1:] if mutant.link == "complement" else server
        assert np.array_equal(server, leaves_of(mutant, row, lowered)[lead:])


def test_one_wrong_bit_in_the_base_is_no_proof() -> None:
    _, lowered, decisions = fitted("imputed, scaled, one-hot", "boosted regressor", 0)
    forest = decisions.forest
    first = forest.left[forest.roots[0]]
    value = forest.value.copy()
    value[[first, forest.right[forest.roots[0]]]] = np.nextafter(value[first], np.inf)
    finding = prove(lowered, replace(decisions, forest=replace(forest, value=value)))
    assert isinstance(finding, Undecided)


@pytest.mark.parametrize("changed", [{"link": "sigmoid"}, {"tie": "last"}])
def test_another_end_is_no_proof(changed: Any) -> None:
    _, lowered, decisions = fitted("scaled, ordinal", "tree", 2)
    assert isinstance(prove(lowered, replace(decisions, **changed)), Undecided)


def test_another_divisor_or_fewer_trees_are_no_proof() -> None:
    _, lowered, decisions = fitted("scaled, ordinal", "random forest", 2)
    forest = decisions.forest
    for wrong in (replace(forest, divisor=3.0), replace(forest, roots=forest.roots[1:])):
        assert isinstance(prove(lowered, replace(decisions, forest=wrong)), Undecided)


def test_a_file_in_a_circle_is_no_proof() -> None:
    _, lowered, decisions = fitted("scaled, ordinal", "tree", 2)
    forest = decisions.forest
    left = forest.left.copy()
    left[forest.roots[0]] = forest.roots[0]
    assert isinstance(prove(lowered, replace(decisions, forest=replace(forest, left=left))), Undecided)


def test_a_file_that_is_more_than_a_forest_is_not_read() -> None:
    frame, score = rows()
    frame = frame[["income"]].assign(square=frame.income**2)
    linear = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, score > 6)
    assert read(lower(linear, frame.head(5))) is None
    # the fill stands for log1p's NaN here: the runtime computes log1p itself
    filled = make_pipeline(LOG, SimpleImputer(), RandomForestRegressor(2, max_depth=3)).fit(frame, score)
    assert read(lower(filled, frame.head(5))) is None


def test_a_forest_behind_a_function_that_turns_is_not_proved() -> None:
    frame, score = rows()
    frame = frame[["age", "income"]]
    pipeline = make_pipeline(FunctionTransformer(np.square), RandomForestRegressor(2, max_depth=3)).fit(frame, score)
    lowered = lower(pipeline, frame.head(5))
    decisions = read(lowered)
    assert decisions is None or isinstance(prove(lowered, decisions), Undecided)


def test_verdicts_are_proved_or_failed_only_where_they_were_measured(tmp_path: Path) -> None:
    pipeline, lowered, decisions = fitted("scaled, ordinal", "random forest", 2)
    artifact = target.emit(optimize(lowered), tmp_path, EmitOptions())
    reference = Reference(estimator=pipeline, interface=lowered.interface, none_columns=lowered.none_columns)
    given = [Verdict(target="onnx", runtime="r", status=status) for status in ("measured", "failed", "not run")]
    proved, *others = prove_files(given, lowered, reference, {"onnx": (target, artifact.path)})
    assert proved.status == "proved"
    assert "lowered from scikit-learn" in proved.reason
    assert "\n" not in proved.reason
    assert list(others) == given[1:]
    turned = replace(decisions.forest, left=decisions.forest.right, right=decisions.forest.left)
    finding = prove(lowered, replace(decisions, forest=turned))
    (failed,) = with_proofs(given[:1], {"onnx": finding})
    assert isinstance(finding, Witness)
    assert failed.status == "failed"
    assert failed.worst_rows[0]["row"] == finding.row


def test_labels_that_a_policy_lets_change_are_measured_never_proved(tmp_path: Path) -> None:
    """A runtime that does not do what its operators say: the file is right, and answers are not."""
    pipeline, lowered, _ = fitted("scaled, ordinal", "random forest", 2)
    artifact = target.emit(optimize(lowered), tmp_path, EmitOptions())
    reference = Reference(estimator=pipeline, interface=lowered.interface, none_columns=lowered.none_columns)
    runner = target.open(artifact.path, lowered.interface)

    class Broken:
        runtime = "broken 1.26.0"

        def run(self, columns: Any) -> Any:
            answers = runner.run(columns)
            label = answers["label"].copy()
            for k in range(1, min(4, len(label))):  # the first row is asked alone, too
                label[k] = next(c for c in lowered.interface.classes or () if c != label[k])
            return {**answers, "label": label}

    cases = make_cases(lowered, budget_rows=300)
    files = {"onnx": (target, artifact.path)}
    for allowed, status in ((0, "failed"), (10, "measured")):
        tolerance = Tolerance(label_changes=allowed)
        verdicts = run_parity(reference, {"onnx": Broken()}, cases, tolerance=tolerance)
        assert verdicts[0].label_changes
        assert prove_files(verdicts, lowered, reference, files)[0].status == status
    sound = run_parity(reference, {"onnx": runner}, cases, tolerance=Tolerance(label_changes=10))
    assert prove_files(sound, lowered, reference, files)[0].status == "proved"


def test_a_target_that_reads_nothing_back_stays_measured() -> None:
    pipeline, lowered, _ = fitted("scaled, ordinal", "tree", 2)
    reference = Reference(estimator=pipeline, interface=lowered.interface)
    given = (Verdict(target="other", runtime="r", status="measured"),)
    assert prove_files(given, lowered, reference, {"other": (object(), Path("x"))}) == given  # type: ignore[dict-item]


@pytest.mark.parametrize(("steps", "trees", "classes"), SEEDED[:2])
def test_a_wrong_program_is_found_in_the_file_that_it_becomes(
    steps: str, trees: str, classes: int, tmp_path: Path
) -> None:
    pipeline, lowered, _ = fitted(steps, trees, classes)
    reference = Reference(estimator=pipeline, interface=lowered.interface, none_columns=lowered.none_columns)
    folded = optimize(lowered)
    seen = 0
    at, forest = next((k, node.op) for k, node in enumerate(folded.nodes) if isinstance(node.op, Forest))
    for k in np.flatnonzero(~forest.is_leaf)[::4]:
        left, right = forest.left.copy(), forest.right.copy()
        left[k], right[k] = right[k], left[k]
        wrong = replace(folded.nodes[at], op=replace(forest, left=left, right=right))
        program = replace(folded, nodes=(*folded.nodes[:at], wrong, *folded.nodes[at + 1 :]))
        artifact = target.emit(program, tmp_path, EmitOptions())
        decisions = target.read_forest(artifact.path, lowered.interface)
        assert decisions is not None
        finding = prove(lowered, decisions)
        if isinstance(finding, Witness):
            columns = row_columns(finding.row, lowered.interface)
            answer = target.open(artifact.path, lowered.interface).run(columns)["probabilities"]
            assert np.abs(answer - reference.predict(columns)["probabilities"]).max() > 1e-6
            seen += 1
    assert seen > 5


def doubles_the_sums(model: Any) -> None:
    ensemble = next(node for node in model.graph.node if node.op_type == "TreeEnsemble")
    next(a for a in ensemble.attribute if a.name == "aggregate_function").i = 2


def adds_a_step(model: Any) -> None:
    node = next(node for node in model.graph.node if node.op_type == "Cast")
    model.graph.node.append(helper.make_node("Neg", [node.output[0]], ["negated"]))
    next(n for n in model.graph.node if n.op_type == "Concat").input[0] = "negated"


def renames_a_class(model: Any) -> None:
    next(t for t in model.graph.initializer if t.string_data or t.data_type == TensorProto.STRING).string_data[0] = b"z"


@pytest.mark.parametrize("change", [doubles_the_sums, adds_a_step, renames_a_class])
def test_a_graph_with_anything_unknown_in_it_is_not_read(change: Any, tmp_path: Path) -> None:
    _, lowered, _ = fitted("scaled, ordinal", "random forest", 2)
    path = target.emit(optimize(lowered), tmp_path, EmitOptions()).path
    model = onnx.load(path)
    change(model)
    onnx.save(model, path)
    assert target.read_forest(path, lowered.interface) is None
