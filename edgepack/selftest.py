"""What parity would find in a bundle's artifacts if they were wrong."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgepack.errors import ParityError
from edgepack.export import Progress, cases_for
from edgepack.recheck import files, forms, original

if TYPE_CHECKING:
    from edgepack.bundle.bundle import Bundle
    from edgepack.parity import Tolerance
    from edgepack.parity.power import Power
    from edgepack.source.loading import Env


def self_test(
    bundle: Bundle,
    *,
    data: Any = None,
    rows: int = 20_000,
    tolerance: Tolerance | None = None,
    tracking_uri: str | None = None,
    allow_pickle: bool = False,
    env: Env = "auto",
    on_progress: Progress | None = None,
) -> Power:
    """Mistakes planted in every artifact of a bundle, and which of them the boundary rows show.

    Raises:
        SourceError: the model cannot be loaded any more, or is not the one that the bundle was made from.
        ParityError: an artifact fails without any mistake.
    """
    from edgepack.parity.power import SelfTest, joined
    from edgepack.rows import columns_of

    progress = on_progress or (lambda _what, _done, _total: None)
    with tempfile.TemporaryDirectory(prefix="edgepack-") as scratch:
        progress("compile", 0, 0)
        compiled = original(bundle, Path(scratch), tracking_uri=tracking_uri, allow_pickle=allow_pickle, env=env)
        more = None if data is None else columns_of(data, compiled.program.interface)
        return joined(
            SelfTest(
                reference=form.reference,
                lowered=form.meaning,
                cases=cases_for(form, rows=rows, data=more),
                sample=form.sample_columns if more is None else more,
                tolerance=tolerance or form.tolerance,
            ).run({name: file for name, file in files(bundle).items() if name in names}, progress)
            for form, names in forms(compiled, bundle)
        )


def require_power(power: Power) -> None:
    """Returns if no mistake was missed. Raises `ParityError` with a line for each that was."""
    if power.missed:
        lines = [f"{t.target}: a planted {t.kind} mistake at {t.place} was missed; raise --rows" for t in power.missed]
        raise ParityError("\n".join(lines))
