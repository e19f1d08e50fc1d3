"""`edgepack check`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgepack import console
from edgepack.cli.files import read
from edgepack.cli.options import (
    DataOpt,
    Env,
    EnvOpt,
    JsonOpt,
    ModelOrBundleArg,
    OutputOpt,
    PickleOpt,
    TargetsOpt,
    TrackingOpt,
)
from edgepack.contract import Problem
from edgepack.errors import UnsupportedError, UsageError


def check(
    model: ModelOrBundleArg,
    target: TargetsOpt = ["onnx", "coreml"],  # noqa: B006  (typer copies it)
    data: DataOpt = None,
    output: OutputOpt = None,
    allow_pickle: PickleOpt = False,
    env: EnvOpt = Env.auto,
    tracking_uri: TrackingOpt = None,
    json: JsonOpt = False,
) -> None:
    """Tell whether a model can be exported (exit code 4 if not), or whether a bundle's files are sound (6 if not)."""
    if (Path(model) / "manifest.json").is_file():
        if data is not None:
            raise UsageError(f"--data {data}: a bundle's files are not run; compare them with edgepack parity --data")
        _check_bundle(Path(model), target, json=json)
        return
    from edgepack.survey import survey
    from edgepack.targets import find_target

    found = survey(
        model,
        [find_target(name) for name in dict.fromkeys(target)],
        tracking_uri=tracking_uri,
        allow_pickle=allow_pickle,
        env=env.value,
        output=output.value if output else None,
        data=read(data),
    )
    if json:
        console.emit_json(found.to_document())
    else:
        console.show(found.to_table())
    if not found.supported:
        raise UnsupportedError(found.problems)


def _check_bundle(folder: Path, targets: Sequence[str], *, json: bool) -> None:
    from edgepack.bundle.bundle import Bundle
    from edgepack.errors import SignatureError
    from edgepack.lint import lint

    held = lint(Bundle.open(folder))
    found = {target: problems for target, problems in held.items() if target in targets}
    if not found:
        raise UsageError(f"{', '.join(targets)}: not in this bundle; choose one of {', '.join(held)}")
    problems = [str(p) for listed in found.values() if not isinstance(listed, str) for p in listed]
    if json:
        artifacts = {t: {"not checked": f} if isinstance(f, str) else [str(p) for p in f] for t, f in found.items()}
        console.emit_json({"sound": not problems, "artifacts": artifacts})
    else:
        for target, listed in found.items():
            print(f"{target}: {_state(listed)}")
    if problems:
        raise SignatureError("\n".join(problems))


def _state(found: list[Problem] | str) -> str:
    if isinstance(found, str):
        return f"not checked: {found}"
    return f"{len(found)} problem{'s' if len(found) > 1 else ''}" if found else "sound"
