"""The Program as a document: what a bundle keeps of it, in `program.json`, for pictures and comparisons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgepack.bundle.files import read_small
from edgepack.bundle.strict_json import parse, with_floats
from edgepack.errors import SignatureError

if TYPE_CHECKING:
    from edgepack.ir import Program

PROGRAM = "program.json"
SCHEMA_VERSION = 1

_FORM: dict[str, Any] = {"schema_version": int, "text": str, "inputs": list, "nodes": list, "outputs": dict}
_NODE: dict[str, Any] = {"name": str, "op": str, "inputs": list, "step": str, "type": str, "detail": str}


def program_document(program: Program) -> dict[str, Any]:
    """Inputs, nodes and outputs by name, without the fitted arrays; `text` is what `edgepack inspect --program` prints.

    Each node has `name`, `op`, `inputs` (names), `step` (scikit-learn's), `type` and `detail` (a few words).
    """
    from edgepack.ir import to_text

    types = program.types()
    return {
        "schema_version": SCHEMA_VERSION,
        "text": to_text(program),
        "inputs": [
            {"name": f"i{k}", "column": i.name, "type": str(types[f"i{k}"])}
            for k, i in enumerate(program.interface.inputs)
        ],
        "nodes": [
            {
                "name": node.name,
                "op": type(node.op).__name__,
                "inputs": list(node.inputs),
                "step": node.step,
                "type": str(types[node.name]),
                "detail": _detail(node.op),
            }
            for node in program.nodes
        ],
        "outputs": dict(program.outputs),
    }


def read_program(bundle: Path) -> dict[str, Any] | None:
    """The Program's document in a bundle's folder; None where the bundle has none.

    Raises:
        SignatureError: the file is there and is no such document.
    """
    if not (bundle / PROGRAM).is_file():
        return None
    document: Any = with_floats(parse(read_small(bundle, PROGRAM), PROGRAM))
    if not _fits(document, _FORM) or document["schema_version"] != SCHEMA_VERSION:
        raise SignatureError(f"{PROGRAM}: no Program with schema_version {SCHEMA_VERSION}; get the bundle again")
    known = {i.get("name") for i in document["inputs"] if isinstance(i, dict)}
    for k, node in enumerate(document["nodes"]):
        if not _fits(node, _NODE) or not known.issuperset(map(str, node["inputs"])):
            raise SignatureError(f"{PROGRAM}: nodes[{k}] does not stand after what it takes; get the bundle again")
        known.add(node["name"])
    if not known.issuperset(document["outputs"].values()):
        raise SignatureError(f"{PROGRAM}: an output of a value that is not there; get the bundle again")
    return document


def _fits(document: Any, form: dict[str, Any]) -> bool:
    return isinstance(document, dict) and all(isinstance(document.get(key), kind) for key, kind in form.items())


def _detail(op: Any) -> str:
    """The one thing to know about an op, where its name does not say it."""
    from edgepack.ir.ops import Binary, Elementwise, Forest, Reduce

    match op:
        case Forest():
            return f"{len(op.roots):,} trees, {len(op.feature):,} nodes"
        case Elementwise() | Binary() | Reduce():
            return str(op.function)
        case _:
            return ""
