"""The platform `ios`: a Swift package over Core ML, for iOS and macOS."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from edgepack.bundle.strict_json import pretty
from edgepack.contract import Problem
from edgepack.errors import UnsupportedError
from edgepack.sdk.code import Code
from edgepack.sdk.comments import documented
from edgepack.sdk.ios import swift
from edgepack.sdk.names import type_name
from edgepack.sdk.platform import Platform
from edgepack.sdk.surface import Surface

_OLDEST_IOS = 14
"""CryptoKit reads keys in PEM from there on."""

_WEB = "use --platform web"
_MACOS = {14: 11, 15: 12, 16: 13, 17: 14, 18: 15}
"""The macOS of the same autumn."""


def _module(surface: Surface) -> Code:
    """The module's name: SwiftPM takes ASCII."""
    return type_name(surface.package)


def _ios(surface: Surface) -> int:
    return max(_OLDEST_IOS, int(re.findall(r"\d+", surface.min_runtime)[0]))


def _layout(surface: Surface) -> Mapping[str, str]:
    sources = f"Sources/{_module(surface)}"
    parts = ("Input", "Output", "Error")
    return {
        "README.md": "README.md.j2",
        "Package.swift": "Package.swift.j2",
        f"{sources}/{surface.type_name}.swift": "Model.swift.j2",
        **{f"{sources}/{surface.type_name}{part}.swift": f"{part}.swift.j2" for part in parts},
        f"{sources}/Check.swift": "Check.swift.j2",
        f"{sources}/Artifact.swift": "Artifact.swift.j2",
        f"{sources}/VerifyBundle.swift": "VerifyBundle.swift",
        f"{sources}/Resources/interface.json": "interface.json.j2",
        f"Tests/{_module(surface)}Tests/GoldenTests.swift": "GoldenTests.swift.j2",
    }


def _copies(surface: Surface) -> Mapping[str, Path]:
    module = _module(surface)
    return {
        f"Sources/{module}/Resources/{surface.artifact_name}": surface.artifact,
        f"Tests/{module}Tests/golden.json": surface.golden,
    }


def _variables(surface: Surface) -> Mapping[str, Any]:
    from edgepack_coreml.labels import core_ml_labels

    classes = surface.classes or ()
    labels = core_ml_labels(classes)
    whole = bool(labels) and isinstance(labels[0], int)
    inputs, answers = surface.sample
    name = Path(surface.artifact_name)
    return {
        "module": _module(surface),
        "ios": _ios(surface),
        "macos": _MACOS[_ios(surface)],
        "resource": f"Resources/{name}",
        "stem": name.stem,
        "extension": name.suffix.removeprefix("."),
        "label_type": Code(swift.LABELS[surface.label_kind]),
        "labels": list(labels),
        "artifact_label_type": Code("Int64" if whole else "String"),
        "same_label": Code("$0 == value.int64Value" if whole else "$0.utf8.elementsEqual(value.stringValue.utf8)"),
        "array_type": _array_type(surface),
        "digest_of": "Of the file." if surface.artifact.is_file() else "Of the folder; see `digest`.",
        "interface_json": Code(pretty(surface.interface_document).decode().rstrip("\n")),
        "sample_call": swift.call({f.identifier: inputs[f.input.name] for f in surface.fields}),
        "sample_answer": swift.shown(f"{surface.type_name}Output", answers),
    }


def _array_type(surface: Surface) -> str:
    """The numbers of a list as the artifact wants them."""
    from edgepack_coreml.evaluate import load

    wide = [f.input.name for f in surface.fields if f.input.width > 1]
    if not wide:
        return "double"
    return "float32" if load(surface.artifact).inputs[wide[0]].dtype == "float32" else "double"


def _filters() -> Mapping[str, Any]:
    return {
        "capital": swift.capital,
        "code": Code,
        "documented": partial(documented, absent="NaN", unknown="unknownCategory"),
        "from_cell": swift.from_cell,
        "number": swift.number,
        "stranger": swift.stranger,
        "swift": swift.value,
        "swift_list": swift.listed,
        "swift_type": swift.member_type,
        "checks": swift.checks,
    }


def _check(surface: Surface) -> None:
    """Raises `UnsupportedError` for host steps, and for what Swift takes for one and the same text."""
    problems = [Problem(step=t.input, reason="a package counts no terms", remedy=_WEB) for t in surface.texts]
    columns = [field.input.name for field in surface.fields]
    for what, texts in (("columns", columns), ("classes", [c for c in surface.classes or () if isinstance(c, str)])):
        forms = [unicodedata.normalize("NFC", text) for text in texts]
        twice = sorted({text for text, form in zip(texts, forms, strict=True) if forms.count(form) > 1})
        if twice:
            reason = f"{what} {', '.join(map(repr, twice))} are one text to Swift"
            problems.append(Problem(step="interface", reason=reason, remedy=f"rename one, or {_WEB}"))
    if problems:
        raise UnsupportedError(problems)


platform = Platform(
    name="ios",
    target="coreml",
    templates=Path(__file__).parent / "templates",
    layout=_layout,
    copies=_copies,
    variables=_variables,
    filters=_filters(),
    check=_check,
)
