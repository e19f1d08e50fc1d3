"""Every rule of the linter finds the fault that it is for, and no other rule does."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from edgepack.contract import EmitOptions, Interface
from edgepack.lower import lower
from edgepack.passes import optimize
from edgepack_coreml import target
from edgepack_coreml.lint import RULES, findings
from edgepack_coreml.proto import messages

R = np.random.default_rng(0)
FRAME = pd.DataFrame({"age": R.normal(40, 12, 300), "fare": R.lognormal(3, 1, 300)})
FRAME["city"] = pd.Series(R.choice(["oslo", "rome", "café"], 300), dtype=object)
FRAME.loc[::9, "age"] = np.nan
THREE = np.select([FRAME["fare"] > 30, FRAME["city"] == "rome"], ["high", "mid"], "low")
CODES = make_pipeline(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), SimpleImputer())


def mixed(strings: Any) -> ColumnTransformer:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return ColumnTransformer([("n", numbers, ["age", "fare"]), ("s", strings, ["city"])])


HOT = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
MODELS: dict[str, tuple[Any, Any]] = {
    "classes": (make_pipeline(mixed(HOT), LogisticRegression()), THREE),
    "value": (make_pipeline(mixed(HOT), Ridge()), FRAME["fare"]),
    "forest": (make_pipeline(mixed(CODES), RandomForestClassifier(3, max_depth=3, random_state=0)), THREE),
    "trees": (make_pipeline(mixed(CODES), RandomForestRegressor(3, max_depth=3, random_state=0)), FRAME["fare"]),
    "normal": (make_pipeline(mixed(HOT), GaussianNB()), THREE),
    "program": (
        make_pipeline(mixed(HOT), RBFSampler(gamma=0.1, n_components=30, random_state=0), LogisticRegression()),
        THREE,
    ),
    "waves": (
        make_pipeline(mixed(HOT), RBFSampler(gamma=0.1, n_components=30, random_state=0), Ridge()),
        FRAME["fare"],
    ),
}


@dataclass(frozen=True, slots=True)
class Emitted:
    """A file, its model as a message, and its interface."""

    path: Path
    model: Any
    interface: Interface

    @property
    def stages(self) -> Any:
        kind = self.model.WhichOneof("Type")
        return (self.model.pipeline if kind == "pipeline" else getattr(self.model, kind).pipeline).models

    def stage(self, kind: str, nth: int = 0) -> Any:
        return [s for s in self.stages if s.WhichOneof("Type") == kind][nth]

    def of(self, kind: str, nth: int = 0) -> Any:
        return getattr(self.stage(kind, nth), kind)


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Interface]]:
    """Every model, written once."""
    written = {}
    for name, (model, wanted) in MODELS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = optimize(lower(model.fit(FRAME, wanted), FRAME, fallback=False))
        artifact = target.emit(program, tmp_path_factory.mktemp(name.replace(" ", "-")), EmitOptions(name="m"))
        written[name] = (artifact.path, program.interface)
    return written


SPECIFICATION = "Data/com.apple.CoreML/model.mlmodel"


def copied(source: tuple[Path, Interface], into: Path) -> Emitted:
    path, interface = source
    copy = into / path.name
    if path.is_dir():
        shutil.copytree(path, copy)
    else:
        shutil.copy(path, copy)
    file = copy / SPECIFICATION if copy.is_dir() else copy
    return Emitted(copy, messages().Model.FromString(file.read_bytes()), interface)


def linted(m: Emitted) -> list[tuple[str, Any]]:
    """The findings after the message has been written back."""
    file = m.path / SPECIFICATION if m.path.is_dir() else m.path
    file.write_bytes(m.model.SerializeToString())
    return findings(m.path, m.interface)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_written_lints_clean(emitted: Any, name: str, tmp_path: Path) -> None:
    assert linted(copied(emitted[name], tmp_path)) == []
    assert target.lint(*emitted[name]) == []


def test_the_models_here_have_every_kind_of_stage(emitted: Any, tmp_path: Path) -> None:
    kinds = set()
    for k, source in enumerate(emitted.values()):
        (tmp_path / str(k)).mkdir()
        m = copied(source, tmp_path / str(k))
        kinds |= {m.model.WhichOneof("Type"), *(s.WhichOneof("Type") for s in m.stages)}
    assert kinds >= {
        "arrayFeatureExtractor", "categoricalMapping", "featureVectorizer", "glmClassifier", "glmRegressor", "imputer",
        "mlProgram", "neuralNetwork", "oneHotEncoder", "pipeline", "pipelineClassifier", "pipelineRegressor", "scaler",
        "supportVectorRegressor", "treeEnsembleClassifier", "treeEnsembleRegressor",
    }  # fmt: skip


def main_of(m: Emitted) -> Any:
    function = m.of("mlProgram").functions["main"]
    return function, function.block_specializations[function.opset]


def swap_prediction(m: Emitted) -> None:
    """The pipeline and its last stage agree on a prediction that is no output."""
    m.model.description.predictedFeatureName = m.stages[-1].description.predictedFeatureName = "nobody"


def swap_probabilities(m: Emitted) -> None:
    m.stages[-1].description.predictedProbabilitiesName = "nobody"


def double_prediction(m: Emitted) -> None:
    """A regressor that predicts text, in the pipeline too."""
    for model in (m.model, m.stages[-1]):
        model.description.output[0].type.stringType.SetInParent()


def integer_keys(m: Emitted) -> None:
    for model in (m.model, m.stages[-1]):
        model.description.output[1].type.dictionaryType.int64KeyType.SetInParent()


def shared_child(m: Emitted) -> None:
    nodes = m.of("treeEnsembleClassifier").treeEnsemble.nodes
    branch = next(n for n in nodes if n.nodeBehavior != 6)
    branch.trueChildNodeId = branch.falseChildNodeId


def own_child(m: Emitted) -> None:
    """A branch below itself: no node is without a parent."""
    nodes = m.of("treeEnsembleClassifier").treeEnsemble.nodes
    branch = next(n for n in nodes if n.nodeBehavior != 6)
    branch.trueChildNodeId = branch.nodeId


def lost_child(m: Emitted) -> None:
    branch = next(n for n in m.of("treeEnsembleRegressor").treeEnsemble.nodes if n.nodeBehavior != 6)
    branch.falseChildNodeId = 99_999


def twin(m: Emitted) -> None:
    nodes = m.of("treeEnsembleRegressor").treeEnsemble.nodes
    nodes[1].nodeId = nodes[0].nodeId


def beyond_answers(m: Emitted) -> None:
    leaf = next(n for n in m.of("treeEnsembleClassifier").treeEnsemble.nodes if n.nodeBehavior == 6)
    leaf.evaluationInfo[0].evaluationIndex = 3


def fewer_answers(m: Emitted) -> None:
    ensemble = m.of("treeEnsembleClassifier").treeEnsemble
    ensemble.numPredictionDimensions = 4
    ensemble.basePredictionValue.append(0.0)


def beyond_features(m: Emitted) -> None:
    branch = next(n for n in m.of("treeEnsembleClassifier").treeEnsemble.nodes if n.nodeBehavior != 6)
    branch.branchFeatureIndex = 7


def extra_row(m: Emitted) -> None:
    glm = m.of("glmClassifier")
    glm.weights.add(value=list(glm.weights[0].value))
    glm.offset.append(0.0)


def later_operation(m: Emitted) -> None:
    _, block = main_of(m)
    next(op for op in block.operations if op.type != "const").type = "scaled_dot_product_attention"


def other_input(m: Emitted) -> None:
    function, _ = main_of(m)
    function.inputs[0].type.tensorType.dimensions[0].constant.size += 1


def wider_output(m: Emitted) -> None:
    """The description of program and pipeline and the manifest agree; the function gives another type."""
    for model in (m.model, m.stages[-1]):
        model.description.output[0].type.multiArrayType.dataType = 65600


def far_weights(m: Emitted) -> None:
    _, block = main_of(m)
    values = [v for op in block.operations for v in op.attributes.values() if v.WhichOneof("value") == "blobFileValue"]
    values[-1].blobFileValue.offset += 1 << 20


def told_classes(m: Emitted) -> None:
    m.model.description.metadata.userDefined["edgepack.classes"] = json.dumps(["a", "b", "c"])


def renamed_input(m: Emitted) -> None:
    """The pipeline and its stages agree on another name."""
    for model in (m.model, *m.stages):
        for feature in model.description.input:
            if feature.name == "fare":
                feature.name = "price"
        if model.WhichOneof("Type") == "featureVectorizer":
            for column in model.featureVectorizer.inputList:
                column.inputColumn = column.inputColumn.replace("fare", "price")


def made_again(m: Emitted) -> None:
    """The last stage but one stands there twice."""
    stages = [messages().Model.FromString(s.SerializeToString()) for s in m.stages]
    del m.stages[:]
    m.stages.extend([*stages[:-1], stages[-2], stages[-1]])


def first_last(m: Emitted) -> None:
    """A scaler behind the classifier."""
    scaler = m.stage("scaler")
    again = m.stages.add()
    again.CopyFrom(scaler)
    again.description.output[0].name = "late"


def wrong_kind(m: Emitted) -> None:
    """A regressor's text for a number, between two stages."""
    m.stage("scaler").description.input[0].type.multiArrayType.dataType = 65568


def no_data_type(m: Emitted) -> None:
    """The array between two stages is of no type, in both."""
    name = m.stage("scaler").description.output[0].name
    for stage in m.stages:
        for feature in [*stage.description.input, *stage.description.output]:
            if feature.name == name:
                feature.type.multiArrayType.dataType = 0


def optional_to_all(m: Emitted) -> None:
    """A number that a vectorizer takes is optional, in every description."""
    for model in (m.model, *m.stages):
        for feature in model.description.input:
            if feature.name == "age":
                feature.type.isOptional = True


def set_in(kind: str, change: Callable[[Any], Any], nth: int = 0) -> Callable[[Emitted], Any]:
    return lambda m: change(m.of(kind, nth))


MUTANTS: list[tuple[str, str, Callable[[Emitted], Any]]] = [
    ("feature names", "classes", lambda m: m.model.description.output.add().CopyFrom(m.model.description.output[0])),
    ("feature types", "normal", no_data_type),
    ("descriptions", "classes", lambda m: setattr(m.model.description.input[1], "shortDescription", "")),
    ("descriptions", "value", lambda m: setattr(m.model.description.metadata, "shortDescription", "")),
    ("optional features", "classes", optional_to_all),
    ("optional features", "forest", lambda m: setattr(m.model.description.input[0].type, "isOptional", False)),
    ("optional features", "forest", lambda m: setattr(m.model.description.output[0].type, "isOptional", True)),
    ("optional features", "forest", lambda m: setattr(m.model.description.input[2].type, "isOptional", True)),
    ("flow between stages", "normal", wrong_kind),
    ("features made once", "classes", made_again),
    ("the last stage", "normal", first_last),
    ("predicted feature", "classes", swap_prediction),
    ("predicted feature", "value", double_prediction),
    ("predicted probabilities", "classes", swap_probabilities),
    ("predicted probabilities", "forest", integer_keys),
    ("labels", "classes", set_in("glmClassifier", lambda s: s.stringClassLabels.vector.__setitem__(0, "mid"))),
    ("labels", "forest", set_in("treeEnsembleClassifier", lambda s: s.stringClassLabels.vector.__setitem__(0, "x"))),
    ("rows of linear models", "classes", extra_row),
    ("rows of linear models", "classes", set_in("glmClassifier", lambda s: s.offset.append(1.0))),
    ("rows of linear models", "value", set_in("glmRegressor", lambda s: s.weights.add(value=list(s.weights[0].value)))),
    ("weights of linear models", "classes", set_in("glmClassifier", lambda s: s.weights[1].value.append(1.0))),
    ("tree structure", "forest", shared_child),
    ("tree structure", "forest", own_child),
    ("tree structure", "trees", lost_child),
    ("tree structure", "trees", twin),
    ("tree leaves", "forest", beyond_answers),
    (
        "tree leaves",
        "trees",
        set_in("treeEnsembleRegressor", lambda s: s.treeEnsemble.basePredictionValue.append(0.0)),
    ),
    ("tree answers", "forest", fewer_answers),
    ("tree features", "forest", beyond_features),
    (
        "vectorizer widths",
        "classes",
        set_in("featureVectorizer", lambda s: setattr(s.inputList[0], "inputDimensions", 9)),
    ),
    (
        "vectorizer widths",
        "classes",
        set_in("featureVectorizer", lambda s: setattr(s.inputList[0], "inputColumn", "no")),
    ),
    ("extracted indices", "normal", set_in("arrayFeatureExtractor", lambda s: s.extractIndex.__setitem__(0, 99))),
    ("extracted indices", "normal", set_in("arrayFeatureExtractor", lambda s: s.extractIndex.append(0))),
    ("scaler widths", "normal", set_in("scaler", lambda s: s.shiftValue.extend([1.0] * 11))),
    ("imputer widths", "classes", set_in("imputer", lambda s: s.ClearField("replaceDoubleValue"))),
    ("imputer widths", "classes", set_in("imputer", lambda s: s.imputedDoubleArray.vector.extend([1.0, 2.0, 3.0]))),
    ("encoder categories", "classes", set_in("oneHotEncoder", lambda s: s.stringCategories.vector.append("more"))),
    (
        "encoder categories",
        "classes",
        set_in("oneHotEncoder", lambda s: s.stringCategories.vector.__setitem__(0, s.stringCategories.vector[1])),
    ),
    ("unknown categories", "forest", set_in("categoricalMapping", lambda s: s.ClearField("int64Value"))),
    ("support vectors", "normal", set_in("supportVectorRegressor", lambda s: s.coefficients.alpha.append(1.0))),
    (
        "support vectors",
        "normal",
        set_in("supportVectorRegressor", lambda s: s.denseSupportVectors.vectors[1].values.append(1.0)),
    ),
    ("finite parameters", "value", set_in("glmRegressor", lambda s: s.weights[0].value.__setitem__(0, np.nan))),
    ("finite parameters", "normal", set_in("supportVectorRegressor", lambda s: setattr(s, "rho", np.inf))),
    ("specification version", "program", lambda m: setattr(m.model, "specificationVersion", 5)),
    ("specification version", "program", lambda m: setattr(m.stage("neuralNetwork"), "specificationVersion", 3)),
    ("opset", "program", later_operation),
    ("program description", "program", other_input),
    ("program description", "waves", wider_output),
    ("weights file", "program", far_weights),
    ("own metadata", "classes", told_classes),
    ("own metadata", "value", lambda m: m.model.description.metadata.userDefined.pop("edgepack.inputs")),
    ("manifest inputs", "classes", renamed_input),
]


@pytest.mark.parametrize(
    ("rule", "name", "change"), MUTANTS, ids=[f"{r}, {n} {k}" for k, (r, n, _) in enumerate(MUTANTS)]
)
def test_a_fault_is_found_by_its_rule_alone(
    emitted: Any, tmp_path: Path, rule: str, name: str, change: Callable[[Emitted], Any]
) -> None:
    m = copied(emitted[name], tmp_path)
    change(m)
    found = linted(m)
    assert {r for r, _ in found} == {rule}, [str(p) for _, p in found]
    for _, problem in found:
        assert problem.step.startswith(m.path.name)
        assert problem.reason and problem.remedy
        assert "\n" not in str(problem)


def test_every_rule_has_a_mutant() -> None:
    assert {rule for rule, _, _ in MUTANTS} | {"manifest outputs"} == set(RULES)


@pytest.mark.parametrize("change", [{"outputs": ("value",), "value_width": 2, "classes": None}, {"value_width": 2}])
def test_another_manifests_outputs_are_found(emitted: Any, tmp_path: Path, change: Any) -> None:
    path, interface = emitted["value"]
    assert {r for r, _ in findings(path, replace(interface, **change))} == {"manifest outputs"}
    path, interface = emitted["classes"]
    model = copied((path, interface), tmp_path)
    for part in (model.model, model.stages[-1]):
        part.description.predictedProbabilitiesName = ""
    assert {r for r, _ in linted(model)} == {"manifest outputs"}


def test_a_path_leads_to_the_fault(emitted: Any, tmp_path: Path) -> None:
    m = copied(emitted["classes"], tmp_path)
    m.of("glmClassifier").weights[1].value.append(1.0)
    ((_, problem),) = linted(m)
    place = len(m.stages) - 1
    assert problem.step == f"M.mlmodel: pipelineClassifier.pipeline.models[{place}].glmClassifier.weights[1]"
    assert problem.reason == "6 weights for inputs of 5 numbers"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda p: (p / "Manifest.json").write_text("{}"), "Manifest.json"),
        (lambda p: (p / "Data/com.apple.CoreML/weights/weight.bin").unlink(), "operations"),
        (lambda p: (p / "Data/extra").write_text("?"), "Data/extra"),
        (lambda p: (p / SPECIFICATION).write_bytes(b"\xff\xff\xff"), "is not a Core ML model"),
        (lambda p: (p / SPECIFICATION).write_bytes(b""), "holds no model"),
        (lambda p: (p / SPECIFICATION).unlink(), "Manifest.json"),
    ],
)
def test_a_package_in_pieces(emitted: Any, tmp_path: Path, spoil: Callable[[Path], Any], told: str) -> None:
    m = copied(emitted["program"], tmp_path)
    spoil(m.path)
    problems = target.lint(m.path, m.interface)
    assert problems and told in str(problems[0])
