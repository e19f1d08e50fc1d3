"""The platform `android`: a Gradle library module in Kotlin over onnxruntime-android."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from edgepack.sdk.android.contract import namespace_of, variables
from edgepack.sdk.android.kotlin import (
    asserted,
    case,
    input_type,
    kotlin_kind,
    label_of,
    read_as,
    settable_type,
    value,
)
from edgepack.sdk.code import Code
from edgepack.sdk.comments import documented
from edgepack.sdk.platform import Platform
from edgepack.sdk.surface import Surface
from edgepack.sdk.texts import require_portable_patterns

_PLAIN = {
    ".editorconfig": "editorconfig",
    "consumer-rules.pro": "consumer-rules.pro",
    "src/main/AndroidManifest.xml": "AndroidManifest.xml",
}
_FILLED = ("README.md", "build.gradle.kts")
_INTERNAL = ("Checks", "Contract", "Session", "Support")
_JAVA = ("StrictJson", "VerifyBundle")


def _layout(surface: Surface) -> Mapping[str, str]:
    inside = namespace_of(surface).replace(".", "/")
    kotlin, java = f"src/main/kotlin/{inside}", f"src/main/java/{inside}"
    name = surface.type_name
    internal = (*_INTERNAL, *(("TermCounter",) if surface.texts else ()))
    return {
        **_PLAIN,
        **{name: f"{name}.j2" for name in _FILLED},
        f"{kotlin}/{name}.kt": "Model.kt.j2",
        f"{kotlin}/{name}Input.kt": "Input.kt.j2",
        f"{kotlin}/{name}Output.kt": "Output.kt.j2",
        f"{kotlin}/{name}Error.kt": "Error.kt.j2",
        **{f"{kotlin}/{own}.kt": f"{own}.kt.j2" for own in internal},
        **{f"{java}/{own}.java": f"{own}.java.j2" for own in _JAVA},
        f"src/main/resources/{inside}/contract.json": "contract.json.j2",
        f"src/replay/kotlin/{inside}/Replay.kt": "Replay.kt.j2",
        f"src/test/kotlin/{inside}/{name}Test.kt": "GoldenTest.kt.j2",
        f"src/androidTest/kotlin/{inside}/{name}OnDeviceTest.kt": "OnDeviceTest.kt.j2",
    }


def _copies(surface: Surface) -> Mapping[str, Path]:
    inside = namespace_of(surface).replace(".", "/")
    return {
        f"src/main/assets/{inside}/{surface.artifact_name}": surface.artifact,
        f"src/replay/resources/{inside}/golden.json": surface.golden,
    }


platform = Platform(
    name="android",
    target="onnx",
    templates=Path(__file__).parent / "templates",
    layout=_layout,
    copies=_copies,
    variables=variables,
    check=lambda surface: require_portable_patterns(surface, "Kotlin"),
    filters={
        "asserted": asserted,
        "capital": lambda text: Code(text[0].upper() + text[1:]),
        "case": case,
        "code": Code,
        "documented": partial(documented, absent="Null", unknown="UnknownCategory"),
        "input_type": input_type,
        "kotlin": value,
        "kotlin_kind": kotlin_kind,
        "label_of": label_of,
        "read_as": read_as,
        "settable_type": settable_type,
    },
)
