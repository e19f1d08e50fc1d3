"""The platform `web`: an ES module with TypeScript types over onnxruntime-web, for browsers and Node."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from edgepack.sdk.code import Code
from edgepack.sdk.platform import Platform
from edgepack.sdk.surface import Surface
from edgepack.sdk.web.contract import variables
from edgepack.sdk.web.javascript import line, value
from edgepack.sdk.web.types import documented, input_type, sample_literal, stranger, tuple_type, union

_STATIC = (
    "check.js",
    "errors.js",
    "ort.js",
    "ort.node.js",
    "read.js",
    "read.node.js",
    "strict_json.mjs",
    "tsconfig.json",
    "verify_bundle.mjs",
)
_FILLED = ("README.md", "contract-types.d.ts", "contract.js", "index.d.ts", "index.js", "model.js", "package.json")
_TESTS = ("test/browser.html", "test/golden.test.js", "test/expected.js", "test/usage.ts")


def _layout(surface: Surface) -> Mapping[str, str]:
    plain = (*_STATIC, "verify_bundle.d.mts", "test/replay.js", *(("text.js",) if surface.texts else ()))
    filled = (*_FILLED, *_TESTS)
    return {name: name for name in plain} | {name: f"{name}.j2" for name in filled}


def _copies(surface: Surface) -> Mapping[str, Path]:
    return {surface.artifact_name: surface.artifact, "test/golden.json": surface.golden}


def _variables(surface: Surface) -> Mapping[str, Any]:
    return variables(surface)


platform = Platform(
    name="web",
    target="onnx",
    templates=Path(__file__).parent / "templates",
    layout=_layout,
    copies=_copies,
    variables=_variables,
    filters={
        "code": Code,
        "documented": documented,
        "input_type": input_type,
        "js": value,
        "js_line": line,
        "sample_literal": sample_literal,
        "stranger": stranger,
        "tuple_type": tuple_type,
        "union": union,
        "url": lambda name: Code(quote(name)),
    },
)
