"""`edgepack parity`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgepack import console
from edgepack.cli.files import policy_of, read, tolerance_of, write
from edgepack.cli.options import (
    BundleArg,
    DataOpt,
    Env,
    EnvOpt,
    IdentityTokenOpt,
    JsonOpt,
    PickleOpt,
    RowsOpt,
    ToleranceOpt,
    TrackingOpt,
)

if TYPE_CHECKING:
    from edgepack.bundle.bundle import Bundle
    from edgepack.contract import Verdict
    from edgepack.gate import Check
    from edgepack.parity import Tolerance

UNUSED = {
    "self_test": ("golden", "runtime", "bounds", "server", "log", "record", "junit", "markdown", "github"),
    "server": ("data", "rows", "runtime", "bounds"),
    "log": ("golden", "data", "rows", "runtime", "bounds"),
    "golden": ("data", "rows", "bounds"),
}
"""What each option leaves others no use for."""


def parity(
    context: typer.Context,
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
    bounds: Annotated[
        list[str] | None,
        typer.Option(help="Bound sums between these numbers: COLUMN=LOW:HIGH or a TOML or JSON file; repeat for more."),
    ] = None,
    server: Annotated[
        str | None, typer.Option(help="Ask this live model server the golden rows instead: has it drifted?")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="Judge answers that devices recorded instead: JSON lines, as golden rows are.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write BUNDLE.runtimes.json: where it holds, and the lowest version.")
    ] = False,
    sign_key: Annotated[str | None, typer.Option(help="Sign the record, too: a key as `export` takes it.")] = None,
    sign_public: Annotated[Path | None, typer.Option(help="The public key (PEM) of a cloud key.")] = None,
    identity_token: IdentityTokenOpt = None,
    sign_password: Annotated[
        str | None, typer.Option(envvar="EDGEPACK_SIGN_PASSWORD", help="The private key's password or the token's PIN.")
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(help="What must hold (default: edgepack.toml or pyproject.toml here, if it has the table)."),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write Markdown here.")] = None,
    github: Annotated[
        bool, typer.Option("--github", help="Annotate for GitHub Actions, and add to $GITHUB_STEP_SUMMARY.")
    ] = False,
    allow_pickle: PickleOpt = False,
    env: EnvOpt = Env.auto,
    tracking_uri: TrackingOpt = None,
    json: JsonOpt = False,
) -> None:
    """Gate: compare a bundle's artifacts with the original model (exit code 5 where they differ, 7 over budget)."""
    from edgepack.bundle.bundle import Bundle
    from edgepack.bundle.signers import open_signing_key
    from edgepack.drift import log_drift, server_drift
    from edgepack.errors import UsageError
    from edgepack.gate import require_all, unanswered
    from edgepack.gate.report import to_annotations, to_document, to_junit, to_markdown
    from edgepack.gating import checks_of
    from edgepack.parity.report import to_reasons, to_table
    from edgepack.recheck import recheck, recheck_golden
    from edgepack.record import write_record
    from edgepack.runtimes import Spec

    _require_use(context)
    demanded = policy_of(policy)
    asked = [Spec.parse(word) for word in runtime or ()]
    runtimes = list(dict.fromkeys([*asked, *(demanded.runtimes if demanded else ())]))
    opened = Bundle.open(bundle)
    allowed = tolerance_of(tolerance, demanded)
    if (record or sign_key) and (not record or self_test or server or log):
        raise UsageError("--sign-key signs a record, and only artifacts have one; give --record alone")
    key = open_signing_key(sign_key, sign_password, sign_public, identity_token) if sign_key else None
    if self_test:
        _self_test(opened, data, rows, allowed, tracking_uri, allow_pickle, env, json=json)
        return
    checks: tuple[Check, ...] = ()

    def drifted() -> Verdict:
        return server_drift(
            opened,
            str(server),
            tolerance=allowed,
            tracking_uri=tracking_uri,
            allow_pickle=allow_pickle,
            env=env.value,
        )

    with console.progress(quiet=json) as progress:
        if server or log:
            verdicts = (
                *((drifted(),) if server else ()),
                *((log_drift(opened, log, tolerance=allowed),) if log else ()),
            )
        elif golden:
            verdicts = recheck_golden(opened, tolerance=allowed, runtimes=runtimes)
        else:
            verdicts = recheck(
                opened,
                stream=_opened(data, opened.interface),
                rows=rows,
                tolerance=allowed,
                runtimes=runtimes,
                bounds=bounds or (),
                tracking_uri=tracking_uri,
                allow_pickle=allow_pickle,
                env=env.value,
                on_progress=progress,
            )
        if demanded and not (server or log):
            checks = checks_of(demanded, verdicts, opened)
    if record:
        write_record(opened, verdicts, key)
    if junit:
        write(junit, to_junit(verdicts, checks))
    if markdown:
        write(markdown, to_markdown(verdicts, checks))
    if github:
        _tell_github(to_markdown(verdicts, checks), to_annotations(verdicts, checks))
    if json:
        console.emit_json(to_document(verdicts, checks))
    else:
        console.show(to_table(verdicts), *to_reasons(verdicts))
        if checks:
            told = {check.name: f"{'passed' if check.passed else 'FAILED'}: {check.found}" for check in checks}
            assert demanded is not None
            console.show(console.facts(f"Policy of {demanded.path}", told))
    named = {v.runtime for v in verdicts} if server or log else {str(spec) for spec in asked}
    demanded_too = {str(spec) for spec in demanded.runtimes} if demanded else set[str]()
    require_all(verdicts, (*checks, *unanswered(verdicts, named - demanded_too)))


def _require_use(context: typer.Context) -> None:
    """Raises UsageError where an option was given that another leaves no use for."""
    from edgepack.errors import UsageError

    def is_given(name: str) -> bool:
        source = context.get_parameter_source(name)
        return source is not None and source.name != "DEFAULT"  # by name: typer may bring a click of its own

    for name, others in UNUSED.items():
        for other in others:
            if is_given(name) and is_given(other):
                given, unused = (f"--{word.replace('_', '-')}" for word in (name, other))
                raise UsageError(f"{unused}: of no use with {given}; leave one of them out")


def _tell_github(summary: str, annotations: Sequence[str]) -> None:
    """Adds to the job's summary; annotations go to standard error, so that standard output may be JSON."""
    from edgepack.errors import UsageError

    for line in annotations:
        typer.echo(line, err=True)
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(summary)
        except OSError as error:
            raise UsageError(f"{path}: cannot be written ({error.strerror}); set GITHUB_STEP_SUMMARY") from error


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
    bundle: Bundle,
    data: Path | None,
    rows: int,
    tolerance: Tolerance | None,
    tracking_uri: str | None,
    allow_pickle: bool,
    env: Env,
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
            tolerance=tolerance,
            tracking_uri=tracking_uri,
            allow_pickle=allow_pickle,
            env=env.value,
            on_progress=progress,
        )
    if json:
        console.emit_json(to_document(power))
    else:
        console.show(to_table(power), *to_lines(power))
    require_power(power)
