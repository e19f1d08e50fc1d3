"""`edgepack export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgepack import console
from edgepack.cli.files import read, tolerance_of
from edgepack.cli.options import (
    DataOpt,
    FloatType,
    JsonOpt,
    ModelArg,
    OutputOpt,
    PickleOpt,
    RowsOpt,
    TargetsOpt,
    ToleranceOpt,
    TrackingOpt,
)
from edgepack.cli.show import document, show_bundle


def export(
    model: ModelArg,
    target: TargetsOpt = ["onnx"],  # noqa: B006  (typer copies it)
    out: Annotated[Path, typer.Option(help="The folder that the bundle is written into.")] = Path("dist"),
    sign_key: Annotated[Path | None, typer.Option(help="A private key (PEM) to sign the bundle with.")] = None,
    sign_password: Annotated[
        str | None, typer.Option(envvar="EDGEPACK_SIGN_PASSWORD", help="The private key's password.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="Verifiers refuse the bundle from then on: YYYY-MM-DD, or 90d from now.")
    ] = None,
    data: DataOpt = None,
    rows: RowsOpt = 20_000,
    tolerance: ToleranceOpt = None,
    input_dtype: Annotated[FloatType, typer.Option(help="The numbers that the device passes.")] = FloatType.float32,
    output: OutputOpt = None,
    min_runtime: Annotated[str, typer.Option(help="The oldest ONNX Runtime that must load the artifact.")] = "1.21",
    precision: Annotated[
        FloatType, typer.Option(help="Of sums of trees in ONNX; float32 halves the bytes, branches stay exact.")
    ] = FloatType.float64,
    ios: Annotated[int, typer.Option(min=15, max=18, help="The oldest iOS that must load an ML Program.")] = 15,
    keep_failed: Annotated[bool, typer.Option("--keep-failed", help="Write the bundle even if parity fails.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing bundle.")] = False,
    allow_pickle: PickleOpt = False,
    tracking_uri: TrackingOpt = None,
    json: JsonOpt = False,
) -> None:
    """Compile a model, compare every artifact with the server, and seal them in a bundle."""
    from edgepack.export import export as export_model

    with console.progress(quiet=json) as progress:
        bundle = export_model(
            model,
            targets=target,
            out=out,
            key=sign_key,
            password=sign_password,
            tracking_uri=tracking_uri,
            allow_pickle=allow_pickle,
            data=read(data),
            rows=rows,
            tolerance=tolerance_of(tolerance),
            input_dtype=input_dtype.value,
            output=output.value if output else None,
            min_runtime=min_runtime,
            precision=precision.value,
            ios=ios,
            expires=expires,
            keep_failed=keep_failed,
            overwrite=overwrite,
            on_progress=progress,
        )
    if json:
        console.emit_json({"bundle": str(bundle.path), **document(bundle)})
        return
    show_bundle(bundle)
