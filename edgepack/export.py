"""The whole line: a model's URI in, a sealed bundle out."""

from __future__ import annotations

import platform
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgepack.compiler import Compiled, compile_model
from edgepack.contract import (
    Answers,
    Artifact,
    Columns,
    EmitOptions,
    InputDtype,
    Method,
    Precision,
    Runner,
    Target,
    Verdict,
)
from edgepack.errors import EdgepackError, ParityError, UnsupportedError, UsageError
from edgepack.shrink import QUANTIZED_IOS, Rows, Wish, shrink
from edgepack.survey import of_target

if TYPE_CHECKING:
    from edgepack.bundle.attest import Kind
    from edgepack.bundle.bundle import Bundle
    from edgepack.bundle.lineage import Mode as Lineage
    from edgepack.bundle.manifest import Manifest
    from edgepack.bundle.seal import Document
    from edgepack.bundle.signers import SigningKey
    from edgepack.ir import Program
    from edgepack.parity import Cases, Tolerance
    from edgepack.parity.explain import Stages
    from edgepack.source.loading import Env

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is (0 of 0: not known)."""

GOLDEN_ROWS = 64
REPORT = "report.html"
TOOLS = ("edgepack", "scikit-learn", "numpy", "pandas", "onnxruntime", "coremltools", "skl2onnx", "mlflow-skinny")


def export(
    model: str,
    *,
    targets: Sequence[str] = ("onnx",),
    out: Path | str = "dist",
    key: Path | str | None = None,
    password: str | None = None,
    public_key: Path | None = None,
    identity_token: Path | None = None,
    tracking_uri: str | None = None,
    allow_pickle: bool = False,
    env: Env = "auto",
    sample: Any = None,
    data: Any = None,
    calibration: Any = None,
    truth: str | None = None,
    input_dtype: InputDtype = "float32",
    output: Method | None = None,
    min_runtime: str = "1.21",
    precision: Precision = "float64",
    ios: int | None = None,
    expires: str | None = None,
    wish: Wish | None = None,
    lineage: Lineage = "digest",
    statements: Sequence[Kind] = (),
    register: bool = False,
    rows: int = 20_000,
    tolerance: Tolerance | None = None,
    keep_failed: bool = False,
    sdk: Sequence[str] = (),
    overwrite: bool = False,
    on_progress: Progress | None = None,
) -> Bundle:
    """The bundle `out/<name>-<version>`: artifacts for every target, checked against the server, described and sealed.

    Args:
        model: `models:/name/version`, `models:/name@alias`, `runs:/id/path` or a local model folder.
        targets: names of installed targets.
        key: a private key to sign with, a PEM file or a URI as in `edgepack.bundle.signers`; without one the bundle is
            not signed.
        password: of the PEM, or the token's PIN.
        public_key: for a key that lives in a cloud's service.
        identity_token: the file that holds one, for the key `sigstore:`.
        env: where the model is read and answers: `isolated`, `current` or `auto`; see `edgepack.source.load`.
        sample: rows in place of the model's own input example.
        data: further rows for parity, as the estimator takes them.
        calibration: rows that say what activations are like, where a wish quantizes them; None for `data`, or the input
            example.
        truth: the column of `data` with the true answers, for a budget with a metric; None for the only column that is
            no input.
        output: the method whose answers the artifacts give. None: `predict`, with the probabilities where there are
            any; `transform` for a model that predicts nothing.
        precision: what is computed in; see `EmitOptions`.
        expires: when the bundle is to be refused from: a date, a moment or `90d`; see `edgepack.bundle.policy.coming`.
        ios: the oldest iOS that must load a Core ML artifact that is an ML Program. None: 15, or 16 for a smaller one.
        wish: how small the artifacts shall be; None leaves every number as it is.
        lineage: how much of the model's lineage the bundle and its artifacts carry; see `edgepack.bundle.lineage`.
        statements: further signed statements, written beside the bundle: `slsa`, `test-result`, `ml-bom`.
        register: whether the model's version is tagged with the bundle and its run gets it as artifacts.
        rows: about how many boundary rows parity makes.
        keep_failed: whether to write a bundle whose verdict is `failed` too.
        sdk: platforms whose packages are written beside the bundle; see `edgepack.sdk`.
        overwrite: whether an existing bundle of that name is replaced, and its packages.

    Raises:
        SourceError, UnsupportedError, UsageError: see `compile_model`.
        ParityError: an artifact's answers are not the server's; nothing was written.
    """
    from edgepack.bundle.policy import coming
    from edgepack.bundle.seal import ensure_free, seal_bundle
    from edgepack.bundle.signers import open_signing_key
    from edgepack.described import descriptions_of, metadata_of
    from edgepack.rows import columns_of, with_truth
    from edgepack.sdk import folders_of, generate, require_free, require_targets
    from edgepack.targets import find_target

    progress = on_progress or (lambda _what, _done, _total: None)
    chosen = [find_target(name) for name in dict.fromkeys(targets)]
    if not chosen:
        raise UsageError("no target; give at least one, such as --target onnx")
    require_targets(sdk, targets)
    private_key = open_signing_key(str(key), password, public_key, identity_token) if key else None
    if key is None and (unused := public_key or identity_token) is not None:
        raise UsageError(f"{unused}: nothing is signed with it; give --sign-key")
    expires_utc = coming(expires) if expires else None
    if statements and private_key is None:
        raise UsageError("statements are signed, and there is no key; give --sign-key")
    with tempfile.TemporaryDirectory(prefix="edgepack-") as scratch:
        progress("compile", 0, 0)
        compiled = compile_model(
            model,
            Path(scratch),
            tracking_uri=tracking_uri,
            allow_pickle=allow_pickle,
            env=env,
            sample=sample,
            input_dtype=input_dtype,
            output=output,
        )
        answers_known = None
        if wish is not None and wish.budget.metric:
            data, answers_known = with_truth(data, truth, compiled.program.interface)
        more = None if data is None else columns_of(data, compiled.program.interface)
        if more is not None:
            from edgepack.lower.ranges import widened

            compiled = replace(compiled, program=widened(compiled.program, more))
        typical = None
        if calibration is not None:
            typical = Rows(columns=columns_of(calibration, compiled.program.interface), origin="calibration")
        check(compiled, chosen)
        if register:
            from edgepack.source.register import run_of

            run_of(compiled.source)
        folder = Path(out) / bundle_name(compiled)
        ensure_free(folder, overwrite=overwrite)
        require_free(folders_of(compiled.source.name, sdk, Path(out)), overwrite=overwrite)
        options = EmitOptions(
            name=compiled.source.name,
            min_runtime=min_runtime,
            precision=precision,
            ios=ios or (15 if wish is None else QUANTIZED_IOS),
            metadata=metadata_of(compiled.source, pinned_uri(compiled), lineage),
            descriptions=descriptions_of(compiled.source, compiled.program.interface),
        )
        shrunk = None
        forms: Mapping[str, Compiled] = {target.name: compiled for target in chosen}
        if wish is None:
            artifacts = tuple(_emit(compiled, target, Path(scratch), options, progress) for target in chosen)
        else:
            representative = (
                Rows(columns=compiled.sample_columns, origin="input example")
                if more is None
                else Rows(columns=more, origin="data")
            )
            into = Path(scratch) / "artifacts"
            shrunk = shrink(
                compiled,
                chosen,
                options,
                wish,
                into,
                rows=representative,
                calibration=typical,
                truth=answers_known,
                on_progress=progress,
            )
            forms, artifacts = shrunk.compiled, shrunk.artifacts
            compiled = forms[chosen[0].name]
        files = {t.name: (t, a.path) for t, a in zip(chosen, artifacts, strict=True)}
        judged: dict[str, Judged] = {}
        for form, names in by_form(forms):
            found = _judged(
                form, {n: files[n] for n in names}, rows=rows, data=more, tolerance=tolerance, progress=progress
            )
            judged.update(dict.fromkeys(names, found))
        verdicts = tuple(judged[name].verdicts[name] for name in files)
        if not keep_failed:
            require(verdicts)
        golden = judged[chosen[0].name].golden
        progress("seal", 0, 0)
        bundle = seal_bundle(
            folder,
            name=compiled.source.name,
            version=compiled.source.version,
            interface=compiled.program.interface,
            uri=pinned_uri(compiled),
            lineage=compiled.source.lineage,
            lineage_mode=lineage,
            artifacts=artifacts,
            columns=golden[0],
            answers=golden[1],
            goldens={name: own.golden for name, own in judged.items() if own.golden is not golden},
            verdicts=verdicts,
            tools=tools(),
            expires_utc=expires_utc,
            quantization=None if shrunk is None else shrunk.document,
            documents=documents(compiled.program, parts_of(chosen, artifacts), private_key),
            key=private_key,
            overwrite=overwrite,
        )
        if private_key is not None and statements:
            _attest(bundle, statements, compiled, private_key)
        if register:
            from edgepack.registration import register as write_back

            progress("register", 0, 0)
            write_back(bundle, compiled.source, tracking_uri=tracking_uri)
        if sdk:
            generate(bundle, sdk, Path(out), overwrite=overwrite)
        return bundle


def _attest(bundle: Bundle, kinds: Sequence[Kind], compiled: Compiled, key: SigningKey) -> None:
    """Writes the statements about a bundle that has just been sealed."""
    from edgepack.bundle.attest import attest
    from edgepack.bundle.envelope import signer_of
    from edgepack.bundle.files import SIGNATURE
    from edgepack.bundle.lineage import shipped_uri
    from edgepack.bundle.policy import Policy
    from edgepack.bundle.verify import verify_bundle

    signer = signer_of((bundle.path / SIGNATURE).read_bytes(), key)
    verified = verify_bundle(bundle.path, [signer], Policy(now_utc=bundle.manifest.created_utc))
    attest(
        bundle.path,
        kinds,
        manifest=verified.manifest,
        files=verified.files,
        uri=shipped_uri(pinned_uri(compiled), "digest"),
        lineage=compiled.source.lineage,
        key=key,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Verdicts by target on artifacts that hold the same numbers, and the golden rows for them."""

    verdicts: Mapping[str, Verdict]
    golden: tuple[Columns, Answers]


def by_form(forms: Mapping[str, Compiled]) -> list[tuple[Compiled, list[str]]]:
    """Each of a model's forms, and the targets whose artifacts hold its numbers, in their order."""
    found: dict[int, tuple[Compiled, list[str]]] = {}
    for target, compiled in forms.items():
        found.setdefault(id(compiled), (compiled, []))[1].append(target)
    return list(found.values())


def _judged(
    compiled: Compiled,
    files: Mapping[str, tuple[Target, Path]],
    *,
    rows: int,
    data: Columns | None,
    tolerance: Tolerance | None,
    progress: Progress,
) -> Judged:
    from edgepack.parity import bound_files, prove_files, run_parity

    cases = cases_for(compiled, rows=rows, data=data)
    runners = {name: _runner(target, path, compiled) for name, (target, path) in files.items()}
    allowed = tolerance or compiled.tolerance
    verdicts = run_parity(
        compiled.reference,
        runners,
        cases,
        program=compiled.meaning,
        stages=stages(compiled, files, allowed),
        tolerance=allowed,
        on_progress=progress,
    )
    if compiled.is_provable:
        progress("prove", 0, 0)
        verdicts = prove_files(verdicts, compiled.lowered, compiled.server, files)
        verdicts = bound_files(
            verdicts, compiled.lowered, compiled.server, files, ranges=compiled.lowered.ranges, tolerance=allowed
        )
    golden = _golden(compiled, cases, runners.values())
    return Judged(verdicts=dict(zip(files, verdicts, strict=True)), golden=golden)


def check(compiled: Compiled, targets: Sequence[Target]) -> None:
    """Returns if every target can emit the program. Raises `UnsupportedError` with all the reasons of all of them."""
    problems = [of_target(target.name, p) for target in targets for p in target.check(compiled.program)]
    if problems:
        raise UnsupportedError(problems)


def require(verdicts: Sequence[Verdict]) -> None:
    """Returns if no verdict has failed. Raises `ParityError` with a line for each that has."""
    lines = [f"{v.target}: {v.reason or v.status} ({v.runtime})" for v in verdicts if v.status == "failed"]
    if lines:
        raise ParityError("\n".join(lines))


def cases_for(compiled: Compiled, *, rows: int, data: Any = None, seen: Any = None, seed: int = 0) -> Cases:
    """The rows that parity compares: the program's boundaries, the sample, and any data."""
    from edgepack.parity import make_cases

    return make_cases(
        compiled.lowered,
        folded=compiled.program,
        example=compiled.sample_columns,
        data=data,
        seen=seen,
        budget_rows=rows,
        seed=seed,
    )


def documents(program: Program, parts: Mapping[str, Mapping[str, int]], key: SigningKey | None) -> dict[str, Document]:
    """The files that explain a bundle: its Program and its report, sealed with the rest as evidence of that day."""
    from edgepack.bundle.keyless.sign import Keyless
    from edgepack.bundle.keys import key_id
    from edgepack.bundle.strict_json import pretty
    from edgepack.report import PROGRAM, Signature, figures, program_document, to_html

    picture = program_document(program)
    match key:
        case None:
            signature = Signature(state="none")
        case Keyless():
            signature = Signature(state="sealed")  # by a key that does not exist yet
        case _:
            signature = Signature(state="sealed", key=key_id(key.public_key()))

    def report(manifest: Manifest) -> bytes:
        return to_html(figures(manifest, signature=signature, program=picture, parts=parts)).encode()

    return {PROGRAM: lambda _manifest: pretty(picture), REPORT: report}


def parts_of(targets: Sequence[Target], artifacts: Sequence[Artifact]) -> dict[str, Mapping[str, int]]:
    """Each artifact's bytes by part, of the targets that know them."""
    pairs = zip(targets, artifacts, strict=True)
    return {t.name: known(a.path) for t, a in pairs if (known := getattr(t, "parts", None))}


def stages(compiled: Compiled, files: Mapping[str, tuple[Target, Path]], tolerance: Tolerance | None) -> Stages:
    """The way from the server, or from the quantized model, to the files, step by step, to say where they part."""
    from edgepack.parity import Tolerance
    from edgepack.parity.explain import Stages

    return Stages(
        reference=compiled.reference,
        programs=dict if compiled.quantized else partial(_programs, compiled.lowered),
        evaluators={
            name: partial(target.evaluate, path, compiled.program.interface)
            for name, (target, path) in files.items()
            if hasattr(target, "evaluate")
        },
        tolerance=tolerance or Tolerance(),
        meaning=compiled.meaning,
    )


def _programs(lowered: Program) -> dict[str, Program]:
    """The Program after lowering and after each pass."""
    from edgepack.passes import PASSES

    programs = {"lowering": lowered}
    for name, rewrite in PASSES.items():
        programs[f"pass {name}"] = lowered = rewrite(lowered)
    return programs


def bundle_name(compiled: Compiled) -> str:
    """The bundle's folder: the model's name made safe for a file system, and its version if it has one."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", compiled.source.name).strip("-.") or "model"
    return name if compiled.source.version is None else f"{name}-{compiled.source.version}"


def pinned_uri(compiled: Compiled) -> str:
    """The URI that names this very model for good: an alias moves on, a version stays."""
    source = compiled.source
    return source.uri if source.version is None else f"models:/{source.name}/{source.version}"


def tools() -> dict[str, str]:
    """What took part, by name and version."""
    found = {"python": platform.python_version()}
    for name in TOOLS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _emit(compiled: Compiled, target: Target, scratch: Path, options: EmitOptions, progress: Progress) -> Artifact:
    progress(f"emit {target.name}", 0, 0)
    into = scratch / "artifacts" / target.name
    into.mkdir(parents=True)
    return target.emit(compiled.program, into, options)


def _runner(target: Target, path: Path, compiled: Compiled) -> Runner | str:
    """The artifact's runner, or why there is none here."""
    try:
        return target.open(path, compiled.program.interface)
    except EdgepackError as error:
        return str(error)


def _golden(compiled: Compiled, cases: Cases, runners: Iterable[Runner | str]) -> tuple[Columns, Answers]:
    """Rows for the device to check itself with: spread evenly over all that parity compares and the server answers."""
    import numpy as np

    from edgepack.columns import take
    from edgepack.parity import within_ranges

    within = np.ones(cases.rows, bool)
    for runner in runners:
        if not isinstance(runner, str):
            within &= within_ranges(runner, cases.columns)
    possible = np.flatnonzero(within)
    some = possible[np.unique(np.linspace(0, len(possible) - 1, min(len(possible), 4 * GOLDEN_ROWS)).astype(np.int64))]
    columns = take(cases.columns, some)
    answers, refused = compiled.reference.answers(columns)
    kept = np.flatnonzero(~refused)
    chosen = np.unique(np.linspace(0, len(kept) - 1, min(len(kept), GOLDEN_ROWS)).astype(np.int64))
    return take(columns, kept[chosen]), {name: answer[chosen] for name, answer in answers.items()}
