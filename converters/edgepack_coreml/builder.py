"""The stages of a model in the making."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from edgepack.ir.types import Flags
from edgepack_coreml.feature import Feature, Kind
from edgepack_coreml.proto import messages
from edgepack_coreml.source import Column, Looked, Numbers, Source, Text
from edgepack_coreml.stage import Stage, encoded
from edgepack_coreml.wire import Pieces


class Builder:
    """Collects stages; gives features unique readable names; writes each lazy source once, when it is first needed."""

    def __init__(self, inputs: Iterable[Feature], write: Callable[[Builder, Any], Feature]) -> None:
        """Starts with a model's inputs; `write` adds the stages of a source that is not a feature yet."""
        self.inputs = tuple(inputs)
        self.stages: list[Stage] = []
        self._names = {feature.name for feature in self.inputs}
        self._write = write
        self._written: dict[tuple[int, int], tuple[Source, Feature]] = {}

    def name(self, wish: str) -> str:
        """The name wished for, or the first of `wish_2`, `wish_3`, … that is free."""
        name, n = wish, 1
        while name in self._names:
            n += 1
            name = f"{wish}_{n}"
        self._names.add(name)
        return name

    def feature(self, wish: str, kind: Kind, exact: Flags, float32: Flags) -> Feature:
        """A new feature, named as wished if that name is free."""
        return Feature(name=self.name(wish), kind=kind, exact=exact, float32=float32)

    def add(
        self,
        kind: str,
        inputs: Iterable[Feature],
        outputs: Iterable[Feature],
        message: Any,
        *,
        predicted: str = "",
        probabilities: str = "",
    ) -> None:
        """A stage whose parameters are a `Model` message with nothing but the field `kind`, or what encodes it."""
        body = message if callable(message) else partial(_field, message)
        self.stages.append(
            Stage(
                kind=kind,
                inputs=tuple(inputs),
                outputs=tuple(outputs),
                body=body,
                predicted=predicted,
                probabilities=probabilities,
            )
        )

    def columns(self, table: Numbers) -> Numbers:
        """The same columns, all of features; what is not written yet is written, one column at a time."""
        return tuple(self._written_column(column) for column in table)

    def array(self, table: Numbers) -> Feature:
        """One array feature that holds the table's columns in order."""
        table = self.columns(table)
        features = distinct(table)
        joined = features[0] if len(features) == 1 and features[0].kind == "array" else self._vectorized(features)
        at = positions(table, features)
        if at == list(range(joined.width)):
            return joined
        return self._extracted(joined, at, "array")

    def scalar(self, column: Column) -> Feature:
        """One double feature that holds a column."""
        column = self._written_column(column)
        if isinstance(column.source, Feature) and column.source.kind == "double":
            return column.source
        return self._extracted(self.array((column,)), [0], "double")

    def whole(self, table: Numbers) -> tuple[tuple[Feature, ...], list[int]]:
        """Features that hold the table's columns and no others, and where each column stands among their values."""
        table = self.columns(table)
        features = distinct(table)
        taken = {(c.source.name, c.index) for c in table if isinstance(c.source, Feature)}
        if any((f.name, k) not in taken for f in features for k in range(f.width)):
            array = self.array(table)
            return (array,), list(range(array.width))
        if {f.name for f in features} == {f.name for f in self.inputs}:
            features = self.inputs
        return features, positions(table, features)

    def around(self, table: Numbers) -> tuple[tuple[Feature, ...], list[int]]:
        """Features that hold the table's columns, perhaps among others, and where each column stands.

        Where the model's own inputs serve, they all come, in their order, so that the stage can be the whole model.
        """
        table = self.columns(table)
        features = distinct(table)
        names = {f.name for f in self.inputs}
        if all(f.kind != "string" for f in self.inputs) and all(f.name in names for f in features):
            features = self.inputs
        return features, positions(table, features)

    def _written_column(self, column: Column) -> Column:
        """A column of a feature. Core ML's regressors and mappings give one number, its encoder an array."""
        source, index = column.source, column.index
        if isinstance(source, Feature):
            return column
        encoder = isinstance(source, Looked) and source.one_hot is not None and isinstance(source.of, Text)
        key = (id(source), 0 if encoder else index)
        if key not in self._written:
            narrow = source if encoder or source.width == 1 else source.narrow(index)
            self._written[key] = (source, self._write(self, narrow))
        return Column(source=self._written[key][1], index=index if encoder else 0)

    def _vectorized(self, features: tuple[Feature, ...]) -> Feature:
        exact, float32 = (np.concatenate([getattr(f, flag) for f in features]) for flag in ("exact", "float32"))
        out = self.feature("numbers" if len(features) > 1 else f"{features[0].name}_array", "array", exact, float32)
        message = messages().Model()
        for feature in features:
            message.featureVectorizer.inputList.add(inputColumn=feature.name, inputDimensions=feature.width)
        self.add("featureVectorizer", features, [out], message)
        return out

    def _extracted(self, array: Feature, at: list[int], kind: Kind) -> Feature:
        out = self.feature(f"{array.name}_selected", kind, array.exact[at], array.float32[at])
        message = messages().Model()
        message.arrayFeatureExtractor.extractIndex.extend(at)
        self.add("arrayFeatureExtractor", [array], [out], message)
        return out


def distinct(table: Numbers) -> tuple[Feature, ...]:
    """The features behind a table's columns, in order of their first column."""
    seen = {c.source.name: c.source for c in table if isinstance(c.source, Feature)}
    return tuple(seen.values())


def positions(table: Numbers, features: tuple[Feature, ...]) -> list[int]:
    """Where each column of a table stands among the features' values, side by side."""
    start = dict(zip((f.name for f in features), np.cumsum([0, *(f.width for f in features)]).tolist(), strict=False))
    return [start[c.source.name] + c.index for c in table if isinstance(c.source, Feature)]


def _field(message: Any) -> Pieces:
    return (encoded(message),)
