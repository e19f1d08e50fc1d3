"""`edgepack diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgepack import console
from edgepack.cli.options import JsonOpt


def diff(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="The earlier bundle's folder.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="The later bundle's folder.")],
    json: JsonOpt = False,
) -> None:
    """Compare two versions of a model: inputs, sizes, lineage, and each one's answers to the other's golden rows."""
    from edgepack.bundle.bundle import Bundle
    from edgepack.report.difference import difference
    from edgepack.report.difference_table import to_tables

    found = difference(Bundle.open(before), Bundle.open(after))
    if json:
        console.emit_json(found.to_document())
    else:
        console.show(*to_tables(found))
