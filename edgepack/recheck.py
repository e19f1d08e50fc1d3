"""Parity of a bundle that exists: its files, against the model that it says it came from."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgepack.compiler import Compiled, compile_model
from edgepack.contract import Runner, Target, Verdict
from edgepack.errors import EdgepackError, SourceError
from edgepack.export import Progress, by_form, cases_for, stages
from edgepack.matrix import TARGET, in_runtimes, runtime_runners

if TYPE_CHECKING:
    from edgepack.bundle.bundle import Bundle
    from edgepack.parity import Tolerance
    from edgepack.parity.stream_data import DataFile
    from edgepack.runtimes import Spec
    from edgepack.source.loading import Env


SEEN_ROWS = 2048
"""Of rows that are streamed, so many are looked at to make boundary rows that are like them."""


def recheck(
    bundle: Bundle,
    *,
    data: Any = None,
    stream: DataFile | None = None,
    rows: int = 20_000,
    tolerance: Tolerance | None = None,
    runtimes: Sequence[Spec] = (),
    bounds: Sequence[str] = (),
    tracking_uri: str | None = None,
    allow_pickle: bool = False,
    env: Env = "auto",
    on_progress: Progress | None = None,
) -> tuple[Verdict, ...]:
    """A verdict per artifact, and one on ONNX per further runtime, on boundary rows.

    The original estimator is loaded anew and answers the same rows.

    Args:
        data: further rows, as the estimator takes them.
        stream: further rows that are read part by part.
        bounds: between which numbers the answers are bounded, in place of the sample's; see `declared`.

    Raises:
        SourceError: the model cannot be loaded any more, or is not the one that the bundle was made from.
        UsageError: rows that cannot be read.
    """
    from edgepack.parity import bound_files, prove_files, run_parity
    from edgepack.parity.bounds.declared import declared
    from edgepack.parity.stream import merge
    from edgepack.rows import columns_of

    progress = on_progress or (lambda _what, _done, _total: None)
    with tempfile.TemporaryDirectory(prefix="edgepack-") as scratch:
        progress("compile", 0, 0)
        compiled = original(bundle, Path(scratch), tracking_uri=tracking_uri, allow_pickle=allow_pickle, env=env)
        ranges = declared(bounds, compiled.lowered.interface, compiled.lowered.ranges)
        more = None if data is None else columns_of(data, compiled.program.interface)
        seen = None if stream is None else stream.sample(SEEN_ROWS)
        own, elsewhere = runners(bundle), tuple[Verdict, ...]()
        judged: dict[str, Verdict] = {}
        for form, names in forms(compiled, bundle):
            cases = cases_for(form, rows=rows, data=more, seen=seen)
            allowed = tolerance or form.tolerance
            sealed = {name: file for name, file in files(bundle).items() if name in names}
            mine = {name: own[name] for name in names}
            others = runtimes if TARGET in names or TARGET not in own else ()
            with runtime_runners(bundle, others) as further:
                verdicts = run_parity(
                    form.reference,
                    {**mine, **further},
                    cases,
                    program=form.meaning,
                    stages=stages(form, sealed, allowed),
                    tolerance=allowed,
                    on_progress=on_progress,
                )
            verdicts, elsewhere = verdicts[: len(mine)], elsewhere or in_runtimes(verdicts[len(mine) :])
            if stream is not None:
                verdicts = merge(verdicts, _on_data(stream, form, mine, allowed, progress))
            if form.is_provable:
                progress("prove", 0, 0)
                verdicts = prove_files(verdicts, form.lowered, form.server, sealed)
                verdicts = bound_files(verdicts, form.lowered, form.server, sealed, ranges=ranges, tolerance=allowed)
            judged.update(zip(mine, verdicts, strict=True))
        return (*(judged[name] for name in own), *elsewhere)


def _on_data(
    data: DataFile,
    compiled: Compiled,
    runners: Mapping[str, Runner | str],
    tolerance: Tolerance | None,
    progress: Progress,
) -> tuple[Verdict, ...]:
    from edgepack.parity.stream import stream_parity

    return stream_parity(
        compiled.reference, runners, data.parts(), rows=data.rows, tolerance=tolerance, on_progress=progress
    )


def recheck_golden(
    bundle: Bundle, *, tolerance: Tolerance | None = None, runtimes: Sequence[Spec] = ()
) -> tuple[Verdict, ...]:
    """A verdict per artifact, and one on ONNX per further runtime, on the golden rows alone.

    The server gave their answers at export, so no registry is needed.
    """
    from edgepack.parity import Tolerance, compare, not_run
    from edgepack.parity.machine import machine_of

    golden = {target: bundle.golden(target) for target in bundle.targets}

    def judged(target: str, runner: Runner | str) -> Verdict:
        columns, answers = golden.get(target) or bundle.golden(TARGET)  # a runtime's word is no target
        count = len(next(iter(answers.values())))
        if isinstance(runner, str):
            return not_run(target, runner)
        try:
            device = runner.run(columns)
        except EdgepackError as error:
            return Verdict(target=target, runtime=runner.runtime, status="failed", reason=str(error))
        verdict = compare(
            target,
            runner.runtime,
            answers,
            device,
            columns=columns,
            cases={"golden": count},
            tolerance=(tolerance or Tolerance(yields=True)).of(runner),
            tie_width=float(getattr(runner, "tie_width", 0.0)),
        )
        return replace(verdict, machine=machine_of(runner.runtime))

    verdicts = tuple(judged(target, runner) for target, runner in runners(bundle).items())
    with runtime_runners(bundle, runtimes) as further:
        return (*verdicts, *in_runtimes([judged(word, runner) for word, runner in further.items()]))


def original(bundle: Bundle, into: Path, *, tracking_uri: str | None, allow_pickle: bool, env: Env) -> Compiled:
    """The model that a bundle was made from, compiled anew; its files must have the digests of the manifest.

    Its numbers are its own: `forms` gives it those of quantized artifacts.
    """
    uri, lineage = bundle.origin
    if not uri:
        raise SourceError("the bundle does not say where it came from; compare its golden rows alone (--golden)")
    compiled = compile_model(
        uri,
        into,
        tracking_uri=tracking_uri,
        allow_pickle=allow_pickle,
        env=env,
        input_dtype=bundle.interface.input_dtype,
        output=None if "probabilities" in bundle.interface.outputs else bundle.interface.method,
    )
    sealed, found = _digest(lineage), _digest(compiled.source.lineage)
    if sealed != found:
        raise SourceError(
            f"{uri}: its files have sha256 {str(found)[:12]}…, the bundle was made from {str(sealed)[:12]}…; "
            "export it again"
        )
    return compiled


def forms(compiled: Compiled, bundle: Bundle) -> list[tuple[Compiled, list[str]]]:
    """The model with the numbers of each artifact, and the targets that share these."""
    manifest, made = bundle.manifest, dict[Any, Compiled]()
    for target in bundle.targets:
        method = manifest.quantized_by(target)
        if method not in made:
            made[method] = compiled if method is None else compiled.quantized_by(method, manifest.activation_ranges)
    return by_form({target: made[manifest.quantized_by(target)] for target in bundle.targets})


def runners(bundle: Bundle) -> Mapping[str, Runner | str]:
    """A runner per artifact, or the reason why there is none on this machine."""
    found: dict[str, Runner | str] = {}
    for target, opener in openers(bundle).items():
        try:
            found[target] = opener if isinstance(opener, str) else opener()
        except EdgepackError as error:
            found[target] = str(error)
    return found


def openers(bundle: Bundle) -> Mapping[str, Callable[[], Runner] | str]:
    """What opens each artifact, or the reason why nothing does on this machine."""
    from edgepack.targets import find_target

    found: dict[str, Callable[[], Runner] | str] = {}
    for entry in bundle.manifest.artifacts:
        try:
            target = find_target(entry.artifact.target)
        except EdgepackError as error:
            found[entry.artifact.target] = str(error)
        else:
            path = bundle.path / entry.artifact.path
            found[entry.artifact.target] = partial(target.open, path, bundle.interface)
    return found


def files(bundle: Bundle) -> Mapping[str, tuple[Target, Path]]:
    """Each installed target and its artifact."""
    from edgepack.targets import find_target

    found: dict[str, tuple[Target, Path]] = {}
    for entry in bundle.manifest.artifacts:
        try:
            found[entry.artifact.target] = find_target(entry.artifact.target), bundle.path / entry.artifact.path
        except EdgepackError:
            continue  # its verdict is `not run`, with this error for a reason
    return found


def _digest(lineage: Mapping[str, Any]) -> Any:
    return (lineage.get("artifacts") or {}).get("tree_sha256")
