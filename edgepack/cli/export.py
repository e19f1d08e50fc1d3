"""`edgepack export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgepack import console
from edgepack.cli.files import read, tolerance_of
from edgepack.cli.options import (
    DataOpt,
    Env,
    EnvOpt,
    FloatType,
    IdentityTokenOpt,
    JsonOpt,
    Lineage,
    ModelArg,
    Optimize,
    OutputOpt,
    PickleOpt,
    Precision,
    Quantize,
    RowsOpt,
    Sdk,
    Statement,
    TargetsOpt,
    ToleranceOpt,
    TrackingOpt,
)
from edgepack.cli.show import document, show_bundle

if TYPE_CHECKING:
    from edgepack.shrink import Wish


def export(
    model: ModelArg,
    target: TargetsOpt = ["onnx"],  # noqa: B006  (typer copies it)
    out: Annotated[Path, typer.Option(help="The folder that the bundle is written into.")] = Path("dist"),
    sign_key: Annotated[
        str | None,
        typer.Option(
            help="A private key to sign with: a PEM file, env:NAME, pkcs11:token=LABEL;id=%02?module-path=LIBRARY, a "
            "cloud key's URI (gcpkms:, awskms:, azurekms:, hv:) with --sign-public, or sigstore: for an identity "
            "without a key (sigstore:staging; sigstore:FILE, a client trust configuration)."
        ),
    ] = None,
    sign_public: Annotated[Path | None, typer.Option(help="The public key (PEM) of a cloud key.")] = None,
    identity_token: IdentityTokenOpt = None,
    sign_password: Annotated[
        str | None, typer.Option(envvar="EDGEPACK_SIGN_PASSWORD", help="The private key's password or the token's PIN.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="Verifiers refuse the bundle from then on: YYYY-MM-DD, or 90d from now.")
    ] = None,
    lineage: Annotated[
        Lineage,
        typer.Option(
            help="What the bundle ships of the model's history. digest: the model's URI, the run's id and SHA-256s; "
            "the rest (user, tags, metrics) goes to NAME.lineage.json beside it. full: all. none: nothing."
        ),
    ] = Lineage.digest,
    statement: Annotated[
        list[Statement] | None,
        typer.Option(help="A signed statement to write beside the bundle; repeat for more."),
    ] = None,
    sdk: Annotated[
        list[Sdk] | None,
        typer.Option(help="A platform to write a package for, beside the bundle (see `sdk`); repeat for more."),
    ] = None,
    register: Annotated[
        bool,
        typer.Option("--register", help="Tag the model's version with the bundle, and log the bundle to its run."),
    ] = False,
    data: DataOpt = None,
    rows: RowsOpt = 20_000,
    tolerance: ToleranceOpt = None,
    input_dtype: Annotated[FloatType, typer.Option(help="The numbers that the device passes.")] = FloatType.float32,
    output: OutputOpt = None,
    min_runtime: Annotated[str, typer.Option(help="The oldest ONNX Runtime that must load the artifact.")] = "1.21",
    precision: Annotated[
        Precision,
        typer.Option(
            help="Of sums of trees in ONNX; float32 halves the bytes, branches stay exact. float16, Core ML alone: of "
            "products with weights and activations; scaling, branches and answers stay float32."
        ),
    ] = Precision.float64,
    ios: Annotated[
        int | None,
        typer.Option(min=15, max=18, help="The oldest iOS that must load an ML Program (default: 15, quantized 16)."),
    ] = None,
    optimize: Annotated[
        Optimize, typer.Option(help="`size` stores tables in the smallest form that gives the same numbers.")
    ] = Optimize.speed,
    quantize: Annotated[
        Quantize | None,
        typer.Option(
            help="Move weights and leaves to numbers of fewer bits. w8a8: a network's activations, too (ONNX; faster). "
            "auto: the smallest within the budget."
        ),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(help="Rows that say what activations are like, for w8a8 (default: --data, or the input example)."),
    ] = None,
    max_label_change: Annotated[
        str | None, typer.Option(help="Budget: the share of rows whose label may change, such as 0.1%.")
    ] = None,
    max_abs_error: Annotated[
        float | None, typer.Option(min=0, help="Budget: how far a probability or value may move.")
    ] = None,
    max_metric_drop: Annotated[
        str | None,
        typer.Option(
            help="Budget: how much a scikit-learn scorer may lose on --data, such as accuracy:0.2% (which is 0.002)."
        ),
    ] = None,
    label_column: Annotated[
        str | None,
        typer.Option(help="The column of --data with the true answers (default: the only one that is no input)."),
    ] = None,
    allow_noop: Annotated[
        bool, typer.Option("--allow-noop", help="Go on where --quantize finds nothing to quantize.")
    ] = False,
    keep_failed: Annotated[bool, typer.Option("--keep-failed", help="Write the bundle even if parity fails.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing bundle.")] = False,
    allow_pickle: PickleOpt = False,
    env: EnvOpt = Env.auto,
    tracking_uri: TrackingOpt = None,
    json: JsonOpt = False,
) -> None:
    """Compile a model, compare every artifact with the server, and seal them in a bundle."""
    from edgepack.errors import UsageError
    from edgepack.export import export as export_model
    from edgepack.sdk import folders_of

    platforms = [platform.value for platform in sdk or ()]
    if label_column is not None and max_metric_drop is None:
        raise UsageError(f"--label-column {label_column}: true answers are for a metric; add --max-metric-drop")
    with console.progress(quiet=json) as progress:
        bundle = export_model(
            model,
            targets=target,
            out=out,
            key=sign_key,
            password=sign_password,
            public_key=sign_public,
            identity_token=identity_token,
            tracking_uri=tracking_uri,
            allow_pickle=allow_pickle,
            env=env.value,
            data=read(data),
            calibration=read(calibration),
            rows=rows,
            tolerance=tolerance_of(tolerance),
            input_dtype=input_dtype.value,
            output=output.value if output else None,
            min_runtime=min_runtime,
            precision=precision.value,
            ios=ios,
            expires=expires,
            truth=label_column,
            wish=_wish(
                quantize, optimize, max_label_change, max_abs_error, max_metric_drop, calibration, allow_noop=allow_noop
            ),
            lineage=lineage.value,
            register=register,
            statements=[kind.value for kind in statement or ()],
            keep_failed=keep_failed,
            sdk=platforms,
            overwrite=overwrite,
            on_progress=progress,
        )
    packages = folders_of(bundle.manifest.name, platforms, out)
    if json:
        told = {"packages": [str(place) for place in packages]} if packages else {}
        console.emit_json({"bundle": str(bundle.path), **told, **document(bundle)})
        return
    show_bundle(bundle)
    for place in packages:
        print(f"{place}: a package for an app")


def _wish(
    quantize: Quantize | None,
    optimize: Optimize,
    max_label_change: str | None,
    max_abs_error: float | None,
    max_metric_drop: str | None,
    calibration: Path | None,
    *,
    allow_noop: bool,
) -> Wish | None:
    from edgepack.errors import UsageError
    from edgepack.quantize import Budget, metric_of, share_of
    from edgepack.shrink import Wanted, Wish

    if quantize is None and (max_label_change, max_abs_error, max_metric_drop) != (None, None, None):
        raise UsageError("a budget without --quantize; add for example --quantize auto")
    if calibration is not None and quantize not in (Quantize.w8a8, Quantize.auto):
        raise UsageError("--calibration without activations to quantize; add --quantize w8a8 or auto")
    if quantize is None and optimize is Optimize.speed:
        return None
    share = None if max_label_change is None else share_of(max_label_change)
    metric, drop = ("", None) if max_metric_drop is None else metric_of(max_metric_drop)
    budget = Budget(max_label_change=share, max_abs_error=max_abs_error, metric=metric, max_metric_drop=drop)
    method: Wanted | None = quantize.value if quantize else None
    return Wish(quantize=method, packs=optimize is Optimize.size, budget=budget, allow_noop=allow_noop)
