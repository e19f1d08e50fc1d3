"""The platform `web`: an ES module with TypeScript types over onnxruntime-web, for browsers and Node."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import quote

from edgepack.sdk.code import Code
from edgepack.sdk.comments import documented
from edgepack.sdk.platform import Platform
from edgepack.sdk.surface import Surface
from edgepack.sdk.texts import require_portable_patterns
from edgepack.sdk.web.contract import variables
from edgepack.sdk.web.javascript import line, value
from edgepack.sdk.web.types import input_type, sample_literal, stranger, tuple_type, union

_TEMPLATES = Path(__file__).parent / "templates"


def _layout(surface: Surface) -> Mapping[str, str]:
    """Every template; what counts words only where there are texts."""
    names = sorted(p.relative_to(_TEMPLATES).as_posix() for p in _TEMPLATES.rglob("*") if p.is_file())
    return {name.removesuffix(".j2"): name for name in names if surface.texts or name != "text.js"}


def _copies(surface: Surface) -> Mapping[str, Path]:
    return {surface.artifact_name: surface.artifact, "test/golden.json": surface.golden}


platform = Platform(
    name="web",
    target="onnx",
    templates=_TEMPLATES,
    layout=_layout,
    copies=_copies,
    variables=variables,
    check=lambda surface: require_portable_patterns(surface, "JavaScript"),
    filters={
        "code": Code,
        "documented": partial(documented, absent="null", unknown="unknownCategory"),
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
