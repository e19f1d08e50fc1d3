"""Splits on a column whose values are finitely many: which sides they take, and codes that keep them single splits.

A categorical column has a finite domain: its keys, any other value (unknown), and missing. Whatever chain of
encoders, scalers and imputers stands behind it, a split sends some of the domain left. Values that no split tells
apart share one code; codes are ordered so that as many splits as possible become `code <= c`, the others become
`code == c`, and what is neither gets a column of its own that says the side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgepack.ir.ops import Impute, Indicate, Lookup, Op
from edgepack.ir.types import Array, Flags, Floats, Integers
from edgepack.passes.trace import Path

UNKNOWN = "\N{REPLACEMENT CHARACTER}unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Domain:
    """All the values that a column's splits can tell apart.

    Attributes:
        keys: `(k,)` the named values: object holding `str`, or float64.
        values: `(k + 2,)` the keys, one value that is no key, and missing: what the chains are run on.
    """

    keys: Array
    values: Array

    @property
    def is_string(self) -> bool:
        """Whether the column holds strings."""
        return self.keys.dtype == object


def finite_part(path: Path) -> int | None:
    """Where the finite part of a path starts: 0 if only imputation precedes its first finite op, else that op.

    A Lookup is finite, and so is an Indicate; but one of NaN alone is a number's own missing branch.
    """
    if all(not isinstance(link.op, Lookup | Indicate) or _is_of_nan(link.op) for link in path.links):
        return None
    first = next(k for k, link in enumerate(path.links) if isinstance(link.op, Lookup | Indicate))
    return 0 if all(isinstance(link.op, Impute) for link in path.links[:first]) else first


def _is_of_nan(op: Op) -> bool:
    return isinstance(op, Indicate) and isinstance(op.sentinel, float) and op.sentinel != op.sentinel


def domain_of(paths: Sequence[Path]) -> Domain:
    """The domain of the column that all these finite paths start from."""
    named: dict[object, None] = {}
    is_string = False
    for path in paths:
        for link in path.links:
            match link.op:
                case Impute(fill=fill, sentinel=sentinel):
                    named.update(dict.fromkeys(v for v in (fill[0], sentinel) if v is not None and v == v))
                    continue
                case Lookup(keys=keys):
                    is_string |= keys.dtype == object
                    named.update(dict.fromkeys(keys.tolist()))
                case Indicate(sentinel=sentinel):
                    is_string |= sentinel is None or isinstance(sentinel, str)
                    named.update(dict.fromkeys(v for v in (sentinel,) if v is not None and v == v))
            break
    if is_string:
        keys = np.array(list(named), object)
        return Domain(keys, np.array([*named, UNKNOWN, None], object))
    keys = np.array(sorted(float(v) for v in named), np.float64)  # type: ignore[arg-type]
    unknown = 0.5
    while unknown in keys:
        unknown += 1.0
    return Domain(keys, np.array([*keys, unknown, np.nan]))


@dataclass(frozen=True, slots=True, eq=False)
class Coding:
    """How the distinct splits on one categorical column are said.

    Attributes:
        codes: `(k + 2,)` the code of each domain value.
        threshold, equal, flip: per split: `code <= t` (or `==`) goes left; children change places where `flip`.
        side: per split: the number of the extra 0/1 column that it needs instead, −1 where it needs none.
        sides: `(k + 2, extra columns)`: 0 where a value goes left, else 1.
    """

    codes: Floats
    threshold: Floats
    equal: Flags
    flip: Flags
    side: Integers
    sides: Floats


def code(goes_left: Flags) -> Coding:
    """The coding for splits given as `(k + 2, splits)`: which domain values go left."""
    classes, members = np.unique(goes_left, axis=0, return_inverse=True)
    members = members.reshape(-1)
    order = np.argsort(-classes.sum(axis=1), kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    ordered = classes[order]  # (classes, splits)
    count, n = ordered.sum(axis=0), len(ordered)
    turns_once = (ordered[1:] != ordered[:-1]).sum(axis=0) <= 1
    prefix, suffix = ordered[0] & turns_once, ~ordered[0] & turns_once
    one_in, one_out = count == 1, count == n - 1
    threshold = np.where(prefix, count - 1.0, n - count - 1.0)
    single = ~prefix & ~suffix & (one_in | one_out)
    where_in, where_out = ordered.argmax(axis=0), (~ordered).argmax(axis=0)
    threshold = np.where(single, np.where(one_in, where_in, where_out), threshold).astype(np.float64)
    extra = np.flatnonzero(~prefix & ~suffix & ~single)
    distinct, which = np.unique(goes_left[:, extra], axis=1, return_inverse=True)
    side = np.full(goes_left.shape[1], -1, np.int64)
    side[extra] = which.reshape(-1)
    threshold[extra] = 0.5
    return Coding(
        codes=rank[members].astype(np.float64),
        threshold=threshold,
        equal=single,
        flip=suffix | (single & ~one_in),
        side=side,
        sides=(~distinct).astype(np.float64) if len(extra) else np.zeros((len(goes_left), 0)),
    )
