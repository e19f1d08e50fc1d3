"""From a worker's table back to an estimator of the installed scikit-learn.

The table is the word of a process that may have run anything. Only names on edgepack's own list are looked up, only
estimators and what they are known to hold are made, and `edgepack.source.bounds` looks at the result.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgepack.errors import SourceError
from edgepack.source.isolated.changes import renamed, updated

_BUILTINS = frozenset(f"builtins.{name}" for name in ("bool", "bytes", "float", "int", "object", "str"))


def rebuild(table: Mapping[str, Any], tensors: Mapping[str, Any], sklearn_version: str, trusted: frozenset[str]) -> Any:
    """The estimator of a table as `inside/flatten.py` lays it out.

    Args:
        trusted: full names of what may be made beside scikit-learn's own estimators.

    Raises:
        SourceError: it holds what edgepack does not trust, or is no such table.
    """
    version = tuple(int(part) if part.isdigit() else 0 for part in sklearn_version.split(".")[:2])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _Builder(table["table"], tensors, version, trusted).value(table["root"])
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError, OverflowError) as error:
        reason = " ".join(str(error).split())[:200]
        raise SourceError(
            f"its state under scikit-learn {sklearn_version} is not understood ({type(error).__name__}: {reason}); "
            "retrain the model"
        ) from error


class _Builder:
    def __init__(
        self, table: list[Any], tensors: Mapping[str, Any], version: tuple[int, ...], trusted: frozenset[str]
    ) -> None:
        self._table = table
        self._tensors = tensors
        self._version = version
        self._trusted = trusted
        self._made: dict[int, Any] = {}

    def value(self, said: Any) -> Any:
        if said is None or type(said) in (bool, str, int, float):
            return said
        place = said["at"]
        if place not in self._made:
            self._build(place, self._table[place])
        return self._made[place]

    def _build(self, place: int, entry: Mapping[str, Any]) -> None:
        """Makes an entry. What may hold itself (lists, dictionaries, objects) is known before its contents are."""
        match entry:
            case {"list": list(items)}:
                made: Any = []
                self._made[place] = made
                made.extend(map(self.value, items))
            case {"dict": list(items)}:
                made = self._made[place] = {}
                made.update((self.value(key), self.value(item)) for key, item in items)
            case {"class": str(name), "made": list(), "state": _}:
                self._make(place, renamed(name), entry)
            case _:
                self._made[place] = self._plain(entry)

    def _plain(self, entry: Mapping[str, Any]) -> Any:
        match entry:
            case {"tuple": list(items)}:
                return tuple(map(self.value, items))
            case {"set": list(items)}:
                return set(map(self.value, items))
            case {"array": str(name), "across": bool(across)}:
                return self._tensor(name).copy().T if across else self._tensor(name).copy()
            case {"scalar": str(name)}:
                return self._tensor(name)[0]
            case {"bytes": str(name)}:
                return self._tensor(name).tobytes()
            case {"bytearray": str(name)}:  # XGBoost reads its model out of one, in place
                return bytearray(self._tensor(name).tobytes())
            case {"records": list(fields)}:
                columns = {name: self._tensor(tensor) for name, tensor in fields}
                (shape,) = {column.shape[:1] for column in columns.values()}
                layout = [(name, column.dtype, column.shape[1:]) for name, column in columns.items()]
                records = np.zeros(shape, layout)
                for name, column in columns.items():
                    records[name] = column
                return records
            case {"objects": list(items), "shape": list(shape), "text": bool(text)}:
                values = [self.value(item) for item in items]
                if text:
                    return np.array(values, dtype=str).reshape(shape)
                array = np.empty(len(values), object)
                for k, value in enumerate(values):
                    array[k] = value
                return array.reshape(shape)
            case {"sparse": "csr" | "csc" as form, "parts": list(parts), "shape": list(shape)}:
                import scipy.sparse

                return getattr(scipy.sparse, f"{form}_matrix")(tuple(map(self.value, parts)), shape=shape)
            case {"name": str(name)}:
                return _named(renamed(name), self._trusted)
            case {"dtype": str(text)}:
                return np.dtype(text)
            case {"slice": list(parts)}:
                return slice(*map(self.value, parts))
            case {"random": True}:
                return np.random.RandomState(0)
        raise ValueError(f"{entry!s:.80} is no entry of a table")

    def _tensor(self, name: str) -> Any:
        tensor = self._tensors[name]
        if tensor.dtype.kind not in "biufc":
            raise ValueError(f"{name} holds no numbers")
        return tensor

    def _make(self, place: int, name: str, entry: Mapping[str, Any]) -> None:
        if name.startswith("sklearn._loss.loss."):  # nothing in it was learned
            count = self._class_count(entry["state"])
            self._made[place] = _trusted(name, self._trusted)(**({"n_classes": count} if "Multinomial" in name else {}))
            return
        kind = _trusted(name, self._trusted)
        arguments = map(self.value, entry["made"])
        made = self._made[place] = kind(*arguments) if entry["called"] else kind.__new__(kind, *arguments)
        state = updated(made, self.value(entry["state"]), self._version)
        if hasattr(made, "__setstate__"):
            made.__setstate__(state)
        elif state is not None:
            made.__dict__.update(state)

    def _class_count(self, said: Any) -> Any:
        """Out of a loss's state, without a look at the rest of it; gradient boosting called it `K`."""
        entry = {} if said is None else self._table[said["at"]]
        return next((self.value(item) for key, item in entry.get("dict", ()) if key in ("n_classes", "K")), None)


def _trusted(name: str, listed: frozenset[str]) -> Any:
    """A class that may be made. Raises `SourceError`."""
    from sklearn.base import BaseEstimator

    if name in listed:
        return _found(name)
    if name.startswith("sklearn."):
        kind = _found(name)
        if isinstance(kind, type) and issubclass(kind, BaseEstimator):
            return kind
    raise SourceError(
        f"holds a {name}, which edgepack does not trust; build the pipeline from scikit-learn's own steps and numpy's "
        "ufuncs, teach edgepack yours (docs/extending.md), or give --env current if you trust the model"
    )


def _named(name: str, listed: frozenset[str]) -> Any:
    """A class or function that a model may refer to. Raises `SourceError`."""
    if name in _BUILTINS:
        return _found(name)
    if name.startswith(("numpy.", "scipy.special.")):
        found = _found(name)
        if isinstance(found, np.ufunc) or (isinstance(found, type) and issubclass(found, np.generic)):
            return found
    return _trusted(name, listed)


def _found(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)
