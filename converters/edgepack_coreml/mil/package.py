"""From a planned ML Program to an .mlpackage folder."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from pathlib import Path

from edgepack.contract import EmitOptions, Interface
from edgepack_coreml import wire
from edgepack_coreml.mil import tools
from edgepack_coreml.mil.plan import Planned
from edgepack_coreml.plan import Plan
from edgepack_coreml.save import model_pieces
from edgepack_coreml.stage import Stage

AUTHOR = "com.apple.CoreML"
ML_PROGRAM = 502
"""The number of the field `mlProgram` of `Model`."""


def write(planned: Planned, interface: Interface, options: EmitOptions, path: Path) -> tuple[str, int]:
    """Writes the folder `path`, replacing one that is there; gives the kind of the model in it, and its specification.

    The same program gives the same bytes: where others draw identifiers at random, these are made of the contents.
    """
    if path.exists():
        shutil.rmtree(path)
    data = path / "Data" / AUTHOR
    weights = data / "weights"
    weights.mkdir(parents=True)
    program = tools.encoded(planned.function, options.ios, weights)
    predicted, probabilities = [f.name for f in planned.outputs] if len(planned.outputs) == 2 else ("", "")
    stage = Stage(
        kind="mlProgram",
        inputs=(planned.given,),
        outputs=planned.outputs,
        body=lambda: wire.embed(ML_PROGRAM, (program,)),
        predicted=predicted,
        probabilities=probabilities,
        specification=tools.SPECIFICATIONS[options.ios],
    )
    whole = Plan(inputs=planned.inputs, outputs=planned.outputs, stages=(*planned.front, stage), problems=())
    pieces, kind = model_pieces(whole, interface, options)
    model = b"".join(pieces)
    (data / "model.mlmodel").write_bytes(model)
    entries = {
        _id(model): {
            "author": AUTHOR,
            "description": "CoreML Model Specification",
            "name": "model.mlmodel",
            "path": f"{AUTHOR}/model.mlmodel",
        }
    }
    if any(weights.iterdir()):
        entries[_id(model + b"weights")] = {
            "author": AUTHOR,
            "description": "CoreML Model Weights",
            "name": "weights",
            "path": f"{AUTHOR}/weights",
        }
    else:
        weights.rmdir()
    manifest = {"fileFormatVersion": "1.0.0", "itemInfoEntries": entries, "rootModelIdentifier": _id(model)}
    (path / "Manifest.json").write_text(json.dumps(manifest, indent=4, sort_keys=True) + "\n", encoding="utf-8")
    return kind, stage.specification


def _id(data: bytes) -> str:
    return str(uuid.UUID(bytes=hashlib.sha256(data).digest()[:16], version=4)).upper()
