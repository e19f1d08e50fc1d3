"""The evaluator refuses what it does not know, and notices what was changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepack.contract import Input
from edgepack.errors import EdgepackError
from edgepack.ir import Program
from edgepack.ir.ops import (
    Affine,
    ArgMax,
    Concat,
    Forest,
    Impute,
    Label,
    Linear,
    Lookup,
    OneHot,
    Softmax,
)
from edgepack_coreml import target
from edgepack_coreml.evaluate import Evaluator, load
from edgepack_coreml.proto import messages

Make = Callable[..., Any]
NAN = float("nan")
CLASSES = ("x", "y", "z")


@pytest.fixture
def forest_program(program: Make) -> Program:
    leaf = np.array([False, True, False, True, True])
    forest = Forest(
        feature=np.array([0, 0, 1, 0, 0]),
        threshold=np.array([0.3, 0, 1.0, 0, 0]),
        equal=np.array([False, False, True, False, False]),
        nan_left=np.array([True, False, False, False, False]),
        left=np.array([1, -1, 3, -1, -1]),
        right=np.array([2, -1, 4, -1, -1]),
        value=np.where(
            leaf[:, None], np.array([[0.0] * 3, [0.5, 0.3, 0.2], [0.0] * 3, [0, 0.9, 0.1], [0.1, 0, 0.9]]), 0
        ),
        roots=np.array([0]),
        base=np.zeros(3),
        divisor=1.0,
        features=2,
        compare="float32",
    )
    codes = Lookup(keys=np.array(["a", "b"], object), table=np.array([[0.0], [1.0], [2.0], [3.0]]))
    chain = [
        ("c", codes, ["i1"]),
        ("x", Concat(), ["i0", "c"]),
        ("p", forest, ["x"]),
        ("k", ArgMax(), ["p"]),
        ("l", Label(classes=np.array(CLASSES)), ["k"]),
    ]
    inputs = [Input(name="age", kind="number"), Input(name="city", kind="string")]
    return program(inputs, chain, {"label": "l", "probabilities": "p"}, CLASSES)


@pytest.fixture
def linear_program(program: Make) -> Program:
    codes = Lookup(keys=np.array(["a", "b"], object), table=np.array([[0.0], [1.0], [-1.0], [-1.0]]))
    rng = np.random.default_rng(3)
    chain = [
        ("n", Concat(), ["i0", "i1"]),
        ("f", Impute(fill=np.array([0.5, -0.5]), sentinel=NAN), ["n"]),
        ("a", Affine(center=np.array([0.1, 0.2]), divisor=np.array([3.0, 0.3])), ["f"]),
        ("c", codes, ["i2"]),
        ("h", OneHot(size=2), ["c"]),
        ("x", Concat(), ["a", "h"]),
        ("s", Linear(coef=rng.normal(size=(3, 4)), intercept=rng.normal(size=3)), ["x"]),
        ("p", Softmax(), ["s"]),
        ("k", ArgMax(), ["s"]),
        ("l", Label(classes=np.array(CLASSES)), ["k"]),
    ]
    inputs = [*(Input(name=n, kind="number") for n in ("age", "fare")), Input(name="city", kind="string")]
    return program(inputs, chain, {"label": "l", "probabilities": "p"}, CLASSES)


def stage(model: Any, kind: str) -> Any:
    models = model.pipelineClassifier.pipeline.models
    return next(m for m in models if m.WhichOneof("Type") == kind)


def nodes(model: Any) -> Any:
    return stage(model, "treeEnsembleClassifier").treeEnsembleClassifier.treeEnsemble.nodes


def swap(values: Any, i: int, j: int) -> None:
    values[i], values[j] = values[j], values[i]


def threshold_up(m: Any) -> None:
    """One float32 ulp."""
    t = np.float32(nodes(m)[0].branchFeatureValue)
    nodes(m)[0].branchFeatureValue = float(np.nextafter(t, np.float32(1))) + 1e-9


def threshold_down(m: Any) -> None:
    nodes(m)[0].branchFeatureValue = float(np.nextafter(np.float32(0.3), np.float32(0))) - 1e-8


def children(m: Any) -> None:
    node = nodes(m)[0]
    node.trueChildNodeId, node.falseChildNodeId = node.falseChildNodeId, node.trueChildNodeId


def missing(m: Any) -> None:
    nodes(m)[0].missingValueTracksTrueChild = False


def behavior(m: Any) -> None:
    nodes(m)[2].nodeBehavior = 5


def leaf_index(m: Any) -> None:
    nodes(m)[3].evaluationInfo[0].evaluationIndex = 0


def base(m: Any) -> None:
    stage(m, "treeEnsembleClassifier").treeEnsembleClassifier.treeEnsemble.basePredictionValue[1] = 1e-9


def labels(m: Any) -> None:
    swap(stage(m, "treeEnsembleClassifier").treeEnsembleClassifier.stringClassLabels.vector, 0, 1)


def unknown_code(m: Any) -> None:
    stage(m, "categoricalMapping").categoricalMapping.int64Value = 1


def known_code(m: Any) -> None:
    stage(m, "categoricalMapping").categoricalMapping.stringToInt64Map.map["b"] = 0


FOREST_MUTANTS = [
    threshold_up, threshold_down, children, missing, behavior, leaf_index, base, labels, unknown_code, known_code,
]  # fmt: skip


def category_order(m: Any) -> None:
    swap(stage(m, "oneHotEncoder").oneHotEncoder.stringCategories.vector, 0, 1)


def scaler_shift(m: Any) -> None:
    stage(m, "scaler").scaler.shiftValue[1] += 1e-9


def scaler_scale(m: Any) -> None:
    swap(stage(m, "scaler").scaler.scaleValue, 0, 1)


def imputed(m: Any) -> None:
    swap(stage(m, "imputer").imputer.imputedDoubleArray.vector, 0, 1)


def glm_rows(m: Any) -> None:
    weights = stage(m, "glmClassifier").glmClassifier.weights
    first = list(weights[0].value)
    weights[0].value[:] = weights[1].value
    weights[1].value[:] = first


def glm_weight(m: Any) -> None:
    stage(m, "glmClassifier").glmClassifier.weights[0].value[0] += 1e-9


def glm_offset(m: Any) -> None:
    stage(m, "glmClassifier").glmClassifier.offset[0] += 1e-9


def glm_labels(m: Any) -> None:
    swap(stage(m, "glmClassifier").glmClassifier.stringClassLabels.vector, 0, 2)


def vector_order(m: Any) -> None:
    columns = stage(m, "featureVectorizer").featureVectorizer.inputList
    columns[0].inputColumn, columns[1].inputColumn = columns[1].inputColumn, columns[0].inputColumn


LINEAR_MUTANTS = [
    category_order, scaler_shift, scaler_scale, imputed, glm_rows, glm_weight, glm_offset, glm_labels, vector_order,
]  # fmt: skip


def differs(program: Program, path: Path, rows: Any) -> bool:
    wanted, got = program.run(rows), target.open(path, program.interface).run(rows)
    far = not np.allclose(wanted["probabilities"], got["probabilities"], rtol=1e-12, atol=1e-12)
    return far or bool((wanted["label"] != got["label"]).any())


@pytest.mark.parametrize("mutate", [*FOREST_MUTANTS, *LINEAR_MUTANTS], ids=lambda f: f.__name__)
def test_a_mutant_is_noticed(
    forest_program: Program, linear_program: Program, save: Make, columns: Make, tmp_path: Path, mutate: Any
) -> None:
    program = forest_program if mutate in FOREST_MUTANTS else linear_program
    rows = columns(program, extra=[0.3])
    path = save(program)
    assert not differs(program, path, rows)
    model = messages().Model.FromString(path.read_bytes())
    mutate(model)
    path.write_bytes(model.SerializeToString())
    assert differs(program, path, rows)


def relative_hit_rate(m: Any) -> None:
    nodes(m)[0].relativeHitRate = 0.5


def set_kind(m: Any) -> None:
    stage(m, "categoricalMapping").normalizer.SetInParent()


def two_parents(m: Any) -> None:
    nodes(m)[0].trueChildNodeId = 4


def no_child(m: Any) -> None:
    nodes(m)[0].trueChildNodeId = 99


def cycle(m: Any) -> None:
    nodes(m)[2].trueChildNodeId = 0


def twice(m: Any) -> None:
    nodes(m)[4].nodeId = 3


def nan_threshold(m: Any) -> None:
    nodes(m)[0].branchFeatureValue = NAN


def empty_leaf(m: Any) -> None:
    del nodes(m)[1].evaluationInfo[:]


def leaf_out_of_range(m: Any) -> None:
    nodes(m)[1].evaluationInfo[0].evaluationIndex = 3


def softmax_with_reference(m: Any) -> None:
    stage(m, "treeEnsembleClassifier").treeEnsembleClassifier.postEvaluationTransform = 3


def feature_out_of_range(m: Any) -> None:
    nodes(m)[0].branchFeatureIndex = 2


def one_label_less(m: Any) -> None:
    del stage(m, "treeEnsembleClassifier").treeEnsembleClassifier.stringClassLabels.vector[2]


def labels_of_another_type(m: Any) -> None:
    stage(m, "treeEnsembleClassifier").treeEnsembleClassifier.int64ClassLabels.vector.extend([1, 2, 3])


def no_value_on_unknown(m: Any) -> None:
    stage(m, "categoricalMapping").categoricalMapping.ClearField("int64Value")


def optional_input(m: Any) -> None:
    m.description.input[0].type.isOptional = True


def updatable(m: Any) -> None:
    m.isUpdatable = True


def version(m: Any) -> None:
    m.specificationVersion = 99


def unknown_field(m: Any) -> None:
    m.MergeFromString(b"\x98\x3f\x01")


def unknown_field_in_a_node(m: Any) -> None:
    nodes(m)[0].MergeFromString(b"\x98\x3f\x01")


def stage_type(m: Any) -> None:
    stage(m, "treeEnsembleClassifier").description.input[0].type.stringType.SetInParent()


def output_nobody_makes(m: Any) -> None:
    m.description.output[0].name = "other"


def no_prediction(m: Any) -> None:
    m.description.predictedFeatureName = ""


def error_on_unknown(m: Any) -> None:
    stage(m, "oneHotEncoder").oneHotEncoder.handleUnknown = 0


def sparse(m: Any) -> None:
    stage(m, "oneHotEncoder").oneHotEncoder.outputSparse = True


def probit(m: Any) -> None:
    stage(m, "glmClassifier").glmClassifier.postEvaluationTransform = 1


def a_row_more(m: Any) -> None:
    glm = stage(m, "glmClassifier").glmClassifier
    glm.weights.add(value=list(glm.weights[0].value))
    glm.offset.append(0.0)


def a_weight_less(m: Any) -> None:
    for row in stage(m, "glmClassifier").glmClassifier.weights:
        del row.value[-1]


def scales(m: Any) -> None:
    stage(m, "scaler").scaler.scaleValue.append(1.0)


def imputed_width(m: Any) -> None:
    stage(m, "imputer").imputer.imputedDoubleArray.vector.append(1.0)


def vector_width(m: Any) -> None:
    stage(m, "featureVectorizer").featureVectorizer.inputList[0].inputDimensions = 2


def float32_array(m: Any) -> None:
    stage(m, "scaler").description.output[0].type.multiArrayType.dataType = 65568


def declared_width(m: Any) -> None:
    stage(m, "oneHotEncoder").description.output[0].type.multiArrayType.shape[0] = 3


FOREST_UNKNOWN = [
    set_kind, two_parents, no_child, cycle, twice, nan_threshold, empty_leaf, leaf_out_of_range,
    softmax_with_reference, feature_out_of_range, one_label_less, labels_of_another_type, no_value_on_unknown,
    optional_input, updatable, version, unknown_field, unknown_field_in_a_node, stage_type,
    output_nobody_makes, no_prediction,
]  # fmt: skip
LINEAR_UNKNOWN = [
    error_on_unknown, sparse, probit, a_row_more, a_weight_less, scales, imputed_width, vector_width, float32_array,
    declared_width,
]  # fmt: skip


@pytest.mark.parametrize("spoil", [*FOREST_UNKNOWN, *LINEAR_UNKNOWN], ids=lambda f: f.__name__)
def test_what_is_not_known_is_refused(
    forest_program: Program, linear_program: Program, save: Make, columns: Make, spoil: Any
) -> None:
    program = forest_program if spoil in FOREST_UNKNOWN else linear_program
    rows = columns(program)
    path = save(program)
    model = messages().Model.FromString(path.read_bytes())
    spoil(model)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(EdgepackError) as caught:
        target.open(path, program.interface).run(rows)
    assert "\n" not in str(caught.value)


def test_hit_rates_change_nothing(forest_program: Program, save: Make, columns: Make) -> None:
    path = save(forest_program)
    model = messages().Model.FromString(path.read_bytes())
    relative_hit_rate(model)
    path.write_bytes(model.SerializeToString())
    assert not differs(forest_program, path, columns(forest_program))


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "x.mlmodel"
    path.write_bytes(b"\xff\xff")
    with pytest.raises(EdgepackError, match=r"x\.mlmodel: is not a Core ML model"):
        load(path)


def test_the_runtime_says_that_it_is_not_apples(forest_program: Program, save: Make) -> None:
    runner = target.open(save(forest_program), forest_program.interface)
    assert runner.runtime == "Core ML reference evaluator (not Apple's framework)"


@pytest.mark.parametrize(
    ("behavior", "expected"),
    [(0, [1, 1, 0]), (1, [1, 0, 0]), (2, [0, 1, 1]), (3, [0, 0, 1]), (4, [0, 1, 0]), (5, [1, 0, 1])],
)
@pytest.mark.parametrize("nan_true", [True, False])
def test_every_question_of_a_branch(behavior: int, expected: list[int], nan_true: bool) -> None:
    model = messages().Model(specificationVersion=1)
    model.description.input.add(name="x").type.doubleType.SetInParent()
    model.description.output.add(name="y").type.doubleType.SetInParent()
    model.description.predictedFeatureName = "y"
    trees = model.treeEnsembleRegressor.treeEnsemble
    trees.numPredictionDimensions = 1
    trees.nodes.add(
        nodeBehavior=behavior,
        branchFeatureValue=2.0,
        trueChildNodeId=1,
        falseChildNodeId=2,
        missingValueTracksTrueChild=nan_true,
    )
    for node, value in ((1, 1.0), (2, 0.0)):
        trees.nodes.add(nodeId=node, nodeBehavior=6).evaluationInfo.add(evaluationValue=value)
    answers = Evaluator(model).run({"x": np.array([1.0, 2.0, 3.0, NAN])})
    assert answers["y"].tolist() == [*expected, float(nan_true)]
