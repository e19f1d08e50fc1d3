"""From a bundle to packages that drop into Xcode, Android Studio and a web app.

The shape, in the order in which things happen:

- `surface.py`: the typed API as data (`Surface`), made from the manifest alone. It is the same for every platform:
  member names, their order, what may be missing, what becomes of an unknown category, the cases of the error type.
- `names.py`: identifiers that Swift, Kotlin and TypeScript all take. One identifier per column for all platforms.
- `code.py`: how text of others gets into code: `Code` is text that may stand in a package as it is; literals, comments
  and Markdown are made by escaping. A template that lets any other text through is an error, not an injection.
- `pattern.py`: a Python regular expression for words, said in the dialect that all three platforms share.
- `platform.py`: `Platform`, what a platform consists of; `platforms.py`: the table of them.
- `<platform>/__init__.py`: holds `platform`, an instance. `<platform>/templates/`: Jinja2, one file per file of the
  package, `NAME.j2` where it has something to fill in, else plain `NAME`. Templates see `api` (the `Surface`) and what
  the platform's `variables` adds.
- `generate.py`: renders a package into a hidden folder and renames it. The same bundle gives the same bytes.

Every package offers `load`, `predict` of one input and `predictBatch` of many; `<Model>Input` with a member per column;
`<Model>Output` with a member per output; `<Model>Error` with the cases of `surface.FAILURES`. Its tests replay
`golden.json`, whose SHA-256 they hold.
"""

from edgepack.sdk.generate import folders_of, generate, require_free, require_targets
from edgepack.sdk.platforms import PLATFORMS, find_platform
from edgepack.sdk.surface import Surface, surface_of

__all__ = [
    "PLATFORMS",
    "Surface",
    "find_platform",
    "folders_of",
    "generate",
    "require_free",
    "require_targets",
    "surface_of",
]
