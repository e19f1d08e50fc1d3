"""`edgepack targets`."""

from __future__ import annotations

from edgepack import console
from edgepack.cli.options import JsonOpt


def targets(json: JsonOpt = False) -> None:
    """List the targets that are installed."""
    from edgepack.targets import target_names

    names = target_names()
    if json:
        console.emit_json({"targets": names})
    else:
        print("\n".join(names))
