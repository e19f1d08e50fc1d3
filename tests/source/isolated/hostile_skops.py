"""skops files that no model wrote, by what is wrong with them; `{ran}` is a file that they would make."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from skops.io._audit import NODE_TYPE_MAPPING

from .malice import Run

Made = Callable[[str], bytes]


def packed(schema: Any, members: Mapping[str, bytes] | None = None, *, text: str | None = None) -> bytes:
    """An archive of members and a schema, which may be any text."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (members or {}).items():
            archive.writestr(name, content)
        archive.writestr("schema.json", json.dumps(schema) if text is None else text)
    return whole.getvalue()


def node(loader: str, module: str, name: str, **more: Any) -> dict[str, Any]:
    return {"__class__": name, "__module__": module, "__loader__": loader, "protocol": 2, **more}


def plain(value: Any) -> dict[str, Any]:
    return node("JsonNode", "builtins", "str", content=json.dumps(value), is_json=True)


def listed(*nodes: Any) -> dict[str, Any]:
    return node("ListNode", "builtins", "list", content=list(nodes))


def array(name: str, number: int = 1) -> dict[str, Any]:
    return node("NdArrayNode", "numpy", "ndarray", type="numpy", file=name, __id__=number)


def npy(values: Any, *, pickles: bool = False) -> bytes:
    whole = io.BytesIO()
    np.save(whole, values, allow_pickle=pickles)
    return whole.getvalue()


def npz(**arrays: Any) -> bytes:
    whole = io.BytesIO()
    np.savez_compressed(whole, **arrays)
    return whole.getvalue()


def sparse(name: str) -> dict[str, Any]:
    return node("SparseMatrixNode", "scipy.sparse", "csr_matrix", type="scipy", file=name)


def odd(loader: str) -> Made:
    """A node that names a system call, in a form that its loader does not expect."""
    told = plain("x")
    more = {"content": {"func": told, "obj": told}, "reduce": told, "args": told, "type": "json", "key_types": told}
    return lambda _: packed(node(loader, "os", "system", **more))


def given(*values: Any) -> dict[str, Any]:
    return node("TupleNode", "builtins", "tuple", content=[plain(value) for value in values])


def evil(ran: str) -> Run:
    return Run(f"open({ran!r}, 'w').write('x')")


LARGE = np.zeros(1 << 23, np.uint8)
LYING = (
    b"\x93NUMPY\x01\x00\x76\x00"
    + b"{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776,), }".ljust(117)
    + (b"\n")
)
DEEP = 100_000

BOMBS: dict[str, Made] = {
    "a member that unpacks to a thousand times as much": lambda _: packed(array("a.npy"), {"a.npy": npy(LARGE)}),
    "a member that nothing names": lambda _: packed(plain(1), {"a.bin": bytes(LARGE)}),
    "a member that many nodes are made from": lambda _: packed(
        listed(*(array("a.npy", k) for k in range(200))), {"a.npy": npy(LARGE[: 1 << 16])}
    ),
    "an archive within": lambda _: packed(sparse("a.npz"), {"a.npz": npz(data=LARGE)}),
}
"""Where `ALWAYS_BYTES` is 4 MiB."""

RUNNING: dict[str, Made] = {
    "a constructor of reduce": lambda ran: packed(
        node("ConstructorFromReduceNode", "os", "system", content=given(f"touch {ran}"))
    ),
    "a loss": lambda ran: packed(
        node("LossNode", "os", "system", content=plain(None), __reduce__={"args": given(f"touch {ran}")})
    ),
    "a list": lambda ran: packed(node("ListNode", "subprocess", "call", content=given("touch", ran)["content"])),
    "a set": lambda ran: packed(node("SetNode", "subprocess", "call", content=given("touch", ran)["content"])),
    "one behind a trusted step": lambda ran: packed(
        node(
            "ObjectNode",
            "sklearn.preprocessing._data",
            "StandardScaler",
            content=node("ConstructorFromReduceNode", "os", "system", content=given(f"touch {ran}")),
        )
    ),
    "an array of pickles": lambda ran: packed(
        array("a.npy"), {"a.npy": npy(np.array([evil(ran)], object), pickles=True)}
    ),
    "a pickle in place of an array": lambda ran: packed(array("a.npy"), {"a.npy": pickle.dumps(evil(ran))}),
    "a sparse matrix of pickles": lambda ran: packed(
        sparse("a.npz"), {"a.npz": npz(format=np.array(b"csr"), data=np.array([evil(ran)], object))}
    ),
}
"""Each runs where every type is trusted and arrays may be pickles."""

FILES: dict[str, Made] = {
    **RUNNING,
    **{f"{loader} of another form": odd(loader) for loader in sorted({name for name, _ in NODE_TYPE_MAPPING})},
    "a class of another library": lambda _: packed(node("ObjectNode", "subprocess", "Popen", content=plain(["true"]))),
    "a type that is not there": lambda _: packed(node("TypeNode", "nowhere.at.all", "Thing")),
    "an unknown loader": lambda _: packed(node("ShellNode", "os", "system")),
    "an unknown protocol": lambda _: packed({**plain(1), "protocol": 10**6}),
    "an array that is longer than it is": lambda _: packed(array("a.npy"), {"a.npy": LYING}),
    "a member above": lambda ran: packed(array(f"../../..{ran}"), {f"../../..{ran}": npy(np.zeros(2))}),
    "a member of the root": lambda ran: packed(array(ran), {ran: npy(np.zeros(2))}),
    "a file that is no member": lambda _: packed(array("../../../../etc/passwd")),
    "depth": lambda _: packed(None, text="[" * DEEP + "]" * DEEP),
    "depth of nodes": lambda _: packed(
        None, text='{"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "__id__": 1, "content": ['
        * DEEP + "]}" * DEEP,
    ),
    "a name of a megabyte": lambda _: packed(node("TypeNode", "numpy", "a" * (1 << 20))),
    "a module of a megabyte": lambda _: packed(node("ObjectNode", "a" * (1 << 20), "b", content=plain(1))),
    "a thousand names": lambda _: packed(listed(*(node("TypeNode", f"m{k}", "Thing") for k in range(1000)))),
    "a node of itself": lambda _: packed({**listed(node("CachedNode", "builtins", "list", __id__=1)), "__id__": 1}),
    "no schema": lambda _: packed(None, text=""),
    "a schema that is a number": lambda _: packed(7),
    "a schema that is a list": lambda _: packed([plain(1)]),
    "a schema without loaders": lambda _: packed({"content": 1}),
    "a number of too many digits": lambda _: packed({**plain(1), "content": "9" * (1 << 20)}),
    "no archive": lambda _: b"PK\x03\x04 nothing",
}  # fmt: skip
