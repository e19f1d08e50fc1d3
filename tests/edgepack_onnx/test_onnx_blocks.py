"""Estimators converted by skl2onnx, inlined."""

from typing import Any

import numpy as np
import pytest
from onnx import helper
from sklearn import neighbors, neural_network, svm
from sklearn.ensemble import AdaBoostClassifier, RandomForestRegressor

from edgepack.contract import EmitOptions, Input
from edgepack.errors import UnsupportedError
from edgepack.ir.ops import Affine, ArgMax, Concat, Label, OnnxBlock, Sum
from edgepack.lower import lower
from edgepack_onnx import target

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


class Doubler:
    """Stands for an estimator that doubles its input."""

    def transform(self, x: Any) -> Any:
        return x * 2


def block_of(est: Any, method: str, width: int, output: int) -> OnnxBlock:
    from skl2onnx import to_onnx

    options = {id(est): {"zipmap": False}} if method == "predict_proba" else None
    model = to_onnx(est, X[:1], options=options, target_opset={"": 17, "ai.onnx.ml": 3})
    name = model.graph.output[output].name
    return OnnxBlock(model=model.SerializeToString(), output=name, width=width, estimator=est, method=method)


def doubling(opset: int = 17, element: int = 1, output_shape: Any = ("n", 3)) -> Any:
    """A model that multiplies by a constant inside an If, whose branches take it from outside."""
    branch = helper.make_graph(
        [helper.make_node("Mul", ["c", "two"], ["y"])],
        "branch",
        [],
        [helper.make_tensor_value_info("y", element, None)],
    )
    graph = helper.make_graph(
        [
            helper.make_node("Clip", ["x", "", "limit"], ["c"]),
            helper.make_node("Add", ["one", "one"], ["two"]),  # needed inside the branches alone
            helper.make_node("If", ["yes"], ["z"], then_branch=branch, else_branch=branch),
        ],
        "g",
        [helper.make_tensor_value_info("x", element, ["n", 3])],
        [helper.make_tensor_value_info("z", element, list(output_shape))],
        [
            helper.make_tensor("one", element, [1], [1.0]),
            helper.make_tensor("limit", element, [], [1e9]),
            helper.make_tensor("yes", 9, [], [True]),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def block(model: Any, output: str = "z", method: str = "transform", est: Any = None) -> OnnxBlock:
    est = Doubler() if est is None else est
    return OnnxBlock(model=model.SerializeToString(), output=output, width=3, estimator=est, method=method)


def alone(make_program: Any, op: OnnxBlock) -> Any:
    given = Input(name="x", kind="number", width=3)
    return make_program([given], [("v0", op, ["i0"])], {"value": "v0"}, value_width=3)


@pytest.mark.parametrize(
    ("est", "output", "width"),
    [
        (neighbors.KNeighborsClassifier(3), 1, 2),
        (svm.SVC(probability=True, random_state=0), 1, 2),
        (neural_network.MLPClassifier((5,), max_iter=50, random_state=0), 1, 2),
        (AdaBoostClassifier(n_estimators=5, random_state=0), 1, 2),
    ],
    ids=lambda x: type(x).__name__,
)
def test_a_classifier_gives_its_probabilities(
    est: Any, output: int, width: int, make_program: Any, answers: Any
) -> None:
    est.fit(X, Y)
    program = make_program(
        [Input(name="x", kind="number", width=3)],
        [
            ("v0", block_of(est, "predict_proba", width, output), ["i0"]),
            ("v1", ArgMax(), ["v0"]),
            ("v2", Label(classes=est.classes_), ["v1"]),
        ],
        {"label": "v2", "probabilities": "v0"},
        classes=tuple(est.classes_.tolist()),
    )
    given = answers(program, {"x": X.astype(np.float64)})
    np.testing.assert_allclose(given["probabilities"], est.predict_proba(X), atol=2e-5)
    assert (given["label"] == np.argmax(est.predict_proba(X), 1)).mean() > 0.95


def test_a_block_with_trees_of_its_own_keeps_ours_in_the_old_form(
    make_program: Any, emitted: Any, answers: Any
) -> None:
    est = RandomForestRegressor(5, random_state=0).fit(X, X[:, 0])
    ours = lower(est, X[:2]).nodes[0].op
    program = make_program(
        [Input(name="x", kind="number", width=3)],
        [("v0", block_of(est, "predict", 1, 0), ["i0"]), ("v1", ours, ["i0"]), ("v2", Sum(), ["v0", "v1"])],
        {"value": "v2"},
    )
    types = [node.op_type for node in emitted(program).graph.node]
    assert types.count("TreeEnsembleRegressor") == 2
    given = answers(program, {"x": X.astype(np.float64)})["value"]
    np.testing.assert_allclose(given, 2 * est.predict(X), rtol=1e-5, atol=1e-6)


def test_two_blocks_and_their_subgraphs_keep_their_names_apart(make_program: Any, same: Any) -> None:
    program = make_program(
        [Input(name="x", kind="number", width=3)],
        [
            ("v0", block(doubling()), ["i0"]),
            ("v1", block(doubling(element=11)), ["v0"]),
            ("v2", Affine(factor=np.full(3, 0.5)), ["v1"]),
            ("v3", Concat(), ["v0", "v2"]),
        ],
        {"value": "v3"},
        value_width=6,
    )
    same(program, {"x": X.astype(np.float64)})


def test_a_block_raises_the_opset_and_says_so(make_program: Any, tmp_path: Any) -> None:
    program = make_program(
        [Input(name="x", kind="number", width=3)], [("v0", block(doubling()), ["i0"])], {"value": "v0"}, value_width=3
    )
    artifact = target.emit(program, tmp_path, EmitOptions())
    assert artifact.format == "ONNX opset 17, IR 8"
    assert artifact.notes == ("Doubler via skl2onnx, in float32",)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (block(doubling(opset=12)), "means something else in opset 13"),
        (block(doubling(), method="predict", est=svm.SVC().fit(X, Y)), "is a label"),
    ],
)
def test_a_block_that_cannot_be_inlined_is_told(
    given: OnnxBlock, reason: str, make_program: Any, tmp_path: Any
) -> None:
    program = make_program(
        [Input(name="x", kind="number", width=3)], [("v0", given, ["i0"])], {"value": "v0"}, value_width=3
    )
    problem = target.check(program)[0]
    assert problem.step == "OnnxBlock"
    assert reason in problem.reason
    with pytest.raises(UnsupportedError, match="OnnxBlock"):
        target.emit(program, tmp_path, EmitOptions())


def test_an_opset_beyond_the_runtime_is_refused(make_program: Any, tmp_path: Any) -> None:
    program = make_program(
        [Input(name="x", kind="number", width=3)],
        [("v0", block(doubling(opset=21)), ["i0"])],
        {"value": "v0"},
        value_width=3,
    )
    with pytest.raises(UnsupportedError, match=r"need onnxruntime 1\.18, not 1\.17"):
        target.emit(program, tmp_path, EmitOptions(min_runtime="1.17"))
    assert target.emit(program, tmp_path, EmitOptions(min_runtime="1.18")).min_runtime == "onnxruntime 1.18"


def test_the_default_opset_is_imported_once(make_program: Any, emitted: Any) -> None:
    model = doubling()
    model.opset_import.append(helper.make_opsetid("", 17))
    program = make_program(
        [Input(name="x", kind="number", width=3)], [("v0", block(model), ["i0"])], {"value": "v0"}, value_width=3
    )
    assert [o.domain for o in emitted(program).opset_import] == [""]
