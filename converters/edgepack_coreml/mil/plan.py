"""From a Program to an ML Program: classic stages for its strings, one vector of numbers, and operations on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgepack.contract import Interface, Problem
from edgepack.errors import UsageError
from edgepack.ir import Node, Program
from edgepack.ir.ops import Constant, IntegerLinear, Label, Linear, Lookup, OnnxBlock, Op
from edgepack_coreml import plan as classic
from edgepack_coreml.builder import Builder
from edgepack_coreml.feature import Feature, output_feature
from edgepack_coreml.head import head_of
from edgepack_coreml.labels import core_ml_labels
from edgepack_coreml.mil import categories, tools, wide
from edgepack_coreml.mil.comparisons import comparable
from edgepack_coreml.mil.graph import Graph, Var
from edgepack_coreml.mil.halves import Halves
from edgepack_coreml.mil.halves import linear as half_linear
from edgepack_coreml.mil.wide import Wide
from edgepack_coreml.mil.writers import WRITERS
from edgepack_coreml.proto import messages
from edgepack_coreml.refused import Refused
from edgepack_coreml.source import Numbers, Text, Texts
from edgepack_coreml.stage import Stage

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
EXACT_SHAPES = 1
"""`NeuralNetworkMultiArrayShapeMapping.EXACT_ARRAY_MAPPING`: a vector stays a vector."""
EXACT_SHAPES_SINCE = 4
"""The specification version that it came with."""
NO_HALVES = Problem(
    step="precision float16",
    reason="the model multiplies with no learned weights; scaling, trees, categories and answers stay float32",
    remedy="leave it out",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An ML Program and the stages before it, or why there is none.

    Attributes:
        inputs, outputs: the model's features.
        front: the stages before the program; none where the model takes one array of numbers.
        given: the program's input.
        function: coremltools' function; None if there are problems.
    """

    inputs: tuple[Feature, ...]
    outputs: tuple[Feature, ...]
    front: tuple[Stage, ...]
    given: Feature
    function: Any
    problems: tuple[Problem, ...]


def plan(program: Program, ios: int, *, packs: bool = False, halves: bool = False, doubled: bool = False) -> Planned:
    """The ML Program of a Program. Goes on past a step that is refused, to find all the others.

    Args:
        program, ios: what to write, and for which iOS.
        packs: constants in few bytes.
        halves: whether it computes in float16 where `edgepack_coreml.mil.halves` says so.
        doubled: sums and products in two float32 numbers each.

    Raises:
        UsageError: an iOS that has no opset, or coremltools is not installed.
    """
    if ios not in tools.SPECIFICATIONS:
        raise UsageError(f"iOS {ios}: choose 15, 16, 17 or 18 for an ML Program")
    program, interface = comparable(program), program.interface
    inputs, problems = classic.model_inputs(interface)
    problems += _unsayable(program)
    b = Builder(inputs, classic.write)
    front, vectors = _split(program, b, problems)
    given = output_feature("features", "array float32")
    if not problems:
        if bare := _bare(interface):
            inputs, given = (bare,), bare
            b = Builder(inputs, classic.write)
        else:
            given = _entrance(b, tuple(column for table in front.values() for column in table))
    outputs = _outputs(b, program)
    function = None
    with tools.builder() as mil:
        widths = {name: len(table) for name, table in front.items()}
        function = tools.function(mil, given.name, max(1, sum(widths.values())), ios)
        with function:
            half = Halves.of(program, vectors if halves and not problems else ())
            problems += [] if half.products or not halves or problems else [NO_HALVES]
            in_two = wide.WRITERS if doubled else {}
            writing = _Writing(Graph(mil, ios, packs=packs), half, in_two, function.inputs[given.name], widths)
            problems += writing.all(vectors)
            if not problems:
                function.set_outputs(writing.ended(program, outputs))
    return Planned(
        inputs=inputs,
        outputs=outputs,
        front=tuple(b.stages),
        given=given,
        function=None if problems else function,
        problems=tuple(problems),
    )


class _Writing:
    """Values of the Program as they are written, by name."""

    def __init__(
        self, g: Graph, half: Halves, in_two: Mapping[type, Callable[..., Wide]], x: Var, widths: Mapping[str, int]
    ) -> None:
        """Takes what is in float16, and the writers of the ops that are to be computed in two float32 numbers."""
        self._g, self._half, self._in_two = g, half, in_two
        self._values: dict[str, Wide] = {}
        g.within("input")
        at = 0
        for name, width in widths.items():
            self._values[name] = Wide(high=g.taken(x, range(at, at + width)))
            at += width

    def all(self, nodes: Sequence[Node]) -> list[Problem]:
        """Writes nodes in order; what is refused, and what needs it, is left out."""
        problems = []
        for node in nodes:
            names = () if isinstance(node.op, Constant) else node.inputs
            if any(name not in self._values for name in names):
                continue
            self._g.within(_identifier(node.step))
            try:
                self._values[node.name] = self._written(node, [self._values[name] for name in names])
            except Refused as refused:
                problems.append(Problem(step=node.step or node.name, reason=refused.reason, remedy=refused.remedy))
        return problems

    def _written(self, node: Node, taken: Sequence[Wide]) -> Wide:
        if in_two := self._in_two.get(type(node.op)):
            return in_two(self._g, node.op, *taken)
        high = [value.high for value in taken]
        if isinstance(node.op, Linear) and node.name in self._half.products:
            return Wide(high=half_linear(self._g, node.op, self._half.products[node.name], high[0]))
        with self._g.halves() if node.name in self._half.kept else nullcontext():
            return Wide(high=_writer(node.op)(self._g, node.op, *high))

    def ended(self, program: Program, outputs: tuple[Feature, ...]) -> list[Var]:
        """The outputs, under their names."""
        g = self._g
        g.within("output")
        if "value" in program.outputs:
            result = [g.identity(x=self._values[program.outputs["value"]].high)]
        else:
            classes = core_ml_labels(program.interface.classes or ())
            if "probabilities" in program.outputs:
                scores = self._values[program.outputs["probabilities"]].high
            else:
                label = program.node_of(program.outputs["label"])
                index = self._values[label.inputs[0]].high if label else None
                scores = g.number(g.equal(x=index, y=np.arange(float(len(classes)))))
            result = list(g.classify(probabilities=scores, classes=g.const(val=tools.labels(classes))))
        for var, feature in zip(result, outputs, strict=True):
            var.name = feature.name
        return result


def _split(program: Program, b: Builder, problems: list[Problem]) -> tuple[dict[str, Numbers], list[Node]]:
    """What enters the program as numbers, by the name of the value, and the nodes that are written in it."""
    interface = program.interface
    tables: dict[str, Numbers | Texts] = {
        f"i{k}": classic.given(b.inputs[k], i.missing_token) for k, i in enumerate(interface.inputs)
    }
    live = _live(program)
    front: dict[str, Numbers] = {}
    rest = []
    codes: dict[tuple[Any, ...], str] = {}
    for node in program.nodes:
        if node.name not in live or isinstance(node.op, Label):
            continue
        taken = [] if isinstance(node.op, Constant) else [tables[name] for name in node.inputs if name in tables]
        if not taken or not all(isinstance(c, Text) for table in taken for c in table):
            rest.append(node)
            front.update({name: _numbers(tables[name]) for name in node.inputs if name in tables and taken})
            continue
        try:
            if isinstance(node.op, Lookup):
                code = codes.setdefault((node.inputs, *node.op.keys), f"{node.name} row")
                front.setdefault(
                    code, _numbers(classic.planned(b, replace(node, op=categories.rows_of(node.op)), taken))
                )
                rest.append(replace(node, op=categories.Rows(table=node.op.table), inputs=(code,)))
            else:
                tables[node.name] = classic.planned(b, node, taken)
        except Refused as refused:
            problems.append(Problem(step=node.step or node.name, reason=refused.reason, remedy=refused.remedy))
    for name in program.outputs.values():
        if name in tables:
            front[name] = _numbers(tables[name])
    for k, i in enumerate(interface.inputs):
        if not front and i.kind == "number":  # nothing depends on the row
            front[f"i{k}"] = _numbers(tables[f"i{k}"])
    if not front and not problems:
        problems.append(Problem(step="outputs", reason="the same answer for every text", remedy="use the onnx target"))
    return front, rest


def _numbers(table: Numbers | Texts) -> Numbers:
    return tuple(c for c in table if not isinstance(c, Text))


def _live(program: Program) -> set[str]:
    """The nodes that the outputs need: Core ML finds the label of probabilities itself."""
    nodes = {node.name: node for node in program.nodes}
    live: set[str] = set()
    found = {"label"} if "probabilities" in program.outputs else set()
    wanted = [name for output, name in program.outputs.items() if output not in found]
    while wanted:
        name = wanted.pop()
        if name in nodes and name not in live:
            live.add(name)
            wanted += nodes[name].inputs
    return live


def _unsayable(program: Program) -> list[Problem]:
    """What no operation is to blame for."""
    problems = []
    interface = program.interface
    if interface.input_dtype != "float32":
        problems.append(
            Problem(
                step="inputs",
                reason=f"numbers of {interface.input_dtype}; ML Programs compute in float32",
                remedy="compile for float32 inputs, or use the onnx target",
            )
        )
    if "probabilities" in program.outputs:
        problems += head_of(program)[2]
    elif "label" in program.outputs:
        label = program.node_of(program.outputs["label"])
        if label is None or not isinstance(label.op, Label) or len(interface.classes or ()) < 2:
            problems.append(Problem(step="outputs", reason="a label of fewer than two classes"))
    return problems


def _writer(op: Op) -> Callable[..., Var]:
    if isinstance(op, OnnxBlock):
        raise Refused(f"{type(op.estimator).__name__} is known as an ONNX graph only")
    if isinstance(op, categories.Rows):
        return categories.rows
    if isinstance(op, IntegerLinear):
        raise Refused("activations in whole numbers are for ONNX alone; use --quantize int8")
    if type(op) not in WRITERS:
        raise Refused(f"{type(op).__name__} has no ML Program operation")
    return WRITERS[type(op)]


def _bare(interface: Interface) -> Feature | None:
    """The one array that a model of numbers alone takes, where it can be the program's own input."""
    if len(interface.inputs) != 1:
        return None
    (i,) = interface.inputs
    if i.kind != "number" or i.width == 1 or not IDENTIFIER.fullmatch(i.name):
        return None
    return output_feature(i.name, "array float32", i.width)


def _entrance(b: Builder, table: Numbers) -> Feature:
    """The columns in one float32 array: a featureVectorizer makes doubles of them, a layer of `1 · x + 0` float32."""
    source = b.array(table)
    out = output_feature(b.name("features"), "array float32", source.width)
    message = messages().Model()
    message.neuralNetwork.arrayInputShapeMapping = EXACT_SHAPES
    layer = message.neuralNetwork.layers.add(name="float32", input=[source.name], output=[out.name])
    layer.activation.linear.alpha = 1.0
    b.add("neuralNetwork", [source], [out], message)
    b.stages[-1] = replace(b.stages[-1], specification=EXACT_SHAPES_SINCE)
    return out


def _outputs(b: Builder, program: Program) -> tuple[Feature, ...]:
    if "value" in program.outputs:
        return (output_feature(b.name("value"), "array float32", program.types()[program.outputs["value"]].width),)
    text = isinstance(core_ml_labels(program.interface.classes or ("",))[0], str)
    return (
        output_feature(b.name("classLabel"), "string" if text else "int64"),
        output_feature(b.name("classProbability"), "labels string" if text else "labels int64"),
    )


def _identifier(step: str) -> str:
    """`StandardScaler` for `preprocess → num → StandardScaler`."""
    words = re.sub(r"[^A-Za-z0-9_]+", "_", step.split("→")[-1].strip())
    return words if IDENTIFIER.fullmatch(words) else f"step_{words}"
