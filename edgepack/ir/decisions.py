"""What an emitted file decides, as a target reads it back: nothing in it comes from the Program that was emitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgepack.ir.ops import Forest, Lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """What one feature of a file's trees is.

    Attributes:
        input: the input's number in the interface.
        column: the column in that input.
        lookup: from the column's value to the number that is compared (one column wide); None for the number itself.
    """

    input: int
    column: int
    lookup: Lookup | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """A file that is one forest over its inputs: its trees in the order in which it adds them, and what follows.

    Attributes:
        features: one per feature of the forest.
        forest: the file's trees; what its sums start with may be trees too, ahead of the others. Nodes may stand in any
            order, and trees may share leaves.
        link: from the forest's answer to the output: `identity`; `complement` (one sum p gives [1 − p, p]); `sigmoid`
            (one score s gives the sigmoids of [−s, s]); `softmax`; `exp`.
        tie: which of two equal classes is the label, the `first` or the `last`; `none` where there is no label.
        rounded: whether the format divides nothing, so that leaves hold rounded parts of a mean.
    """

    features: tuple[Feature, ...]
    forest: Forest
    link: Literal["identity", "complement", "sigmoid", "softmax", "exp"]
    tie: Literal["none", "first", "last"]
    rounded: bool = False
