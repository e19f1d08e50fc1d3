"""The values worth trying in each column of each input."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from edgepack.contract import Columns, Input, InputDtype
from edgepack.ir import Program
from edgepack.ir.ops import Impute, Indicate, Lookup
from edgepack.ir.types import Array, Floats
from edgepack.parity.cuts import cuts
from edgepack.parity.ordered import neighbours
from edgepack.parity.trace import Slot, trace

UNSEEN = "edgepack unseen"
EXAMPLES_PER_COLUMN = 64
VARIED_STRINGS = 12
OTHERS_WORDS = 256
"""How many of the words that any column knows are tried in all others."""
LOOKALIKES = str.maketrans("aceiopxyABCEHKMOPTX", "асеіорхуАВСЕНКМОРТХ")  # Latin to Cyrillic


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """What to try in one slot.

    Attributes:
        values: distinct non-missing values by origin: float64, or object of `str`.
        missing: whether to try a missing value too.
    """

    values: Mapping[str, Array]
    missing: bool

    @property
    def all(self) -> Array:
        """All distinct non-missing values, numbers ascending."""
        parts = [part for part in self.values.values() if len(part)]
        if not parts:
            return np.zeros(1)
        together = np.concatenate(parts)
        return _distinct(together) if together.dtype == object else np.unique(together)


def pools(programs: Iterable[Program], base: Columns) -> dict[Slot, Pool]:
    """The pool of every slot: what the programs compare with, extremes, and values near those of the rows `base`."""
    programs = tuple(programs)
    interface = programs[0].interface
    boundaries: dict[Slot, dict[str, list[Array]]] = {}
    for program in programs:
        for cut in cuts(program):
            of_slot = boundaries.setdefault(cut.chain.slot, {})
            of_slot.setdefault(cut.origin, []).append(cut.on_input(interface.input_dtype))
    known = _known_strings(programs)
    words = _distinct(_objects(word for of_slot in known.values() for word in of_slot))
    words = words[np.linspace(0, len(words) - 1, min(len(words), OTHERS_WORDS)).astype(np.int64)]
    result = {}
    for k, i in enumerate(interface.inputs):
        for j in range(i.width):
            seen = base[i.name][:, j]
            if i.kind == "string":
                values = _strings(i, known.get((k, j), ()), words, seen)
            else:
                values = _numbers(i, boundaries.get((k, j), {}), seen.astype(np.float64), interface.input_dtype)
            result[k, j] = Pool(values=values, missing=i.accepts_missing)
    return result


def _numbers(i: Input, boundaries: Mapping[str, list[Floats]], seen: Floats, dtype: InputDtype) -> dict[str, Array]:
    if i.categories is not None and not i.accepts_unknown:
        return {"categories": np.array([float(c) for c in i.categories])}
    values: dict[str, Array] = {origin: np.unique(np.concatenate(found)) for origin, found in boundaries.items()}
    if i.categories is not None:
        values["categories"] = np.array([float(c) for c in i.categories])
    values["extremes"] = extremes(dtype)
    seen = np.unique(seen[np.isfinite(seen)])
    at = np.linspace(0, len(seen) - 1, min(len(seen), EXAMPLES_PER_COLUMN)).round().astype(np.int64)
    values["near examples"] = neighbours(seen[at], dtype)
    return values


def extremes(dtype: InputDtype) -> Floats:
    """Numbers that arithmetic stumbles over: both zeros, denormals, the smallest normal, ±1, large and very large."""
    info = np.finfo(dtype)
    large = 3e38 if dtype == "float32" else 1e300
    magnitudes = np.array([0.0, float(info.smallest_subnormal), float(info.tiny), 1.0, 1e6, large])
    return np.concatenate([magnitudes, -magnitudes]).astype(dtype).astype(np.float64)


def _known_strings(programs: Iterable[Program]) -> dict[Slot, list[str]]:
    """The strings that the programs compare each slot with."""
    known: dict[Slot, list[str]] = {}
    for program in programs:
        chains = trace(program)
        for node in program.nodes:
            for chain in chains[node.inputs[0]]:
                if chain is None or program.interface.inputs[chain.slot[0]].kind != "string" or chain.is_finite:
                    continue
                match node.op:
                    case Lookup(keys=keys):
                        known.setdefault(chain.slot, []).extend(keys)
                    case Impute(sentinel=str(text)) | Indicate(sentinel=str(text)):
                        known.setdefault(chain.slot, []).append(text)
    return known


def _strings(i: Input, known: Iterable[str], words: Array, seen: Array) -> dict[str, Array]:
    categories = [str(c) for c in i.categories or ()]
    if categories and not i.accepts_unknown:
        return {"categories": _objects(categories)}
    examples = list(_distinct(_objects(s for s in seen if s is not None)))[:EXAMPLES_PER_COLUMN]
    known = [*categories, *known]
    unusual = [UNSEEN, "", " ", "\N{GRINNING FACE}"]
    for text in (known or examples)[:VARIED_STRINGS]:
        unusual += [text.swapcase(), text + " ", " " + text, text.translate(LOOKALIKES), text + "\N{ZERO WIDTH SPACE}"]
        unusual += [unicodedata.normalize("NFD", text), text[:-1]]
        if not known:
            unusual += [" ".join(reversed(text.split())), f"{text} {text}", text.replace(" ", "\n")]
    unusual += words.tolist()  # what another column knows, this one may not: they may share a table
    taken = {i.missing_token, *known}
    return {
        "categories": _distinct(_objects(known)),
        "unusual strings": _distinct(_objects(s for s in unusual if s not in taken)),
        "near examples": _objects(s for s in examples if s not in taken),
    }


def _distinct(x: Array) -> Array:
    return _objects(dict.fromkeys(x))


def _objects(texts: Iterable[str]) -> Array:
    listed = list(texts)
    result = np.empty(len(listed), object)
    result[:] = listed
    return result
