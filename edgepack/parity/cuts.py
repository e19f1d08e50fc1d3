"""The numbers at which a Program decides, and where they lie on its raw inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from edgepack.contract import InputDtype
from edgepack.ir import Program
from edgepack.ir.ops import Clip, Forest, Impute, Indicate, Lookup, OneHot, Step
from edgepack.ir.types import Floats
from edgepack.parity.ordered import boundaries
from edgepack.parity.trace import Chain, trace

CUTS_AT_ONCE = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """Numbers with which one column is compared.

    Attributes:
        chain: the column, as a function of one input column.
        values: distinct and ascending; the column may be `<=` or `==` each of them.
        compare: the type that the column is rounded to before it is compared.
        origin: `split boundaries` (a forest's thresholds) or `edges` (clips, categories, sentinels, steps).
    """

    chain: Chain
    values: Floats
    compare: Literal["float32", "float64"] = "float64"
    origin: Literal["split boundaries", "edges"]

    def on_input(self, dtype: InputDtype) -> Floats:
        """Both sides of every cut on the raw input: ascending numbers of the dtype, as float64."""
        found: list[Floats] = []
        for start in range(0, len(self.values), CUTS_AT_ONCE):
            cut = self.values[start : start + CUTS_AT_ONCE]
            found += boundaries(partial(self._left, cut), len(cut), dtype)[1:]
        return np.unique(np.concatenate(found)) if found else np.empty(0)

    def _left(self, cut: Floats, x: Floats) -> Any:
        value = self.chain.run(x)
        if self.compare == "float32":
            with np.errstate(over="ignore"):
                value = value.astype(np.float32)
        return value <= cut


def cuts(program: Program) -> Iterator[Cuts]:
    """Everything that the program compares with a fixed number, for columns that depend on one number input alone."""
    chains = trace(program)
    for node in program.nodes:
        thresholds = _thresholds(node.op) if isinstance(node.op, Forest) else {}
        for column, chain in enumerate(chains[node.inputs[0]]):
            if chain is None or chain.is_finite or program.interface.inputs[chain.slot[0]].kind == "string":
                continue
            match node.op:
                case Forest(compare=compare) if column in thresholds:
                    yield Cuts(chain=chain, values=thresholds[column], compare=compare, origin="split boundaries")
                case Clip(low=low, high=high):
                    yield _edges(chain, [low[column], high[column]])
                case Lookup(keys=keys):
                    yield _edges(chain, keys)
                case OneHot(size=size):
                    yield _edges(chain, np.arange(size))
                case Step(threshold=threshold):
                    yield _edges(chain, [threshold])
                case Impute(sentinel=float(value)) | Indicate(sentinel=float(value)) if value == value:
                    yield _edges(chain, [value])


def _thresholds(forest: Forest) -> dict[int, Floats]:
    """The distinct thresholds on each feature."""
    inner = np.flatnonzero(~forest.is_leaf)
    inner = inner[np.argsort(forest.feature[inner], kind="stable")]
    features, starts = np.unique(forest.feature[inner], return_index=True)
    parts = np.split(inner, starts[1:])[: len(features)]  # of nothing, numpy makes one part: trees may be bare leaves
    return {
        int(feature): np.unique(np.concatenate([forest.threshold[at], _below(forest.threshold[at[forest.equal[at]]])]))
        for feature, at in zip(features, parts, strict=True)
    }


def _edges(chain: Chain, values: Any) -> Cuts:
    values = np.asarray(values, np.float64)
    return Cuts(chain=chain, values=np.unique(np.concatenate([values, _below(values)])), origin="edges")


def _below(values: Floats) -> Floats:
    """`x == v` is `x <= v` and not `x <=` the number below v."""
    return np.nextafter(values, -np.inf)
