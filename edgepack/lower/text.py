"""Text: what counts terms is a host step; what is made of the counts is arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.feature_extraction import text as sk_text

from edgepack.contract import Problem
from edgepack.host.text import Analyzer, TextStep
from edgepack.ir.ops import Affine, Binary, Clip, Count, Elementwise, Impute, Reduce, Where
from edgepack.lower.builder import Builder, Misfit, Refused, Table

MOST_COLUMNS = 1 << 17
"""A row of counts is passed densely: at most half a megabyte of float32."""


def count_vectorizer(est: Any, table: Table, b: Builder) -> Table:
    """Counts of the fitted vocabulary's terms."""
    return counted(table, _analyzer(est), b, vocabulary=_vocabulary(est), binary=bool(est.binary))


def tfidf_vectorizer(est: Any, table: Table, b: Builder) -> Table:
    """Counts, weighted as by a TfidfTransformer."""
    return tfidf_transformer(est._tfidf, count_vectorizer(est, table, b), b)


def hashing_vectorizer(est: Any, table: Table, b: Builder) -> Table:
    """Counts of hashed terms, then the norm."""
    if est.n_features > MOST_COLUMNS:
        raise Refused(f"n_features={est.n_features}, a row of which no phone should fill; give at most {MOST_COLUMNS}")
    how = {"alternate_sign": bool(est.alternate_sign), "binary": bool(est.binary)}
    return _normed(est.norm, counted(table, _analyzer(est), b, hashed=int(est.n_features), **how), b)


def tfidf_transformer(est: Any, table: Table, b: Builder) -> Table:
    """`(log(count) + 1)` of what is there, times the inverse document frequency, each row divided by its norm."""
    x = b.doubles(table)
    if est.sublinear_tf:
        logarithm = b.emit(Affine(offset=np.ones(len(table))), b.emit(Elementwise(function="log"), x))
        x = b.emit(Where(), x, logarithm, x)
    elif est.norm is not None and not table.sparse:  # any numbers: small ones would lose their squares in float32
        largest = b.emit(Reduce(function="max"), b.emit(Elementwise(function="absolute"), x))
        x = b.emit(Binary(function="divide"), x, b.emit(Clip(low=np.full(1, 1e-30), high=np.ones(1)), largest))
    if hasattr(est, "idf_"):
        x = b.emit(Affine(factor=np.asarray(est.idf_, np.float64)), x)
    return _normed(est.norm, b.table(x, sparse=True), b)


TRANSFORMERS = {
    sk_text.CountVectorizer: count_vectorizer,
    sk_text.HashingVectorizer: hashing_vectorizer,
    sk_text.TfidfTransformer: tfidf_transformer,
    sk_text.TfidfVectorizer: tfidf_vectorizer,
}


def shared_texts(b: Builder) -> list[Problem]:
    """Where a text whose terms an app counts is also taken as it is: an artifact has no input for it."""
    counted = {f"i{k}": i.name for k, i in enumerate(b.inputs) if i.name in {step.input for step in b.texts}}
    return [
        Problem(
            step=node.step,
            reason=f"takes {counted[name]!r} as it is, whose terms another step counts",
            remedy="pass a copy of the column under a name of its own",
        )
        for node in b.nodes
        if not isinstance(node.op, Count)
        for name in node.inputs
        if name in counted
    ]


def counted(table: Table, analyzer: Analyzer, b: Builder, **how: Any) -> Table:
    """A column of texts as the counts that a host step makes of it; `how` is a `TextStep`'s."""
    columns = table.columns
    if len(columns) != 1 or columns[0].kind != "string" or columns[0].source is None:
        raise Misfit("takes one column of texts as it came in; select it by its name, not in a list")
    name = b.inputs[columns[0].source].name
    taken = [step.name for step in b.texts]
    counts = f"{name}_counts"
    step = TextStep(
        input=name,
        name=counts if counts not in taken else f"{counts}_{len(taken) + 1}",
        analyzer=analyzer,
        **how,
    )
    b.texts.append(step)
    return b.table(b.emit(Count(step=step), b.gather(table)), sparse=True)


def _analyzer(est: Any) -> Analyzer:
    for option in ("preprocessor", "tokenizer"):
        if getattr(est, option) is not None:
            raise Refused(f"{option}={getattr(est, option)!r:.40} is code; say it by token_pattern and lowercase")
    if callable(est.analyzer) or callable(est.strip_accents):
        raise Refused("analyzer or strip_accents is code; use the ones that scikit-learn knows by name")
    if est.input != "content":
        raise Refused(f"input={est.input!r}; give the texts themselves")
    words = est.analyzer == "word"
    return Analyzer(
        unit=est.analyzer,
        ngrams=tuple(int(n) for n in est.ngram_range),  # type: ignore[arg-type]
        lowercase=bool(est.lowercase),
        strip_accents=est.strip_accents,
        token_pattern=est.token_pattern if words else None,
        stop_words=tuple(sorted(est.get_stop_words() or ())) if words else (),
    )


def _vocabulary(est: Any) -> tuple[str, ...]:
    terms = sorted(est.vocabulary_, key=est.vocabulary_.__getitem__)
    if len(terms) > MOST_COLUMNS:
        raise Refused(f"{len(terms)} terms, a row of which no phone should fill; give max_features or min_df")
    return tuple(map(str, terms))


def _normed(norm: str | None, table: Table, b: Builder) -> Table:
    """Each row divided by its l1 or l2 norm, unless that is 0."""
    if norm is None:
        return table
    x = b.gather(table)
    size = b.emit(Elementwise(function="absolute" if norm == "l1" else "square"), x)
    length = b.emit(Reduce(function="sum"), size)
    if norm == "l2":
        length = b.emit(Elementwise(function="sqrt"), length)
    filled = b.emit(Impute(fill=np.ones(1), sentinel=0.0), length)
    return b.table(b.emit(Binary(function="divide"), x, filled), sparse=True)
