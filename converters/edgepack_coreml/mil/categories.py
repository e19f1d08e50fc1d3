"""Writers of ops about categories that are numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgepack.ir.ops import Lookup, OneHot
from edgepack.ir.types import Array, Floats, Type, number
from edgepack_coreml.mil.graph import Graph, Var
from edgepack_coreml.mil.rounding import only_float32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """What is left of a string's lookup: the table's rows by their number, which a classic stage gives.

    Attributes:
        table: `(keys + 2, width)`.
    """

    table: Floats

    def infer(self, *types: Type) -> Type:
        """Numbers as wide as the table."""
        return number(self.table.shape[1])

    def run(self, *values: Array) -> Array:
        """`(rows, width) float64`."""
        return self.table[values[0][:, 0].astype(np.int64)]


def rows_of(op: Lookup) -> Lookup:
    """The same keys, each with the number of its row."""
    return Lookup(keys=op.keys, table=np.arange(float(len(op.table)))[:, None])


def rows(g: Graph, op: Rows, x: Var) -> Var:
    """A row by its number."""
    at = g.cast(x=x, dtype="int32")
    return g.reshape(x=g.gather(x=op.table, indices=at, axis=0), shape=[op.table.shape[1]])


def lookup(g: Graph, op: Lookup, x: Var) -> Var:
    """The table's row for a number: every key is compared, and the places that do not match count 0."""
    k = len(op.keys)
    row = np.full(1, float(k))
    if k:
        found = g.number(g.equal(x=x, y=only_float32(op.keys.astype(np.float64))))
        back = g.reduce_sum(x=g.mul(x=found, y=k - np.arange(float(k))), axes=[0], keep_dims=True)
        row = g.sub(x=float(k), y=back)
    row = g.select(cond=g.not_equal(x=x, y=x), a=np.full(1, k + 1.0), b=row)
    return rows(g, Rows(table=op.table), row)


def one_hot(g: Graph, op: OneHot, x: Var) -> Var:
    """1 in the column that a number names."""
    return g.number(g.equal(x=x, y=np.arange(float(op.size))))
