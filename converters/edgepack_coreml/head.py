"""How a Program ends: which scores decide, and by which link they become probabilities and a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgepack.contract import Problem
from edgepack.ir import Node, Program
from edgepack.ir.ops import Affine, ArgMax, Binary, Complement, Label, Normalize, Reduce, Select, Sigmoid, Softmax, Step

Link = Literal["none", "softmax", "logistic", "one versus rest", "probability"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands behind the outputs.

    Attributes:
        scores: the value that everything is read from.
        link: `none` (scores are the value, the probabilities, or are only compared), `softmax`, `logistic` (one score),
            `one versus rest`, `probability` (one score that is class 1's probability itself).
        offset: what is added to a single score before its sign decides; 0 unless there are no probabilities.
        classes: how many classes; 0 for a regressor.
        probabilities: whether they are an output.
        step: the step to name where the head cannot be said.
    """

    scores: str
    link: Link
    offset: float = 0.0
    classes: int = 0
    probabilities: bool = False
    step: str = ""


def head_of(program: Program) -> tuple[Head | None, set[str], list[Problem]]:
    """The head, the nodes that it covers, and why there is none."""
    reader = _Reader(program)
    head = reader.read()
    return head, reader.covered, reader.problems


class _Reader:
    """Walks back from the outputs."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._nodes = {node.name: node for node in program.nodes}
        self._types = program.types()
        self.covered: set[str] = set()
        self.problems: list[Problem] = []

    def read(self) -> Head | None:
        outputs = self._program.outputs
        if set(outputs) == {"value"}:
            return Head(scores=outputs["value"], link="none")
        if "value" in outputs or "label" not in outputs:
            self._refuse(None, f"outputs {', '.join(outputs)}; Core ML's models give a value, or a label")
            return None
        label = self._cover(outputs["label"])
        if label is None or not isinstance(label.op, Label):
            self._refuse(label, "a label that no class index decides")
            return None
        classes = label.op.classes.tolist()
        if len(classes) < 2:
            self._refuse(label, "one class; Core ML's classifiers choose between two or more")
            return None
        if classes != list(self._program.interface.classes or ()):
            self._refuse(label, f"labels {classes} are not the interface's classes")
            return None
        index = self._cover(label.inputs[0])
        if index is None or not isinstance(index.op, ArgMax | Step):
            self._refuse(index or label, "a class that neither the largest score nor a threshold decides")
            return None
        if "probabilities" in outputs:
            return self._with_probabilities(outputs["probabilities"], index, len(classes))
        return self._label_alone(index, len(classes))

    def _with_probabilities(self, name: str, index: Node, classes: int) -> Head | None:
        scores, link, on_the_way = self._linked(name)
        compared = index.inputs[0]
        node = self._nodes.get(compared)
        threshold = index.op.threshold if isinstance(index.op, Step) else None
        if node is not None and isinstance(node.op, Select) and threshold is not None:  # the second of two columns
            self.covered.add(compared)
            if node.op.columns.tolist() == [1] and node.inputs[0] in on_the_way:
                compared, on_the_way = name, {name}
        if threshold is None:
            agrees = compared in {scores, *on_the_way} and self._types[compared].width == classes
        elif link == "logistic" and self._only_stretches(scores, compared):
            agrees = threshold == 0.0
        else:
            agrees = threshold == 0.5 and (compared in on_the_way or (compared == scores and link == "probability"))
        if not agrees or self._types[name].width != classes:
            said = "the largest score" if threshold is None else f"a threshold of {threshold!r}"
            self._refuse(
                index,
                f"{said} decides the label, not the largest probability",
                "use --output predict for the label alone, or the onnx target",
            )
            return None
        return Head(scores=scores, link=link, classes=classes, probabilities=True, step=index.step)

    def _linked(self, name: str) -> tuple[str, Link, set[str]]:
        """The scores behind probabilities, their link, and the values on the way."""
        node = self._nodes.get(name)
        link: Link
        match node.op if node else None:
            case Softmax():
                link = "softmax"
            case Complement() | Normalize() as op:
                inner = self._nodes.get(node.inputs[0]) if node else None
                if inner is None or not isinstance(inner.op, Sigmoid):
                    if isinstance(op, Normalize) and node:  # the largest of numbers is the largest share of them
                        return name, "none", {name, *node.inputs}
                    self.covered.add(name)
                    return node.inputs[0] if node else name, "probability", {name}
                self.covered |= {name, inner.name}
                link = "logistic" if isinstance(op, Complement) else "one versus rest"
                return inner.inputs[0], link, {name, inner.name}
            case Binary(function="divide") if node and self._is_sum(node.inputs[1], node.inputs[0]):
                return name, "none", {name, node.inputs[0]}
            case _:
                return name, "none", {name}
        self.covered.add(name)
        return node.inputs[0] if node else name, link, {name}

    def _is_sum(self, name: str, of: str) -> bool:
        """Whether a value is the sum of another one's columns."""
        node = self._nodes.get(name)
        return node is not None and node.inputs == (of,) and isinstance(node.op, Reduce) and node.op.function == "sum"

    def _only_stretches(self, scores: str, compared: str) -> bool:
        """Whether the scores are the compared ones times a positive factor: their signs agree."""
        node = self._nodes.get(scores)
        if node is None or not isinstance(node.op, Affine) or node.inputs[0] != compared:
            return scores == compared
        op = node.op
        factors = [x for x in (op.factor, op.divisor) if x is not None]
        return op.center is None and op.offset is None and all(bool(np.all(x > 0)) for x in factors)

    def _label_alone(self, index: Node, classes: int) -> Head | None:
        scores = index.inputs[0]
        width = self._types[scores].width
        if isinstance(index.op, ArgMax):
            if width != classes:
                self._refuse(index, f"the largest of {width} scores for {classes} classes")
                return None
            return Head(scores=scores, link="none", classes=classes, step=index.step)
        if classes != 2:
            self._refuse(index, f"one threshold for {classes} classes")
            return None
        offset = -index.op.threshold if isinstance(index.op, Step) else 0.0
        return Head(scores=scores, link="logistic", offset=offset, classes=2, step=index.step)

    def _cover(self, name: str) -> Node | None:
        self.covered.add(name)
        return self._nodes.get(name)

    def _refuse(self, node: Node | None, reason: str, remedy: str = "use the onnx target") -> None:
        self.problems.append(Problem(step=node.step if node and node.step else "outputs", reason=reason, remedy=remedy))
