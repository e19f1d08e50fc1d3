"""Rules on ML Programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edgepack_coreml.lint.place import Finding, Place, said
from edgepack_coreml.mil import tools

MAIN = "main"
IOS = {"CoreML5": 15, "CoreML6": 16, "CoreML7": 17, "CoreML8": 18}
SIZES = {"FLOAT16": "float16", "FLOAT32": "float32", "FLOAT64": "float64", "INT32": "int32"}


def opset(place: Place) -> Iterator[Finding]:
    """There is a function `main`, of a known opset, with one block for it, all of whose operations are in the opset."""
    if place.kind != "mlProgram":
        return
    if list(place.parameters.functions) != [MAIN]:
        yield place.finding("functions", f"{sorted(place.parameters.functions)}; there must be {MAIN!r} alone")
        return
    function = place.parameters.functions[MAIN]
    path = f"functions[{MAIN!r}]"
    if function.opset not in IOS or list(function.block_specializations) != [function.opset]:
        yield place.finding(f"{path}.opset", f"{function.opset!r} is not known, or has no block of its own")
        return
    known = tools.operations(IOS[function.opset])
    for k, operation in enumerate(function.block_specializations[function.opset].operations):
        if operation.type not in known:
            reason = f"{operation.type!r} is not in the opset of iOS {IOS[function.opset]}"
            where = f"{path}.block_specializations[{function.opset!r}].operations[{k}]"
            yield place.finding(where, reason, "choose a later deployment target with --ios")
            return


def description(place: Place) -> Iterator[Finding]:
    """The description's inputs and outputs are the function's, of its types."""
    if place.kind != "mlProgram" or list(place.parameters.functions) != [MAIN]:
        return
    function = place.parameters.functions[MAIN]
    block = function.block_specializations.get(function.opset)
    if block is None:
        return
    declared = {name: said(type_) for name, type_ in place.inputs.items()}
    own = {i.name: _type(i.type) for i in function.inputs}
    if declared != own:
        yield place.described("input", f"{declared} are not the function's {own}")
    made = {out.name: _type(out.type) for op in block.operations for out in op.outputs}
    if list(place.outputs) != list(block.outputs):
        yield place.described("output", f"{list(place.outputs)} are not the function's {list(block.outputs)}")
        return
    for k, (name, type_) in enumerate(place.outputs.items()):
        kind = said(type_)
        if "array" in kind and made.get(name) != kind:
            yield place.described(f"output[{k}]", f"{name!r} is {kind}; the function gives {made.get(name, 'nothing')}")


def weights(place: Place) -> Iterator[Finding]:
    """Every constant that lies in the weights' file lies inside it."""
    if place.kind != "mlProgram":
        return
    size = len(place.package.weights or b"")
    for path, value in _values(place):
        if value.WhichOneof("value") == "blobFileValue" and value.blobFileValue.offset + 64 > size:
            reason = f"lies at byte {value.blobFileValue.offset} of weights of {size} bytes"
            yield Finding(path, reason, "take the package as a whole")
            return


def _values(place: Place) -> Iterator[tuple[str, Any]]:
    for name, function in place.parameters.functions.items():
        for opset_, block in function.block_specializations.items():
            for k, operation in enumerate(block.operations):
                path = f"{place.path}.functions[{name!r}].block_specializations[{opset_!r}].operations[{k}]"
                for key, value in operation.attributes.items():
                    yield f"{path}.attributes[{key!r}]", value


def _type(type_: Any) -> str:
    tensor = type_.tensorType
    names = tensor.DESCRIPTOR.file.enum_types_by_name["DataType"].values_by_number
    sizes = [d.constant.size for d in tensor.dimensions]
    return f"{SIZES.get(names[tensor.dataType].name, names[tensor.dataType].name)} array {sizes}"
