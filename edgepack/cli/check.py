"""`edgepack check`."""

from __future__ import annotations

from edgepack import console
from edgepack.cli.options import JsonOpt, ModelArg, OutputOpt, PickleOpt, TargetsOpt, TrackingOpt


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
