"""A fitted estimator as a table of plain things: names of classes, numbers, texts and arrays.

A value is JSON's own (`null`, truth values, numbers, texts) or `{"at": k}`, the k-th entry of the table:

    {"list" | "tuple" | "set": [value, …]}          {"dict": [[key, value], …]}
    {"array": tensor, "across": false}              {"objects": [value, …], "shape": […], "text": false}
    {"records": [[field, tensor], …]}               {"scalar": tensor}        {"bytes" | "bytearray": tensor}
    {"sparse": "csr" | "csc", "parts": [data, indices, indptr], "shape": […]}
    {"name": "numpy.log1p"}                         {"dtype": "<f8"}          {"slice": [value, value, value]}
    {"class": name, "called": true | false, "made": [value, …], "state": value}    {"random": true}
"""

from __future__ import annotations

import collections
import inspect
from typing import Any

import numpy as np

_LONGEST = 5_000_000


def flatten(root: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The table with its root, and the tensors by name. Raises `ValueError` for what has no plain form."""
    flat = _Flat()
    return {"root": flat.value(root), "table": flat.table}, flat.tensors


class _Flat:
    def __init__(self) -> None:
        self.table: list[Any] = []
        self.tensors: dict[str, Any] = {}
        self._places: dict[int, int] = {}
        self._kept: list[Any] = []  # so that no id is given twice

    def value(self, thing: Any) -> Any:
        if thing is None or type(thing) in (bool, str, int, float):
            return thing
        if isinstance(thing, np.str_):
            return str(thing)
        if id(thing) not in self._places:
            if len(self.table) > _LONGEST:
                raise ValueError(f"an estimator of more than {_LONGEST} parts")
            self._places[id(thing)] = place = len(self.table)
            self._kept.append(thing)
            self.table.append(None)
            self.table[place] = self._entry(thing)
        return {"at": self._places[id(thing)]}

    def _entry(self, thing: Any) -> dict[str, Any]:
        kind = type(thing)
        if kind in (list, tuple, set, frozenset):
            return {"set" if kind is frozenset else kind.__name__: [self.value(item) for item in thing]}
        if isinstance(thing, collections.UserList):
            return {"list": [self.value(item) for item in thing.data]}
        if kind in (dict, collections.OrderedDict, collections.defaultdict):  # LightGBM keeps its scores in these
            return {"dict": [[self.value(key), self.value(item)] for key, item in thing.items()]}
        if kind in (bytes, bytearray):
            return {kind.__name__: self._tensor(np.frombuffer(bytes(thing), np.uint8))}
        if isinstance(thing, np.ndarray):
            return self._array(np.asarray(thing))
        if isinstance(thing, np.generic) and thing.dtype.kind in "biufc":
            return {"scalar": self._tensor(np.asarray(thing).reshape(1))}
        if isinstance(thing, np.dtype):
            return {"dtype": thing.str}
        if kind is slice:
            return {"slice": [self.value(part) for part in (thing.start, thing.stop, thing.step)]}
        if isinstance(thing, (np.random.RandomState, np.random.Generator)):
            return {"random": True}
        if isinstance(thing, np.ufunc):
            home = "numpy" if getattr(np, thing.__name__, None) is thing else "scipy.special"
            return {"name": f"{home}.{thing.__name__}"}
        if isinstance(thing, type) or inspect.isroutine(thing):
            return {"name": _name(thing)}
        if hasattr(thing, "tocsr") and hasattr(thing, "nnz"):
            matrix = thing if thing.format in ("csr", "csc") else thing.tocsr()
            parts = [self.value(part) for part in (matrix.data, matrix.indices, matrix.indptr)]
            return {"sparse": matrix.format, "parts": parts, "shape": [int(n) for n in matrix.shape]}
        return self._made(thing)

    def _array(self, array: Any) -> dict[str, Any]:
        if array.dtype.names:
            fields = [[name, self._tensor(np.ascontiguousarray(array[name]))] for name in array.dtype.names]
            return {"records": fields}
        if array.dtype.kind in "biufc":
            across = array.flags.f_contiguous and not array.flags.c_contiguous  # sums depend on the order in memory
            return {"array": self._tensor(array.T if across else array), "across": across}
        items = [self.value(item) for item in array.ravel().tolist()]
        return {"objects": items, "shape": list(array.shape), "text": array.dtype.kind == "U"}

    def _tensor(self, array: Any) -> str:
        name = f"t{len(self.tensors)}"
        self.tensors[name] = array
        return name

    def _made(self, thing: Any) -> dict[str, Any]:
        """By what pickle would store of it."""
        reduced = thing.__reduce_ex__(2)
        if isinstance(reduced, str) or any(reduced[3:]):
            raise ValueError(f"{_name(type(thing))} has no plain form")
        maker, arguments = reduced[0], list(reduced[1])
        called = maker is type(thing)
        if not called:
            if not arguments or arguments[0] is not type(thing):
                raise ValueError(f"{_name(type(thing))} has no plain form")
            arguments = arguments[1:]
        return {
            "class": _name(type(thing)),
            "called": called,
            "made": [self.value(argument) for argument in arguments],
            "state": self.value(reduced[2] if len(reduced) > 2 else None),
        }


def _name(thing: Any) -> str:
    return f"{getattr(thing, '__module__', None) or 'builtins'}.{thing.__qualname__}"
