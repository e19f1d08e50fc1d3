"""The command line. Heavy imports stand inside the commands: `edgepack --help` loads none of them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgepack import console

if TYPE_CHECKING:
    from edgepack.parity import Tolerance

app = typer.Typer(
    name="edgepack",
    help="Compile a registered scikit-learn pipeline into signed, parity-checked artifacts for phones.",
    epilog="Exit codes: 0 fine · 1 unexpected · 2 usage · 3 source (registry, load) · 4 unsupported · "
    "5 parity · 6 signature/manifest · 7 budget",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich takes 140 ms to import, and plain help can be grepped
    context_settings={"help_option_names": ["-h", "--help"]},
)


class FloatType(StrEnum):
    """A type of number."""

    float32 = "float32"
    float64 = "float64"


class Output(StrEnum):
    """A method of the estimator."""

    predict = "predict"
    predict_proba = "predict_proba"
    decision_function = "decision_function"
    score_samples = "score_samples"
    transform = "transform"


ModelArg = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="models:/name/version, models:/name@alias, runs:/id/path or a model folder."),
]
BundleArg = Annotated[Path, typer.Argument(metavar="BUNDLE", help="The bundle's folder.")]
TargetsOpt = Annotated[list[str], typer.Option("--target", "-t", help="A target to emit; repeat for more.")]
TrackingOpt = Annotated[
    str | None, typer.Option(help="MLflow's tracking server or store (default: MLFLOW_TRACKING_URI, ./mlflow.db).")
]
PickleOpt = Annotated[bool, typer.Option("--allow-pickle", help="Load a pickled model, which can run any code.")]
DataOpt = Annotated[Path | None, typer.Option(help="More rows: CSV, Parquet or JSON.")]
RowsOpt = Annotated[int, typer.Option(min=100, help="About how many boundary rows to compare.")]
OutputOpt = Annotated[
    Output | None,
    typer.Option(help="Whose answers to compile (default: predict, and any probabilities)."),
]
JsonOpt = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ToleranceOpt = Annotated[
    float | None, typer.Option(min=0, help="Allowed difference (default: probabilities 1e-6, values 1e-5 relative).")
]


@app.command()
def export(
    model: ModelArg,
    target: TargetsOpt = ["onnx"],  # noqa: B006  (typer copies it)
    out: Annotated[Path, typer.Option(help="The folder that the bundle is written into.")] = Path("dist"),
    sign_key: Annotated[Path | None, typer.Option(help="A private key (PEM) to sign the bundle with.")] = None,
    sign_password: Annotated[
        str | None, typer.Option(envvar="EDGEPACK_SIGN_PASSWORD", help="The private key's password.")
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
            data=_read(data),
            rows=rows,
            tolerance=_tolerance(tolerance),
            input_dtype=input_dtype.value,
            output=output.value if output else None,
            min_runtime=min_runtime,
            precision=precision.value,
            ios=ios,
            keep_failed=keep_failed,
            overwrite=overwrite,
            on_progress=progress,
        )
    if json:
        console.emit_json({"bundle": str(bundle.path), **_document(bundle)})
        return
    _show_bundle(bundle)


@app.command()
def verify(
    bundle: BundleArg,
    key: Annotated[list[Path], typer.Option(help="A trusted public key (PEM); repeat for more.")],
    min_version: Annotated[int | None, typer.Option(help="Refuse an older version of the model.")] = None,
    expect_name: Annotated[str | None, typer.Option(help="Refuse another model.")] = None,
    json: JsonOpt = False,
) -> None:
    """Check a bundle's signature and every byte of it."""
    from edgepack.bundle.keys import load_public_key
    from edgepack.bundle.verify import verify_bundle

    manifest = verify_bundle(
        bundle, [load_public_key(k) for k in key], min_version=min_version, expect_name=expect_name
    )
    if json:
        console.emit_json({"verified": True, "name": manifest.name, "version": manifest.version})
        return
    files = len(manifest.files) + 1
    print(f"{bundle}: verified, {manifest.name} version {manifest.version}, {files} signed files")


@app.command()
def parity(
    bundle: BundleArg,
    data: DataOpt = None,
    rows: RowsOpt = 20_000,
    tolerance: ToleranceOpt = None,
    golden: Annotated[bool, typer.Option("--golden", help="Compare the golden rows alone; needs no registry.")] = False,
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

    opened = Bundle.open(bundle)
    with console.progress(quiet=json) as progress:
        verdicts = (
            recheck_golden(opened, tolerance=_tolerance(tolerance))
            if golden
            else recheck(
                opened,
                data=_read(data),
                rows=rows,
                tolerance=_tolerance(tolerance),
                tracking_uri=tracking_uri,
                allow_pickle=allow_pickle,
                on_progress=progress,
            )
        )
    if junit:
        _write(junit, to_junit(verdicts))
    if markdown:
        _write(markdown, to_markdown(verdicts))
    if json:
        console.emit_json(to_document(verdicts))
    else:
        console.show(to_table(verdicts))
    require(verdicts)


@app.command()
def bench(
    bundle: BundleArg,
    server: Annotated[str | None, typer.Option(help="A running MLflow model server, http://host:port.")] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Start `mlflow models serve` for the time of the run.")
    ] = False,
    repeats: Annotated[int, typer.Option(min=1, help="How often each measurement is repeated.")] = 200,
    out: Annotated[Path | None, typer.Option(help="Write the figures here: .json or .md.")] = None,
    allow_pickle: PickleOpt = False,
    tracking_uri: TrackingOpt = None,
    json: JsonOpt = False,
) -> None:
    """Time each artifact beside scikit-learn and the model server, on the same rows in one run."""
    from json import dumps

    from edgepack.bench import to_markdown, to_table
    from edgepack.bundle.bundle import Bundle
    from edgepack.rebench import rebench

    opened = Bundle.open(bundle)
    with console.progress(quiet=json) as progress:
        result = rebench(
            opened,
            server=server,
            serve=serve,
            repeats=repeats,
            tracking_uri=tracking_uri,
            allow_pickle=allow_pickle,
            on_progress=progress,
        )
    if out:
        _write(out, to_markdown(result) if out.suffix == ".md" else dumps(result.to_document(), indent=2))
    if json:
        console.emit_json(result.to_document())
    else:
        console.show(to_table(result))


@app.command()
def predict(
    bundle: BundleArg,
    input: Annotated[Path, typer.Option("--input", "-i", help="Rows: CSV, Parquet or JSON.")],
    target: Annotated[str, typer.Option("--target", "-t", help="Which artifact.")] = "onnx",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write CSV here.")] = None,
    json: JsonOpt = False,
) -> None:
    """Answer rows with one artifact of a bundle."""
    from edgepack.bundle.bundle import Bundle

    runner = Bundle.open(bundle).runner(target)
    answers = runner.run(_read(input))
    if json:
        console.emit_json({"runtime": runner.runtime, **answers})
        return
    table = _answers_table(answers, runner.interface.classes).to_csv(index=False)
    if output:
        _write(output, table)
    else:
        print(table, end="")


@app.command()
def inspect(
    what: Annotated[str, typer.Argument(metavar="BUNDLE|MODEL", help="A bundle's folder, or a model as for export.")],
    program: Annotated[bool, typer.Option("--program", help="Print the compiled Program of a model.")] = False,
    lowered: Annotated[bool, typer.Option("--lowered", help="With --program: before the passes.")] = False,
    allow_pickle: PickleOpt = False,
    tracking_uri: TrackingOpt = None,
    json: JsonOpt = False,
) -> None:
    """Show what is in a bundle, or what a model compiles to."""
    if (Path(what) / "manifest.json").is_file():
        from edgepack.bundle.bundle import Bundle

        opened = Bundle.open(what)
        if program:
            what = opened.manifest.source.uri
        elif json:
            console.emit_json(_document(opened))
            return
        else:
            _show_bundle(opened)
            return
    import tempfile

    from edgepack.compiler import compile_model
    from edgepack.ir import to_text

    with tempfile.TemporaryDirectory(prefix="edgepack-") as scratch:
        compiled = compile_model(what, Path(scratch), tracking_uri=tracking_uri, allow_pickle=allow_pickle)
    text = to_text(compiled.lowered if lowered else compiled.program)
    if json:
        console.emit_json({"name": compiled.source.name, "version": compiled.source.version, "program": text})
    else:
        print(text, end="")


@app.command()
def check(
    model: ModelArg,
    target: TargetsOpt = ["onnx", "coreml"],  # noqa: B006  (typer copies it)
    output: OutputOpt = None,
    allow_pickle: PickleOpt = False,
    tracking_uri: TrackingOpt = None,
    json: JsonOpt = False,
) -> None:
    """Tell whether a model can be exported, and every reason why not (exit code 4)."""
    from edgepack.errors import UnsupportedError
    from edgepack.survey import survey
    from edgepack.targets import find_target

    found = survey(
        model,
        [find_target(name) for name in dict.fromkeys(target)],
        tracking_uri=tracking_uri,
        allow_pickle=allow_pickle,
        output=output.value if output else None,
    )
    if json:
        console.emit_json(found.to_document())
    else:
        console.show(found.to_table())
    if not found.supported:
        raise UnsupportedError(found.problems)


@app.command()
def targets(json: JsonOpt = False) -> None:
    """List the targets that are installed."""
    from edgepack.targets import target_names

    names = target_names()
    if json:
        console.emit_json({"targets": names})
    else:
        print("\n".join(names))


@app.command()
def keygen(
    out: Annotated[Path, typer.Option(help="Where the private key goes; the public key is written beside it.")],
    password: Annotated[
        str | None, typer.Option(envvar="EDGEPACK_SIGN_PASSWORD", help="Encrypt the private key with this.")
    ] = None,
    json: JsonOpt = False,
) -> None:
    """Make a signing key: ECDSA P-256, key.pem (keep it secret) and key.pub (hand it out)."""
    from edgepack.bundle.keys import generate_key

    private, public = generate_key(out, password)
    if json:
        console.emit_json({"private": str(private), "public": str(public)})
    else:
        print(f"{private}: private key, keep it secret\n{public}: public key, for `edgepack verify --key`")


@app.command()
def demo(
    target: TargetsOpt = ["onnx"],  # noqa: B006  (typer copies it)
    out: Annotated[Path, typer.Option(help="A new folder for MLflow's store, the key and the bundle.")] = Path(
        "edgepack-demo"
    ),
    json: JsonOpt = False,
) -> None:
    """Train, register and export a small model on bundled data."""
    from edgepack.demo import demo as run_demo

    with console.progress(quiet=json) as progress:
        bundle = run_demo(out, targets=tuple(target), on_progress=progress)
    if json:
        console.emit_json({"bundle": str(bundle.path), **_document(bundle)})
    else:
        _show_bundle(bundle)


def main() -> None:
    """Entry point: exits with the code that `--help` documents."""
    console.run(app)


def _tolerance(given: float | None) -> Tolerance | None:
    if given is None:
        return None
    from edgepack.parity import Tolerance

    return Tolerance(probabilities=given, value=given)


def _read(path: Path | None) -> Any:
    if path is None:
        return None
    from edgepack.parity.data import read_data

    return read_data(path)


def _write(path: Path, text: str) -> None:
    from edgepack.errors import UsageError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); choose another place") from error


def _answers_table(answers: Any, classes: Any) -> Any:
    import pandas as pd

    columns: dict[str, Any] = {}
    for name, answer in answers.items():
        if answer.ndim == 1:
            columns[name] = answer
        elif name == "probabilities":
            columns.update({f"probability[{c}]": answer[:, k] for k, c in enumerate(classes)})
        else:
            columns.update({f"{name}[{k}]": answer[:, k] for k in range(answer.shape[1])})
    return pd.DataFrame(columns)


def _document(bundle: Any) -> dict[str, Any]:
    from json import loads

    document: dict[str, Any] = loads((bundle.path / "manifest.json").read_bytes())
    return document


def _show_bundle(bundle: Any) -> None:
    from edgepack.parity.report import to_table

    manifest = bundle.manifest
    lineage = manifest.source.lineage
    run = lineage.get("run") or {}
    console.show(
        console.facts(
            f"{manifest.name}" + ("" if manifest.version is None else f" version {manifest.version}"),
            {
                "bundle": bundle.path,
                "from": manifest.source.uri,
                "run": run.get("run_id"),
                "inputs": f"{len(manifest.interface.inputs)}, numbers as {manifest.interface.input_dtype}",
                "outputs": ", ".join(manifest.interface.outputs),
                "signed": "yes" if (bundle.path / "model.sig").is_file() else "no (pass --sign-key)",
            },
        )
    )
    for entry in manifest.artifacts:
        size = f"{entry.size_bytes:,} bytes, {entry.compressed_size_bytes:,} compressed"
        artifact = entry.artifact
        console.show(
            console.facts(
                "",
                {
                    artifact.target: artifact.path,
                    "format": f"{artifact.format}; {artifact.min_runtime} or later",
                    "size": size,
                    "notes": "; ".join(artifact.notes),
                },
            )
        )
    console.show(to_table(manifest.verdicts))
