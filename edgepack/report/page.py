"""The page: templates filled from the document alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edgepack.report import charts
from edgepack.report.numbers import figure
from edgepack.report.picture import program_svg

TEMPLATES = Path(__file__).parent / "templates"


def to_html(document: Mapping[str, Any]) -> str:
    """One HTML page that needs nothing else.

    Each number on it is a `<data>` element whose `data-path` is its JSON Pointer (RFC 6901) in the document, which the
    page holds in `<script type="application/json" id="figures">`.

    Args:
        document: what `figures` gives.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup, escape

    def shown(path: str, form: str = "count") -> Markup:
        value = pointed(document, path)
        if value is None:
            return Markup("<span class=absent>–</span>")
        return Markup('<data value="{}" data-path="{}">{}</data>').format(
            json.dumps(value), path, escape(figure(value, form))
        )

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        fig=shown,
        charts=charts,
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        embedded=Markup(_embedded(document)),
        picture=Markup(program_svg(dict(document["program"]))) if document["program"] else None,
    )
    environment.filters["leaves"] = leaves
    return environment.get_template("page.html").render(**document)


def pointed(document: Any, path: str) -> Any:
    """The value at a JSON Pointer."""
    for part in path.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def leaves(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """A nested document as lines, `run.params.max_iter` and its text; what is empty is left out."""
    match value:
        case Mapping():
            for key, item in value.items():
                yield from leaves(item, f"{at}.{key}" if at else str(key))
        case list() | tuple() if any(isinstance(item, Mapping) for item in value):
            for k, item in enumerate(value):
                yield from leaves(item, f"{at}[{k}]")
        case list() | tuple() if value:
            yield at, ", ".join(map(str, value))
        case None | "" | [] | ():
            return
        case _:
            yield at, str(value)


def _embedded(document: Mapping[str, Any]) -> str:
    """JSON that no HTML parser ends early, whatever a label says."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
