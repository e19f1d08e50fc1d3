"""Core ML's tree ensembles, from numpy arrays to bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from edgepack.ir.types import Flags, Floats, Integers
from edgepack_coreml import wire

LESS_EQUAL, LESS, EQUAL, LEAF = 0, 1, 4, 6
NO_TRANSFORM, SOFTMAX, LOGISTIC = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ensemble:
    """Trees added up: `base + Σ leaf values`. Nodes of all trees stand in one set of arrays.

    Attributes:
        tree, node: `(nodes,)` the tree that a node stands in, and its number there; a tree's root comes first.
        behavior: `(nodes,)` the question that it asks, or `LEAF`.
        feature: `(nodes,)` which of the inputs' numbers is asked.
        threshold: `(nodes,) float64`.
        yes, no: `(nodes,)` the numbers of its children; anything in leaves.
        nan_yes: `(nodes,)` whether NaN takes `yes`.
        value: `(nodes, outputs) float64`; only leaves' values are read.
        base: `(outputs,) float64`.
    """

    tree: Integers
    node: Integers
    behavior: Integers
    feature: Integers
    threshold: Floats
    yes: Integers
    no: Integers
    nan_yes: Flags
    value: Floats
    base: Floats

    def encode(self) -> wire.Pieces:
        """A `TreeEnsembleParameters` message.

        A leaf names the outputs that it adds something to; Core ML wants at least one.

        Source: mlmodel/format/TreeEnsemble.proto.
        """
        inner = self.behavior != LEAF
        leaf, output, value = self._entries()
        info = wire.Tail(
            field=20,
            columns=[
                wire.Whole(field=1, values=output),
                wire.Double(field=2, values=value, where=np.ones(len(value), np.bool_)),
            ],
            owner=leaf,
        )
        nodes = wire.submessages(
            1,
            [
                wire.Whole(field=1, values=self.tree),
                wire.Whole(field=2, values=self.node),
                wire.Whole(field=3, values=self.behavior),
                wire.Whole(field=10, values=self.feature, where=inner),
                wire.Double(field=11, values=self.threshold, where=inner),
                wire.Whole(field=12, values=self.yes, where=inner),
                wire.Whole(field=13, values=self.no, where=inner),
                wire.Whole(field=14, values=self.nan_yes, where=inner),
            ],
            info,
        )
        outputs = wire.tag(2, wire.VARINT) + wire.varint(len(self.base))
        return (nodes, outputs, *wire.embed(3, (self.base.astype("<f8").tobytes(),)))

    def thinned(self) -> Ensemble:
        """The ensemble without trees whose leaves are all 0."""
        adds = np.zeros(int(self.tree.max(initial=-1)) + 1, np.bool_)
        adds[self.tree[(self.value != 0).any(axis=1)]] = True
        if adds.all():
            return self
        kept = adds[self.tree]
        parts = {f.name: getattr(self, f.name)[kept] for f in fields(self) if f.name != "base"}
        return Ensemble(**parts, base=self.base)

    def _entries(self) -> tuple[Integers, Integers, Floats]:
        """Every leaf's values as `(leaf, output, value)`, those that are 0 left out where another one is not."""
        kept = self.value != 0
        inner = self.behavior != LEAF
        if self.value[inner].any():
            kept[inner] = False
        nothing = ~inner
        for column in kept.T:
            nothing &= ~column
        kept[:, 0] |= nothing
        at = np.flatnonzero(kept)
        leaf, output = np.divmod(at, kept.shape[1])
        return leaf, output, self.value.ravel()[at] + 0.0  # never −0, which protobuf would not leave out


def regressor_body(ensemble: Ensemble) -> Callable[[], wire.Pieces]:
    """What encodes the field `treeEnsembleRegressor` of a `Model`."""
    return lambda: wire.embed(302, wire.embed(1, ensemble.encode()))


def classifier_body(ensemble: Ensemble, transform: int, labels: bytes) -> Callable[[], wire.Pieces]:
    """What encodes the field `treeEnsembleClassifier` of a `Model`; `labels` is its encoded field of class labels."""
    link = wire.tag(2, wire.VARINT) + wire.varint(transform)
    return lambda: wire.embed(402, (*wire.embed(1, ensemble.encode()), link, labels))


class Growing:
    """A small tree built node by node, for functions of one column that are constant between breaks."""

    def __init__(self) -> None:
        """Starts without nodes; the first one is the root."""
        self._nodes: list[tuple[int, int, float, bool, float]] = []
        self._children: dict[int, tuple[int, int]] = {}

    def leaf(self, value: float) -> int:
        """A leaf; its number."""
        self._nodes.append((LEAF, 0, 0.0, False, value))
        return len(self._nodes) - 1

    def ask(self, behavior: int, feature: int, threshold: float, nan_yes: bool) -> int:
        """A question whose children are named later by `answer`; its number."""
        self._nodes.append((behavior, feature, threshold, nan_yes, 0.0))
        return len(self._nodes) - 1

    def answer(self, node: int, yes: int, no: int) -> None:
        """Names a question's children."""
        self._children[node] = (yes, no)

    def search(self, feature: int, keys: Floats, values: Floats, unknown: float, missing: float) -> None:
        """Finds a column's value among ascending keys: its value, or else `unknown`; NaN gives `missing`."""
        if np.array_equal(missing, unknown, equal_nan=True):  # NaN equals no key
            self._search(feature, keys, values, unknown)
            return
        root = self.ask(LESS_EQUAL, feature, np.inf, nan_yes=False)
        self.answer(root, self._search(feature, keys, values, unknown), self.leaf(missing))

    def stairs(self, feature: int, edges: Floats, values: Floats) -> int:
        """Gives `values[i]` for the first `i` with `x <= edges[i]`, and the last value beyond all edges."""
        if len(values) == 1:
            return self.leaf(float(values[0]))
        middle = (len(edges) - 1) // 2
        node = self.ask(LESS_EQUAL, feature, float(edges[middle]), nan_yes=False)
        yes = self.stairs(feature, edges[:middle], values[: middle + 1])
        self.answer(node, yes, self.stairs(feature, edges[middle + 1 :], values[middle + 1 :]))
        return node

    def grown(self) -> Ensemble:
        """The ensemble of this one tree."""
        behavior, feature, threshold, nan_yes, value = (np.array(c) for c in zip(*self._nodes, strict=True))
        children = np.array([self._children.get(k, (0, 0)) for k in range(len(self._nodes))])
        return Ensemble(
            tree=np.zeros(len(behavior), np.int64),
            node=np.arange(len(behavior)),
            behavior=behavior,
            feature=feature,
            threshold=threshold.astype(np.float64),
            yes=children[:, 0],
            no=children[:, 1],
            nan_yes=nan_yes,
            value=value.astype(np.float64)[:, None],
            base=np.zeros(1),
        )

    def _search(self, feature: int, keys: Floats, values: Floats, unknown: float) -> int:
        """Halves the keys until one is left, and asks whether it is equal."""
        if len(keys) == 0:
            return self.leaf(unknown)
        if len(keys) == 1:
            node = self.ask(EQUAL, feature, float(keys[0]), nan_yes=False)
            self.answer(node, self.leaf(float(values[0])), self.leaf(unknown))
            return node
        middle = (len(keys) - 1) // 2
        node = self.ask(LESS_EQUAL, feature, float(keys[middle]), nan_yes=False)
        yes = self._search(feature, keys[: middle + 1], values[: middle + 1], unknown)
        self.answer(node, yes, self._search(feature, keys[middle + 1 :], values[middle + 1 :], unknown))
        return node
