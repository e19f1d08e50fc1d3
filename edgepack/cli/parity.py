"""`edgepack parity`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgepack import console
from edgepack.cli.files import read, tolerance_of, write
from edgepack.cli.options import BundleArg, DataOpt, JsonOpt, PickleOpt, RowsOpt, ToleranceOpt, TrackingOpt


def parity(
    bundle: BundleArg,
    data: DataOpt = None,
    rows: RowsOpt = 20_000,
    tolerance: ToleranceOpt = None,
    golden: Annotated[bool, typer.Option("--golden", help="Compare the golden rows alone; needs no registry.")] = False,
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Plant mistakes in the artifacts and see whether parity finds them.")
    ] = False,
    runtime: Annotated[
        list[str] | None,
        typer.Option(help="Run ONNX here too: onnxruntime==VERSION, node, web, arm64; repeat for more."),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write Markdown here.")] = None,
    allow_pickle: PickleOpt = False,
    tracking_uri: TrackingOpt = None,
    json: JsonOpt = False,
) -> None:
    """Gate: compare a bundle's artifacts with the original model (exit code 5 where they differ)."""
    from edgepack.bundle.bundle import Bundle
    from edgepack.export import require
    from edgepack.parity.report import to_document, to_junit, to_markdown, to_table
    from edgepack.recheck import recheck, recheck_golden
    from edgepack.runtimes import Spec

    runtimes = [Spec.parse(word) for word in dict.fromkeys(runtime or ())]
    opened = Bundle.open(bundle)
    if self_test:
        _self_test(opened, data, rows, tolerance, tracking_uri, allow_pickle, json=json)
        return
    with console.progress(quiet=json) as progress:
        verdicts = (
            recheck_golden(opened, tolerance=tolerance_of(tolerance), runtimes=runtimes)
            if golden
            else recheck(
                opened,
                stream=_opened(data, opened.interface),
                rows=rows,
                tolerance=tolerance_of(tolerance),
                runtimes=runtimes,
                tracking_uri=tracking_uri,
                allow_pickle=allow_pickle,
                on_progress=progress,
            )
        )
    if junit:
        write(junit, to_junit(verdicts))
    if markdown:
        write(markdown, to_markdown(verdicts))
    if json:
        console.emit_json(to_document(verdicts))
    else:
        console.show(to_table(verdicts))
    require(verdicts)


def _opened(path: Path | None, interface: Any) -> Any:
    """The data file, if one is given; what it holds beyond the model's inputs is said on standard error."""
    if path is None:
        return None
    from edgepack.parity.stream_data import DataFile

    data = DataFile.open(path, interface)
    if data.extra:
        console.note(f"{path}: columns {', '.join(data.extra)} are not the model's; they are left out")
    return data


def _self_test(
    bundle: Any,
    data: Path | None,
    rows: int,
    tolerance: float | None,
    tracking_uri: str | None,
    allow_pickle: bool,
    *,
    json: bool,
) -> None:
    from edgepack.parity.power_report import to_document, to_lines, to_table
    from edgepack.selftest import require_power, self_test

    with console.progress(quiet=json) as progress:
        power = self_test(
            bundle,
            data=read(data),
            rows=rows,
            tolerance=tolerance_of(tolerance),
            tracking_uri=tracking_uri,
            allow_pickle=allow_pickle,
            on_progress=progress,
        )
    if json:
        console.emit_json(to_document(power))
    else:
        console.show(to_table(power), *to_lines(power))
    require_power(power)
