"""What is wrong with an ONNX file that a runtime would refuse or an app could not read, found without running it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from edgepack.contract import Interface, Problem
from edgepack_onnx.emitter import input_tensors
from edgepack_onnx.graph import IR_VERSIONS
from edgepack_onnx.labels import artifact_labels

REMEDY = "export the model again with this edgepack"
ELEMENTS: Mapping[int, str] = MappingProxyType({1: "float", 7: "int64", 8: "string", 11: "double"})


class Finding(NamedTuple):
    """What is wrong, and the path in the file."""

    path: str
    reason: str


Rule = Callable[[Any, Interface], Iterator[Finding]]


def checker(model: Any, interface: Interface) -> Iterator[Finding]:
    """ONNX's own checker accepts the graph, its shapes inferred throughout."""
    import onnx

    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # the checker raises types of its own and of C++
        yield Finding("graph", " ".join(str(error).split())[:200])


def opsets(model: Any, interface: Interface) -> Iterator[Finding]:
    """Every domain is there once, among them ONNX's own."""
    count = Counter("ai.onnx" if o.domain == "" else o.domain for o in model.opset_import)
    for domain, times in count.items():
        if times > 1:
            yield Finding("opset_import", f"domain {domain!r} is there {times} times")
    if "ai.onnx" not in count:
        yield Finding("opset_import", "domain 'ai.onnx' is missing")


def ir_version(model: Any, interface: Interface) -> Iterator[Finding]:
    """The IR version is the one that came with the opset: a newer one keeps older runtimes out."""
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), None)
    wanted = IR_VERSIONS.get(opset or 0)
    if wanted is None:
        yield Finding("opset_import", f"opset {opset}; edgepack writes {min(IR_VERSIONS)} to {max(IR_VERSIONS)}")
    elif model.ir_version != wanted:
        yield Finding("ir_version", f"{model.ir_version}; opset {opset} needs {wanted}")


def inputs(model: Any, interface: Interface) -> Iterator[Finding]:
    """The graph takes the tensors that the manifest's inputs make, of their types and widths."""
    wanted = {t.name: f"{t.element} ['rows', {t.width}]" for t in input_tensors(interface)}
    yield from _tensors("graph.input", {i.name: i for i in model.graph.input}, wanted)


def outputs(model: Any, interface: Interface) -> Iterator[Finding]:
    """The graph gives plain tensors, which any app can read: a value, or a label and its probabilities."""
    classes = interface.classes or ()
    wanted: dict[str, str] = {}
    for name in interface.outputs:
        match name:
            case "label":
                wanted[name] = f"{'string' if artifact_labels(classes).dtype == object else 'int64'} ['rows']"
            case "probabilities":
                wanted[name] = f"double ['rows', {len(classes)}]"
            case _:
                width = interface.value_width
                wanted[name] = "double ['rows']" if width == 1 else f"double ['rows', {width}]"
    yield from _tensors("graph.output", {o.name: o for o in model.graph.output}, wanted)


def metadata(model: Any, interface: Interface) -> Iterator[Finding]:
    """The file's own list of classes is the manifest's."""
    told = {p.key: p.value for p in model.metadata_props}
    wanted = None if interface.classes is None else artifact_labels(interface.classes).tolist()
    found = json.loads(told.get("edgepack.classes", "null"))
    if found != wanted:
        yield Finding("metadata_props['edgepack.classes']", f"{found} are not the manifest's classes {wanted}")
    if "edgepack.inputs" not in told:
        yield Finding("metadata_props['edgepack.inputs']", "is missing")


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "checker": checker,
        "opsets": opsets,
        "IR version": ir_version,
        "inputs": inputs,
        "outputs": outputs,
        "metadata": metadata,
    }
)


def lint(path: Path, interface: Interface) -> list[Problem]:
    """Everything that is wrong with a file; a problem's step is the file, and the path in it."""
    return [problem for _, problem in findings(path, interface)]


def findings(path: Path, interface: Interface) -> list[tuple[str, Problem]]:
    """Every problem with the name of its rule; `file` for what is no ONNX model at all."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path)
    except (OSError, DecodeError) as error:
        reason = f"is not an ONNX model ({' '.join(str(error).split())[:100]})"
        return [("file", Problem(step=path.name, reason=reason, remedy=REMEDY))]
    return [
        (name, Problem(step=f"{path.name}: {found.path}", reason=found.reason, remedy=REMEDY))
        for name, rule in RULES.items()
        for found in rule(model, interface)
    ]


def _tensors(where: str, found: Mapping[str, Any], wanted: Mapping[str, str]) -> Iterator[Finding]:
    for name in sorted(found.keys() ^ wanted.keys()):
        yield Finding(where, f"{name!r} is not in {'the manifest' if name in found else 'the graph'}")
    for name in found.keys() & wanted.keys():
        if (told := _said(found[name].type)) != wanted[name]:
            yield Finding(f"{where}[{name!r}]", f"is {told}; the manifest has {wanted[name]}")


def _said(type_: Any) -> str:
    kind = type_.WhichOneof("value")
    if kind != "tensor_type":
        return str(kind)
    sizes = [d.dim_param or d.dim_value for d in type_.tensor_type.shape.dim]
    return f"{ELEMENTS.get(type_.tensor_type.elem_type, type_.tensor_type.elem_type)} {sizes}"
