"""From a text to the numbers that a model takes: which terms there are, and how often.

No runtime on a phone splits and folds text as Python does without a locale, so an app does it, by the rules that a
bundle's manifest states and its golden rows show. This is those rules' reference, in Python's own words; it shares no
code with scikit-learn, beside whose answers parity tests it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Unit = Literal["word", "char", "char_wb", "whole"]


@dataclass(frozen=True, kw_only=True)
class Analyzer:
    """How a text becomes terms.

    Attributes:
        unit: `word`, `char` (characters across words), `char_wb` (within words, each with a space on both sides), or
            `whole`: the text is one term.
        ngrams: the shortest and the longest run of units that is a term.
        lowercase: Unicode's full lower case first, independent of any locale (`str.lower`).
        strip_accents: then, `unicode`: NFKD without combining characters; `ascii`: NFKD without what is not ASCII.
        token_pattern: for words: a regular expression of Python's `re`, every match of which (its group, if it has one)
            is a word. `\\w`, `\\b`, `\\d` and `\\s` are Unicode's.
        stop_words: words that are dropped before runs are made.
        prefix: what stands before a whole text in its term.
    """

    unit: Unit
    ngrams: tuple[int, int]
    lowercase: bool
    strip_accents: Literal["ascii", "unicode"] | None
    token_pattern: str | None
    stop_words: tuple[str, ...] = ()
    prefix: str = ""

    def terms(self, text: str) -> list[str]:
        """All terms of a text, those that occur twice twice."""
        text = text.lower() if self.lowercase else text
        text = _without_accents(text, self.strip_accents)
        if self.unit == "whole":
            return [self.prefix + text]
        if self.unit == "word":
            words = [word for word in re.findall(str(self.token_pattern), text) if word not in self._stopped]
            return [" ".join(run) for run in _runs(words, *self.ngrams)]
        text = re.sub(r"\s\s+", " ", text)
        if self.unit == "char":
            return ["".join(run) for run in _runs(text, *self.ngrams)]
        return [term for word in text.split() for term in _within(f" {word} ", *self.ngrams)]

    @cached_property
    def _stopped(self) -> frozenset[str]:
        return frozenset(self.stop_words)


def _without_accents(text: str, form: str | None) -> str:
    if form is None or text.isascii():
        return text
    parts = unicodedata.normalize("NFKD", text)
    if form == "ascii":
        return parts.encode("ascii", "ignore").decode("ascii")
    return "".join(c for c in parts if not unicodedata.combining(c))


def _runs(units: Sequence[str], shortest: int, longest: int) -> Iterator[Sequence[str]]:
    for length in range(shortest, min(longest, len(units)) + 1):
        for start in range(len(units) - length + 1):
            yield units[start : start + length]


def _within(word: str, shortest: int, longest: int) -> Iterator[str]:
    """Runs within a padded word; one that is shorter than the run is a term of its own, once."""
    for length in range(shortest, longest + 1):
        if length >= len(word):
            yield word
            return
        yield from (word[start : start + length] for start in range(len(word) - length + 1))


@dataclass(frozen=True, kw_only=True)
class TextStep:
    """What an app makes of one text input: a row of counts, which the artifact takes in the text's place.

    Attributes:
        input: the text's own name among the model's inputs.
        name: the name of the counts among the artifact's inputs.
        analyzer: how the text becomes terms.
        vocabulary: the term that each column counts; terms that are not among them count nowhere. None: see `hashed`.
        hashed: into how many columns terms are hashed: `|h| mod hashed`, where h is the signed 32-bit MurmurHash3
            (x86, seed 0) of a term's UTF-8 bytes.
        alternate_sign: whether a hashed term with negative h counts −1.
        binary: whether every column that a term falls into is 1, however often.
    """

    input: str
    name: str
    analyzer: Analyzer
    vocabulary: tuple[str, ...] | None = None
    hashed: int | None = None
    alternate_sign: bool = False
    binary: bool = False

    @property
    def width(self) -> int:
        """How many columns."""
        return len(self.vocabulary) if self.vocabulary is not None else int(self.hashed or 0)

    def counts(self, texts: NDArray[Any]) -> NDArray[np.float64]:
        """`(rows, width) float64` for texts `(rows,)`; a missing text has no terms."""
        table = np.zeros((len(texts), self.width))
        for row, text in zip(table, texts.tolist(), strict=True):
            for term, count in Counter([] if text is None else self.analyzer.terms(text)).items():
                column, sign = self._column(term)
                if column is not None:
                    row[column] = 1.0 if self.binary else row[column] + sign * count
        return table

    def _column(self, term: str) -> tuple[int | None, int]:
        if self.vocabulary is not None:
            return self._places.get(term), 1
        from sklearn.utils import murmurhash3_32

        h = int(murmurhash3_32(term.encode("utf-8", "surrogatepass"), seed=0))
        return abs(h) % int(self.hashed or 1), -1 if self.alternate_sign and h < 0 else 1

    @cached_property
    def _places(self) -> dict[str, int]:
        return {term: k for k, term in enumerate(self.vocabulary or ())}
