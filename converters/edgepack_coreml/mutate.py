"""Mistakes to plant in a classic Core ML file: what an emitter or a hand could get wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from edgepack.contract import Mutant
from edgepack_coreml.ensemble import LEAF
from edgepack_coreml.proto import messages

CHANGE = 1e-3
MAGNIFIED = 2**20
LABELS = ("stringClassLabels", "int64ClassLabels")
NO_NUMBERS = ("description", "specificationVersion", "isUpdatable")

Way = tuple[str | int, ...]
"""From a message to a part of it: fields, and places in repeated ones."""
Edit = tuple[str, Way, Any, Any]
"""A kind of mistake, the part, what it becomes, and what it becomes with the same mistake magnified."""


def mutants(path: Path, *, each: int, seed: int) -> list[Mutant]:
    """Up to `each` mistakes of every kind that a file has a place for; none for an .mlpackage folder."""
    if path.is_dir():
        return []
    model = messages().Model.FromString(path.read_bytes())
    rng = np.random.default_rng(seed)
    by_kind: dict[str, list[Edit]] = {}
    for edit in _edits(model, (), rng, each):
        by_kind.setdefault(edit[0], []).append(edit)
    by_kind["output name"] = [
        ("output name", ("description", "output", k, "name"), output.name + "_", None)
        for k, output in enumerate(model.description.output)
    ]
    found = []
    for edits in by_kind.values():
        for k in rng.permutation(len(edits))[:each].tolist():
            kind, way, value, larger = edits[k]
            magnified = None if larger is None else _Planted(model, way, larger)
            place = ".".join(map(str, way))
            found.append(Mutant(kind=kind, place=place, plant=_Planted(model, way, value), magnified=magnified))
    return found


@dataclass(frozen=True, slots=True)
class _Planted:
    model: Any
    way: Way
    value: Any

    def __call__(self, path: Path) -> None:
        changed = type(self.model)()
        changed.CopyFrom(self.model)
        owner, last = reduce(_step, self.way[:-1], changed), self.way[-1]
        if isinstance(self.value, list):
            del getattr(owner, str(last))[:]
            getattr(owner, str(last)).extend(self.value)
        elif isinstance(self.value, dict):
            getattr(owner, str(last)).update(self.value)
        elif isinstance(last, int):
            owner[last] = self.value
        else:
            setattr(owner, last, self.value)
        path.write_bytes(changed.SerializeToString())


def _step(message: Any, step: str | int) -> Any:
    return message[step] if isinstance(step, int) else getattr(message, step)


def _edits(message: Any, way: Way, rng: np.random.Generator, each: int) -> Iterator[Edit]:
    """Every place below a message, those of long lists drawn at random."""
    for field, value in message.ListFields():
        here = (*way, field.name)
        if field.name in NO_NUMBERS:
            continue
        if field.name == "treeEnsemble":
            yield from _of_trees(value, here, rng, each)
        elif field.name in LABELS or field.name == "stringCategories":
            yield from _of_texts(field.name, list(value.vector), (*here, "vector"))
        elif field.name == "stringToInt64Map":
            yield from _of_mapping(dict(value.map), (*here, "map"), rng, each)
        elif field.cpp_type in (field.CPPTYPE_DOUBLE, field.CPPTYPE_FLOAT):
            many = hasattr(value, "__len__")
            for k in rng.permutation(len(value))[:each].tolist() if many else [None]:
                yield from _of_number(value if k is None else value[k], here if k is None else (*here, k))
        elif field.cpp_type == field.CPPTYPE_MESSAGE and not hasattr(value, "keys"):
            if hasattr(value, "__len__"):
                for k in range(len(value)):
                    yield from _edits(value[k], (*here, k), rng, each)
            else:
                yield from _edits(value, here, rng, each)


def _of_trees(trees: Any, way: Way, rng: np.random.Generator, each: int) -> Iterator[Edit]:
    leaf = np.array([n.nodeBehavior == LEAF for n in trees.nodes], np.bool_)
    for k in rng.permutation(np.flatnonzero(~leaf))[:each].tolist():
        node, at = trees.nodes[k], (*way, "nodes", k)
        below = _float32_below(node.branchFeatureValue)
        for side in (np.inf, -np.inf) if np.isfinite(below) else ():  # nothing lies beyond what tells NaN from numbers
            yield "threshold", (*at, "branchFeatureValue"), float(np.nextafter(below, np.float32(side))), None
        yield "missing", (*at, "missingValueTracksTrueChild"), not node.missingValueTracksTrueChild, None
    for k in rng.permutation(np.flatnonzero(leaf))[:each].tolist():
        for e, entry in enumerate(trees.nodes[k].evaluationInfo):
            at, old = (*way, "nodes", k, "evaluationInfo", e, "evaluationValue"), entry.evaluationValue
            yield "leaf", at, old + CHANGE * max(abs(old), 1.0), None
            yield _last_bits(old, at)


def _of_texts(name: str, texts: list[Any], way: Way) -> Iterator[Edit]:
    if len(texts) > 1:
        yield "labels" if name in LABELS else "category", way, texts[::-1], None


def _of_mapping(codes: dict[str, int], way: Way, rng: np.random.Generator, each: int) -> Iterator[Edit]:
    keys = sorted(codes)
    for _ in range(each if len(set(codes.values())) > 1 else 0):
        a = keys[int(rng.integers(len(keys)))]
        b = str(rng.choice([key for key in keys if codes[key] != codes[a]]))
        yield "category", way, {a: codes[b], b: codes[a]}, None


def _of_number(old: float, way: Way) -> Iterator[Edit]:
    if np.isfinite(old):
        yield "weight", way, old + CHANGE * max(abs(old), CHANGE), None
        yield _last_bits(old, way)


def _last_bits(old: float, way: Way) -> Edit:
    step = float(np.spacing(old))
    return "last bits", way, old + step, old + MAGNIFIED * step


def _float32_below(threshold: float) -> np.float32:
    """The last float32 that goes to the true side."""
    with np.errstate(over="ignore"):
        near = np.float32(threshold)
    return near if near <= threshold else np.nextafter(near, np.float32(-np.inf))
