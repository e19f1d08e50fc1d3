"""What a platform consists of, and how its templates become text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgepack.sdk.code import Code, markdown, require_code, told
from edgepack.sdk.surface import Surface


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A platform that packages are made for.

    Attributes:
        name: the word after `--platform`.
        target: whose artifact the package carries.
        templates: the folder of the templates.
        layout: each file of a package by its path in it, and the template that it is made from: `NAME.j2` is filled in,
            any other file is copied as it is.
        copies: each further file or folder by its path in the package, and where in the bundle it lies.
        variables: what templates see beside `api`.
        filters: the language's own ways of writing things; each gives `Code`.
        check: what this platform cannot say of a surface: raises `UnsupportedError`.
    """

    name: str
    target: str
    templates: Path
    layout: Callable[[Surface], Mapping[str, str]]
    copies: Callable[[Surface], Mapping[str, Path]]
    variables: Callable[[Surface], Mapping[str, Any]] = field(default=lambda _surface: {})
    filters: Mapping[str, Callable[..., Code]] = field(default_factory=dict)
    check: Callable[[Surface], None] = field(default=lambda _surface: None)

    def folder(self, package: str) -> str:
        """The folder of a package of this name: `house-prices-web`."""
        return f"{package}-{self.name}"

    def render(self, surface: Surface) -> dict[str, str]:
        """The text of every file that is made from a template, by its path in the package."""
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        environment = Environment(
            loader=FileSystemLoader(self.templates),
            autoescape=False,  # nothing is escaped here: `finalize` lets through what is code already
            undefined=StrictUndefined,
            finalize=require_code,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        environment.filters.update({"told": told, "markdown": markdown, **self.filters})
        seen = {"api": surface, **self.variables(surface)}
        return {
            path: environment.get_template(name).render(seen)
            if name.endswith(".j2")
            else (self.templates / name).read_text(encoding="utf-8")
            for path, name in self.layout(surface).items()
        }
