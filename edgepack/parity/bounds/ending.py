"""What follows the last sums of a Program: a link, and a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from edgepack.ir import Program
from edgepack.ir.ops import Affine, ArgMax, Complement, Label, Sigmoid, Softmax, Step
from edgepack.parity.predicates import Undecidable

Link = Literal["identity", "sigmoid", "softmax"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The scores' value, and what becomes of them.

    Attributes:
        scores: the value's name.
        link: from the scores to `probabilities`; `identity` for `value` and for labels alone.
        classes: the labels in order; empty for a regressor.
    """

    scores: str
    link: Link
    classes: tuple[Any, ...] = ()


def ending(program: Program) -> Ending:
    """How a Program ends. Raises `Undecidable` where that is more than a link and the label of the largest score."""
    outputs = program.outputs
    if set(outputs) == {"value"}:
        return Ending(scores=outputs["value"], link="identity")
    if "label" not in outputs or "value" in outputs:
        raise Undecidable(f"outputs {', '.join(outputs)}")
    label, chosen = _op(program, outputs["label"])
    if not isinstance(label, Label):
        raise Undecidable("the label is more than a class")
    scores, link = _decides(program, chosen)
    if "probabilities" in outputs:
        inner, through = _linked(program, outputs["probabilities"])
        if inner != scores or link not in ("identity", through):
            raise Undecidable("the label is decided by other numbers than the probabilities")
        link = through
    return Ending(scores=scores, link=link, classes=tuple(label.classes.tolist()))


def _decides(program: Program, name: str) -> tuple[str, Link]:
    """The scores that decide, and the link through which they do."""
    op, taken = _op(program, name)
    match op:
        case ArgMax():
            return _linked(program, taken)
        case Step(threshold=threshold):
            above, source = _op(program, taken)
            if isinstance(above, Affine) and above.center is not None and above.factor is above.offset is None:
                threshold, taken = threshold + float(above.center[0]), source
            scores, link = _linked(program, taken)
            if threshold == (0.5 if link == "sigmoid" else 0.0):
                return scores, link
    raise Undecidable("the label is more than the largest score")


def _linked(program: Program, name: str) -> tuple[str, Link]:
    op, taken = _op(program, name)
    if isinstance(op, Complement):
        op, inner = _op(program, taken)
        if not isinstance(op, Sigmoid):
            raise Undecidable("probabilities of two classes that are no sigmoid")
        return inner, "sigmoid"
    if isinstance(op, Sigmoid):
        return taken, "sigmoid"
    return (taken, "softmax") if isinstance(op, Softmax) else (name, "identity")


def _op(program: Program, name: str) -> tuple[Any, str]:
    node = program.node_of(name)
    return (None, "") if node is None or len(node.inputs) != 1 else (node.op, node.inputs[0])
