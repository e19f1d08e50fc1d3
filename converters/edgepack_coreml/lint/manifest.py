"""Rules on the model as a bundle's manifest describes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from edgepack.contract import Input
from edgepack_coreml.lint.place import Finding, Place, said, width_of

REMEDY = "take artifact and manifest from one export"


def inputs(place: Place) -> Iterator[Finding]:
    """The model takes what the manifest says: each input by name, of its kind and width."""
    if place.given is not None:
        return
    found, wanted = place.inputs, {i.name: i for i in place.interface.inputs}
    for name in sorted(found.keys() ^ wanted.keys()):
        where = "the manifest" if name in found else "the model"
        yield place.described("input", f"{name!r} is no input of {where}", REMEDY)
    for k, feature in enumerate(place.model.description.input):
        i = wanted.get(feature.name)
        if i is not None and (i.kind == "string") != (said(feature.type) == "string"):
            yield place.described(
                f"input[{k}].type", f"{feature.name!r} is {said(feature.type)}, not a {i.kind}", REMEDY
            )
        elif i is not None and width_of(feature.type) != i.width:
            reason = f"{feature.name!r} has {width_of(feature.type)} numbers, in the manifest {i.width}"
            yield place.described(f"input[{k}].type", reason, REMEDY)


def outputs(place: Place) -> Iterator[Finding]:
    """The model gives what the manifest says: a value, or a label and, where there are, probabilities."""
    if place.given is not None:
        return
    description, outputs = place.model.description, place.interface.outputs
    if "label" in outputs:
        missing = not description.predictedFeatureName or (
            "probabilities" in outputs and not description.predictedProbabilitiesName
        )
        if missing:
            yield place.described("output", f"{sorted(place.outputs)} lack {' or '.join(outputs)}", REMEDY)
        return
    given = sum(map(width_of, place.outputs.values()))
    if len(place.outputs) != 1 or given != place.interface.value_width:
        reason = f"{len(place.outputs)} outputs of {given} values; the manifest has {place.interface.value_width}"
        yield place.described("output", reason, REMEDY)


def metadata(place: Place) -> Iterator[Finding]:
    """The model's own metadata tells of the same inputs and classes as the manifest."""
    if place.given is not None:
        return
    told = dict(place.model.description.metadata.userDefined)
    wanted = {"edgepack.inputs": [_plain(i) for i in place.interface.inputs]}
    if place.interface.classes is not None:
        wanted["edgepack.classes"] = list(place.interface.classes)
    for key, value in wanted.items():
        if key not in told:
            yield place.described("metadata.userDefined", f"{key!r} is missing", REMEDY)
        elif json.loads(told[key]) != value:
            yield place.described(f"metadata.userDefined[{key!r}]", "is not what the manifest says", REMEDY)


def _plain(i: Input) -> object:
    return json.loads(json.dumps(asdict(i)))
