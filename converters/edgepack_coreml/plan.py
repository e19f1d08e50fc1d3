"""From a Program to the stages of a Core ML model, or to everything that stands in the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgepack.contract import Interface, Problem
from edgepack.ir import Node, Program
from edgepack.ir.ops import (
    Affine,
    Bucket,
    Clip,
    Concat,
    Elementwise,
    Forest,
    Impute,
    Indicate,
    Linear,
    Lookup,
    OneHot,
    OnnxBlock,
    Reduce,
    Select,
    Step,
    Sum,
)
from edgepack_coreml import classifier, forests, linear, numbers, regressor, strings, supported
from edgepack_coreml.builder import Builder
from edgepack_coreml.feature import Feature, Kind
from edgepack_coreml.head import Head, head_of
from edgepack_coreml.kinds import FLOAT32
from edgepack_coreml.optional import with_optional
from edgepack_coreml.refused import Refused
from edgepack_coreml.source import Grown, Kernel, Looked, Numbers, Text, Texts, Weighted, columns_of
from edgepack_coreml.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be written, or why it cannot be.

    Attributes:
        inputs: the model's features, in the interface's order.
        outputs: its outputs.
        stages: in order; the last one gives the outputs.
        problems: empty if the model can be written.
    """

    inputs: tuple[Feature, ...]
    outputs: tuple[Feature, ...]
    stages: tuple[Stage, ...]
    problems: tuple[Problem, ...]


def plan(program: Program) -> Plan:
    """The stages of a Program. Goes on past a step that is refused, to find all the others."""
    inputs, problems = model_inputs(program.interface)
    b = Builder(inputs, write)
    head, covered, head_problems = head_of(program)
    problems += head_problems
    values = {f"i{k}": given(inputs[k], i.missing_token) for k, i in enumerate(program.interface.inputs)}
    live = _live(program, head.scores if head else None, covered)
    for node in program.nodes:
        if node.name not in live:
            continue
        taken = [values[name] for name in node.inputs if name in values]
        if len(taken) < len(node.inputs):
            continue  # something before it was refused
        try:
            values[node.name] = planned(b, node, taken)
        except Refused as refused:
            problems.append(Problem(step=node.step or node.name, reason=refused.reason, remedy=refused.remedy))
    outputs: tuple[Feature, ...] = ()
    if head is not None and head.scores in values:
        try:
            outputs = _ended(b, head, values[head.scores], program.interface)
        except Refused as refused:
            problems.append(Problem(step=head.step or "outputs", reason=refused.reason, remedy=refused.remedy))
    if program.interface.input_dtype == "float64":
        problems += _too_large(head, {stage.kind for stage in b.stages})
    inputs, stages = with_optional(program.interface, inputs, tuple(b.stages))
    return Plan(inputs=inputs, outputs=outputs, stages=stages, problems=tuple(problems))


def _too_large(head: Head | None, kinds: set[str]) -> list[Problem]:
    """What holds for float32 numbers and not for all of float64's."""
    reasons = []
    if FLOAT32 & kinds:
        reasons.append("float64 numbers of which float32 is asked for the logarithm or root")
    if head is not None and head.classes and head.link in ("none", "softmax") and "supportVectorRegressor" in kinds:
        reasons.append("scores that overflow, which have no difference, by which Core ML tells classes apart")
    return [Problem(step="inputs", reason=reason, remedy="compile for float32 inputs") for reason in reasons]


def model_inputs(interface: Interface) -> tuple[tuple[Feature, ...], list[Problem]]:
    """The interface's inputs as features, and what is wrong with their names."""
    features, problems = [], []
    for i in interface.inputs:
        kind: Kind = "string" if i.kind == "string" else "double" if i.width == 1 else "array"
        exact = np.ones(i.width, np.bool_)
        features.append(
            Feature(name=i.name, kind=kind, exact=exact, float32=exact & (interface.input_dtype == "float32"))
        )
        step = f"input {i.name!r}"
        if not i.name or sum(other.name == i.name for other in interface.inputs) > 1:
            problems.append(Problem(step=step, reason="needs a name of its own", remedy="rename the column"))
        if i.kind == "string" and i.width != 1:
            problems.append(Problem(step=step, reason="several strings in one input", remedy="pass one per input"))
    return tuple(features), problems


def given(feature: Feature, missing: str) -> Numbers | Texts:
    """An input's columns."""
    if feature.kind == "string":
        return (Text(feature=feature, missing=missing),)
    return columns_of(feature)


def _live(program: Program, scores: str | None, covered: set[str]) -> set[str]:
    """The nodes that the scores need; without a head, all that no head would cover."""
    nodes = {node.name: node for node in program.nodes}
    if scores is None:
        return set(nodes) - covered
    live: set[str] = set()
    wanted = [scores]
    while wanted:
        name = wanted.pop()
        if name in nodes and name not in live:
            live.add(name)
            wanted += nodes[name].inputs
    return live


def planned(b: Builder, node: Node, taken: Sequence[Numbers | Texts]) -> Numbers | Texts:
    """The columns after a node. Raises `Refused` where no classic stage says it."""
    texts = [[c for c in value if isinstance(c, Text)] for value in taken]
    tables = [[c for c in value if not isinstance(c, Text)] for value in taken]
    if isinstance(node.op, Concat | Select):
        joined = tuple(c for value in taken for c in value)
        return joined if isinstance(node.op, Concat) else tuple(joined[k] for k in node.op.columns.tolist())  # type: ignore[return-value]
    if texts[0]:
        return _planned_texts(b, node, tuple(texts[0]))
    return _planned_numbers(b, node, [tuple(table) for table in tables])


def _planned_texts(b: Builder, node: Node, texts: Texts) -> Numbers | Texts:
    match node.op:
        case Impute() as op:
            return strings.impute(b, op, texts)
        case Indicate() as op:
            return strings.indicate(b, op, texts)
        case Lookup() as op:
            return strings.lookup(op, texts)
        case op:
            raise Refused(f"{type(op).__name__} of strings has no Core ML stage")


def _planned_numbers(b: Builder, node: Node, tables: Sequence[Numbers]) -> Numbers:
    table = tables[0]
    if (kernel := supported.kernel(node.op, table)) is not None:
        return kernel
    match node.op:
        case Impute() | Affine() | Clip() | Indicate() | Elementwise() as op:
            return numbers.each(b, op, table)
        case Lookup() as op:
            return numbers.lookup(op, table)
        case OneHot() as op:
            return numbers.one_hot(op, table)
        case Step() as op:
            return numbers.step(b, op, table)
        case Bucket(edges=edges) as op if all(len(e) == 1 and e[0] == 0 for e in edges):
            return numbers.signs(b, op, table)
        case Linear() as op:
            return linear.linear(op, table)
        case Sum():
            return linear.total(tuple(tables))
        case Reduce(function="sum") as op:
            return linear.sums(op, table)
        case Forest() as op:
            return forests.forest(op, table)
        case OnnxBlock() as op:
            raise Refused(f"{type(op.estimator).__name__} is known as an ONNX graph only")
        case op:
            raise Refused(f"{type(op).__name__} in the middle of a model has no Core ML stage")


def write(b: Builder, source: Looked | Weighted | Grown | Kernel) -> Feature:
    """The stages of a source that is not a feature yet."""
    match source:
        case Looked(of=of):
            return strings.write(b, source, of) if isinstance(of, Text) else numbers.write(b, source, of)
        case Weighted():
            return linear.write(b, source, b.name("sum"))
        case Grown():
            return forests.write(b, source, b.name("forest"))
        case Kernel():
            return supported.write(b, source, b.name("kernel"))


def _ended(b: Builder, head: Head, scores: Numbers | Texts, interface: Interface) -> tuple[Feature, ...]:
    table = tuple(c for c in scores if not isinstance(c, Text))
    if not table:
        raise Refused("answers with strings")
    if not head.classes:
        return regressor.end(b, table)
    return classifier.end(b, table, head, interface)
