"""What a command shows of a bundle and of answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgepack import console
from edgepack.contract import Interface, are_texts


def answers_table(answers: Any, interface: Interface) -> Any:
    """Answers as a DataFrame: a column per output, class and value; texts of several targets as such."""
    import pandas as pd

    columns: dict[str, Any] = {}
    for name, answer in answers.items():
        if answer.ndim == 1:
            columns[name] = answer
        elif name == "probabilities":
            columns.update({f"probability[{c}]": answer[:, k] for k, c in enumerate(interface.classes or ())})
        elif interface.targets:
            columns.update(_of_targets(answer, interface))
        else:
            columns.update({f"{name}[{k}]": answer[:, k] for k in range(answer.shape[1])})
    return pd.DataFrame(columns)


def _of_targets(value: Any, interface: Interface) -> dict[str, Any]:
    """A column per target, or per label of each."""
    if interface.method == "predict_proba":
        names = [f"probability[{k}][{label}]" for k, labels in enumerate(interface.targets) for label in labels]
        return dict(zip(names, value.T, strict=True))
    return {
        f"label[{k}]": [labels[int(place)] for place in value[:, k]] if are_texts(labels) else value[:, k]
        for k, labels in enumerate(interface.targets)
    }


def document(bundle: Any) -> dict[str, Any]:
    """The manifest as JSON has it."""
    from json import loads

    document: dict[str, Any] = loads((bundle.path / "manifest.json").read_bytes())
    return document


def show_bundle(bundle: Any) -> None:
    """Prints what is in a bundle, and its verdicts."""
    from edgepack.parity.report import to_reasons, to_table

    manifest = bundle.manifest
    uri, lineage = bundle.origin
    run = lineage.get("run") or {}
    console.show(
        console.facts(
            f"{manifest.name}" + ("" if manifest.version is None else f" version {manifest.version}"),
            {
                "bundle": bundle.path,
                "from": uri or "not told (--lineage none)",
                "run": run.get("run_id"),
                "inputs": f"{len(manifest.interface.inputs)}, numbers as {manifest.interface.input_dtype}",
                "outputs": ", ".join(manifest.interface.outputs),
                "signed": _signed(bundle.path),
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
    if manifest.quantization is not None:
        console.show(quantization_table(manifest.quantization))
        console.show(sections_table(manifest.quantization))
    console.show(to_table(manifest.verdicts), *to_reasons(manifest.verdicts))


def _signed(folder: Path) -> str:
    """What the signature's file says of itself; nothing is verified."""
    from edgepack.bundle.files import SIGNATURE, read_small
    from edgepack.bundle.keyless.identity import claimed_identity

    if not (folder / SIGNATURE).is_file():
        return "no (pass --sign-key)"
    identity = claimed_identity(read_small(folder, SIGNATURE))
    return "yes" if identity is None else f"as {identity}, not verified here"


def quantization_table(quantization: Mapping[str, Any]) -> Any:
    """Every way that was tried: its sizes, and what it did to the answers; the chosen one is marked."""
    from rich.table import Table

    from edgepack.report.sections import chosen

    effect = quantization["effect"]
    title = f"Quantization, on {effect['rows']:,} rows ({effect['origin']})"
    table = Table(title=title, title_justify="left", title_style="bold")
    targets = list(quantization["tries"][0]["sizes"])
    columns = [
        "method",
        *(f"{target} bytes (compressed)" for target in targets),
        "label changes",
        "|Δ| max",
        "|Δ| 99 %",
        *([f"{metric} lost"] if (metric := effect.get("metric")) else []),
    ]
    for name in [*columns, ""]:
        table.add_column(name, justify="left" if name in ("method", "") else "right")
    for tried in quantization["tries"]:
        sizes = [tried["sizes"].get(target) for target in targets]
        found = tried["effect"]
        taken = [target for target in targets if chosen(quantization, target) == tried["method"]]
        told = "" if not taken else "chosen" if taken == targets else f"chosen for {', '.join(taken)}"
        table.add_row(
            tried["method"],
            *(f"{size['size_bytes']:,} ({size['compressed_size_bytes']:,})" if size else "–" for size in sizes),
            f"{found['label_changes']:,}",
            f"{found['max_abs_error']:.2g}",
            f"{found['p99_abs_error']:.2g}",
            *([f"{found['metric_drop']:.2g}"] if metric else []),
            "; ".join(tried["over_budget"]) or told,
            style="bold" if taken else "",
        )
    kept = [f"{part['kind']} of {part['step']}: {part['kept']}" for part in quantization["parts"] if part["kept"]]
    touched = len(quantization["parts"]) - len(kept)
    table.caption = f"{touched} of {len(quantization['parts'])} tables quantized" + "".join(f"; kept {k}" for k in kept)
    return table


def sections_table(quantization: Mapping[str, Any]) -> Any:
    """What the bytes are for, before and after: raw, and compressed in brackets."""
    from rich.table import Table

    from edgepack.report.sections import sections

    table = Table(title="Bytes (compressed) by section", title_justify="left", title_style="bold")
    for name in ("target", "section", "before", "after"):
        table.add_column(name, justify="left" if name in ("target", "section") else "right")
    for of in sections(quantization):
        for row in of["rows"]:
            told = [
                "–" if size["size_bytes"] is None else f"{size['size_bytes']:,} ({size['compressed_size_bytes']:,})"
                for size in (row["before"], row["after"])
            ]
            table.add_row(of["target"], row["name"], *told)
    return table
