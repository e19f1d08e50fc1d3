"""What a command shows of a bundle and of answers."""

from __future__ import annotations

from typing import Any

from edgepack import console


def answers_table(answers: Any, classes: Any) -> Any:
    """Answers as a DataFrame: a column per output, class and value."""
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


def document(bundle: Any) -> dict[str, Any]:
    """The manifest as JSON has it."""
    from json import loads

    document: dict[str, Any] = loads((bundle.path / "manifest.json").read_bytes())
    return document


def show_bundle(bundle: Any) -> None:
    """Prints what is in a bundle, and its verdicts."""
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
