"""Records: a row's values by name, spread over columns by `name` or `name=value`, or by the hash of these."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import feature_extraction
from sklearn.utils import murmurhash3_32

from edgepack.host.text import Analyzer
from edgepack.ir.ops import Affine, Impute, Linear, Lookup, OneHot, Sum
from edgepack.lower.builder import Builder, Column, Misfit, Refused, Table
from edgepack.lower.meta.members import placed
from edgepack.lower.text import MOST_COLUMNS, counted


def dict_vectorizer(est: Any, table: Table, b: Builder) -> Table:
    """A number goes to the column of its name, a string puts 1 into that of `name=value`; absent ones leave 0."""
    numbers, strings = _by_kind(table, b)
    _refuse_narrow(est, numbers)
    found: dict[int, Column] = {}
    for name, column in numbers.items():
        if name in est.vocabulary_:
            _put(found, [est.vocabulary_[name]], b.table(_present([column], b)), est)
    for name, column in strings.items():
        keys = _values_of(name, est)
        if keys:
            at = [est.vocabulary_[f"{name}{est.separator}{key}"] for key in keys]
            _put(found, at, b.table(_one_hot(column, keys, b)), est)
    if unsaid := [term for term in est.vocabulary_ if est.vocabulary_[term] not in found]:
        raise Refused(f"no column of the sample gives {', '.join(unsaid[:5])}; give a sample with every fitted key")
    dtype = np.dtype(est.dtype).name
    return Table(tuple(found[k] for k in sorted(found)), sparse=bool(est.sparse)).held_as(dtype)


def feature_hasher(est: Any, table: Table, b: Builder) -> Table:
    """A number is added to the column of its name's hash; a string counts in that of `name=value`, by a host step."""
    if est.input_type != "dict":
        raise Refused(f"input_type={est.input_type!r} has no columns of a table; use input_type='dict'")
    if est.n_features > MOST_COLUMNS:
        raise Refused(f"n_features={est.n_features}, a row of which no phone should fill; give at most {MOST_COLUMNS}")
    numbers, strings = _by_kind(table, b)
    _refuse_narrow(est, numbers)
    parts = [_hashed(numbers, est, b)] if numbers else []
    for name, column in strings.items():
        whole = Analyzer(
            unit="whole", ngrams=(1, 1), lowercase=False, strip_accents=None, token_pattern=None, prefix=f"{name}="
        )
        hashed, signed = int(est.n_features), bool(est.alternate_sign)
        alone = Table((column,))
        parts.append(b.gather(counted(alone, whole, b, hashed=hashed, alternate_sign=signed)))
    total = parts[0] if len(parts) == 1 else b.emit(Sum(), *parts)
    return b.table(total, sparse=True, dtype=np.dtype(est.dtype).name)


TRANSFORMERS = {
    feature_extraction.DictVectorizer: dict_vectorizer,
    feature_extraction.FeatureHasher: feature_hasher,
}


def _by_kind(table: Table, b: Builder) -> tuple[dict[str, Column], dict[str, Column]]:
    """The columns of numbers and those of strings, by name."""
    if not table.columns or any(column.source is None for column in table.columns):
        raise Misfit("takes records as they come in; give a sample with named columns, and let no step come before")
    names = [(b.inputs[int(column.source or 0)].name, column) for column in table.columns]
    numbers = {name: column for name, column in names if column.kind == "number"}
    return numbers, {name: column for name, column in names if column.kind == "string"}


def _refuse_narrow(est: Any, numbers: dict[str, Column]) -> None:
    if numbers and np.dtype(est.dtype) != np.float64:
        raise Refused(f"dtype={np.dtype(est.dtype).name} rounds the numbers; give dtype=np.float64")


def _values_of(name: str, est: Any) -> list[str]:
    prefix = f"{name}{est.separator}"
    return [term.removeprefix(prefix) for term in est.vocabulary_ if term.startswith(prefix)]


def _put(found: dict[int, Column], at: list[int], table: Table, est: Any) -> None:
    if taken := [k for k in at if k in found]:
        raise Refused(f"two columns of the sample give {est.feature_names_[taken[0]]}; rename one, and fit again")
    found.update(zip(at, table.columns, strict=True))


def _one_hot(column: Column, keys: list[str], b: Builder) -> str:
    index = np.array([*range(len(keys)), -1.0, -1.0])
    b.categories[int(column.source or 0)] = tuple(keys)
    looked_up = b.emit(Lookup(keys=np.array(keys, object), table=index[:, None]), b.gather(Table((column,))))
    return b.emit(OneHot(size=len(keys)), looked_up)


def _present(columns: list[Column], b: Builder) -> str:
    """Numbers, 0 where one is missing."""
    return b.emit(Impute(fill=np.zeros(len(columns)), sentinel=np.nan), b.gather(Table(tuple(columns))))


def _hashed(numbers: dict[str, Column], est: Any, b: Builder) -> str:
    """The numbers at their columns; those that share one are added, each with its sign."""
    hashes = [int(murmurhash3_32(name.encode("utf-8"), seed=0)) for name in numbers]
    signs = np.array([-1.0 if est.alternate_sign and h < 0 else 1.0 for h in hashes])
    at, which = np.unique([abs(h) % est.n_features for h in hashes], return_inverse=True)
    x = _present(list(numbers.values()), b)
    if len(at) < len(hashes):
        coef = np.where(which == np.arange(len(at))[:, None], signs, 0.0)
        return placed(b.emit(Linear(coef=coef, intercept=np.zeros(len(at))), x), at, est.n_features, b)
    signed = b.emit(Affine(factor=signs), x) if (signs < 0).any() else x
    ordered = b.gather(b.table(signed).take(np.argsort(which).tolist()))
    return placed(ordered, at, est.n_features, b)
