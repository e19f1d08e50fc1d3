"""What an Android module's templates are filled with, beside the surface."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgepack.sdk.android.kotlin import LABELS, number, read_as, value
from edgepack.sdk.code import Code
from edgepack.sdk.pattern import combining, portable, spaces
from edgepack.sdk.surface import Field, Surface

RUNTIME = "1.29.0"
"""The version of onnxruntime-android that the modules are tested with."""

_SLOTS = 255
_JAVA = """\
abstract assert boolean break byte case catch char class const continue default do double else enum extends final
finally float for goto if implements import instanceof int interface long native new package private protected public
return short static strictfp super switch synchronized this throw throws transient try void volatile while true false
null as fun in is object typealias typeof val var when"""
_RESERVED = frozenset(_JAVA.split())


def namespace_of(surface: Surface) -> Code:
    """The package of all classes: `edgepack.houseprices`."""
    word = surface.package.replace("-", "")
    return Code(f"edgepack.{f'model{word}' if word in _RESERVED or word[0].isdigit() else word}")


def variables(surface: Surface) -> Mapping[str, Any]:
    """What is read off the interface."""
    namespace = namespace_of(surface)
    inside = namespace.replace(".", "/")
    double = surface.input_dtype == "float64"
    here = Path(__file__).parent / "templates"
    inputs, answers = surface.sample
    return {
        "namespace": namespace,
        "folder": Code(f"{surface.package}-android"),
        "runtime": _runtime(surface),
        "asset": f"{inside}/{surface.artifact_name}",
        "resource": f"/{inside}/contract.json",
        "golden_resource": f"/{inside}/golden.json",
        "buffer": Code("DoubleBuffer" if double else "FloatBuffer"),
        "array": Code("DoubleArray" if double else "FloatArray"),
        "narrow": Code("toDouble" if double else "toFloat"),
        "classes_type": LABELS[surface.label_kind] if surface.classes is not None else None,
        "categorical": [(k, f) for k, f in enumerate(surface.fields) if f.input.categories is not None],
        "wide": is_wide(surface.fields),
        "contract": Code(_contract(surface)),
        "limits": {**surface.tolerances, "tie": surface.tie_width},
        "refusals": _refusals(surface),
        "readers": _readers(surface),
        "verify_bundle": Code((here / "VerifyBundle.java").read_text(encoding="utf-8").strip()),
        "strict_json": Code((here / "StrictJson.java").read_text(encoding="utf-8").strip()),
        "sample_call": _sample_call(surface, inputs),
        "answer_shown": _shown(surface, answers),
    }


def is_wide(fields: tuple[Field, ...]) -> bool:
    """Whether a constructor that takes them all needs more slots than the JVM has, with those for default values."""
    slots = sum(2 if f.input.kind == "number" and f.input.width == 1 and not f.optional else 1 for f in fields)
    return slots + len(fields) // 32 + 4 > _SLOTS


def artifact_labels(surface: Surface) -> list[Any]:
    """What the artifact says for each class: text or whole numbers; nothing without classes."""
    from edgepack_onnx.labels import artifact_labels as labels_of

    found: list[Any] = [] if surface.classes is None else labels_of(surface.classes).tolist()
    return found


def _contract(surface: Surface) -> str:
    labels = artifact_labels(surface)
    document: dict[str, Any] = {
        "interface": surface.interface_document,
        "labels": labels,
        "classes": labels if surface.label_kind == "string" else list(surface.classes or ()),
    }
    if surface.texts:
        given = (step.analyzer.token_pattern for step in surface.texts)
        document["patterns"] = [portable(pattern) if pattern else None for pattern in given]
        document |= {"spaces": spaces(), "combining": combining()}
    return json.dumps(document, indent=2, ensure_ascii=True)


def _runtime(surface: Surface) -> Code:
    needed = [*re.findall(r"\d+", surface.min_runtime), "0", "0", "0"][:3]
    tested = RUNTIME.split(".")
    return Code(".".join(max(needed, tested, key=lambda parts: [int(p) for p in parts])))


def _refusals(surface: Surface) -> list[Mapping[str, Any]]:
    """Inputs that must be refused, for the tests: the member that is wrong, its value, and the case of the error."""
    found = []
    for field in surface.fields:
        item = field.input
        if item.width > 1:
            found.append(_refusal(field, "HasItsLength", "WrongLength", Code("emptyList()")))
            continue
        if item.kind == "number":
            if not field.optional:
                found.append(_refusal(field, "IsNeeded", "Missing", number(float("nan"))))
            found.append(_refusal(field, "IsFinite", "NotFinite", number(float("inf"))))
        if field.unknown == "refused":
            found.append(_refusal(field, "IsOneOfItsCategories", "UnknownCategory", _stranger(field)))
    return found


def _refusal(field: Field, rule: str, case: str, given: Code) -> Mapping[str, Any]:
    return {"name": Code(f"{field.identifier}{rule}"), "field": field, "case": Code(case), "value": given}


def _stranger(field: Field) -> Code:
    """A value that is none of the categories."""
    known = set(field.input.categories or ())
    if field.input.kind == "string":
        return value("?" * (1 + max((len(str(c)) for c in known), default=0)))
    return number(next(float(k) for k in range(len(known) + 1) if float(k) not in known))


_READERS = {
    "number": "private fun number(cell: Any?) = (cell as Number?)?.toDouble()",
    "string": "private fun string(cell: Any?) = cell as String?",
    "numberList": "private fun numberList(cell: Any?) = (cell as List<*>).map { (it as Number).toDouble() }",
    "numberCells": "private fun numberCells(cell: Any?) = (cell as List<*>).map { (it as Number?)?.toDouble() }",
    "stringList": "private fun stringList(cell: Any?) = (cell as List<*>).map { it as String }",
    "stringCells": "private fun stringCells(cell: Any?) = (cell as List<*>).map { it as String? }",
}
"""From JSON to a member of the input, by what `read_as` calls them."""


def _readers(surface: Surface) -> list[Code]:
    used = {read_as(field) for field in surface.fields}
    return [Code(text) for name, text in _READERS.items() if name in used]


def _sample_call(surface: Surface, inputs: Mapping[str, Any]) -> Code:
    given = [
        f"    {f.identifier} = {_cell(inputs[f.input.name], f)},"
        if not is_wide(surface.fields)
        else f"    {f.identifier} = {_cell(inputs[f.input.name], f)}"
        for f in surface.fields
        if inputs[f.input.name] is not None
    ]
    opens, closes = ("().apply {", "}") if is_wide(surface.fields) else ("(", ")")
    return Code("\n".join([f"{surface.type_name}Input{opens}", *given, closes]))


def _cell(cell: Any, field: Field) -> Code:
    if isinstance(cell, list):
        return Code(f"listOf({', '.join(_cell(item, field) for item in cell)})")
    return value(cell)


def _shown(surface: Surface, answers: Mapping[str, Any]) -> Code:
    """How Kotlin prints the output, on one line."""
    own = []
    for name in surface.outputs:
        given = answers[name]
        items = given if isinstance(given, list) else [given]
        shown = [value(item)[1:-1] if isinstance(item, str) else _printed(item) for item in items]
        own.append(f"{name}=[{', '.join(shown)}]" if isinstance(given, list) else f"{name}={shown[0]}")
    return Code(f"{surface.type_name}Output({', '.join(own)})")


def _printed(item: Any) -> str:
    """A number or a boolean as JSON has it."""
    return value(item) if isinstance(item, bool | float) else str(item)
