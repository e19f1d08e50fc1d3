"""From planned stages to one .mlmodel file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edgepack.contract import EmitOptions, Interface
from edgepack_coreml import wire
from edgepack_coreml.feature import Feature
from edgepack_coreml.plan import Plan
from edgepack_coreml.stage import encoded

OWN_FIELDS = {"author": "author", "license": "license", "version": "versionString", "description": "shortDescription"}
"""Metadata that Core ML has fields for; all other metadata is `userDefined`."""


def model_pieces(plan: Plan, interface: Interface, options: EmitOptions) -> tuple[wire.Pieces, str]:
    """The encoded model and its kind: the only stage itself where it takes all inputs, else a pipeline."""
    last = plan.stages[-1]
    header = last.header(plan.inputs, _sentences(plan, interface, options))
    _fill_metadata(header.description.metadata, interface, options)
    alone = [f.name for f in last.inputs] == [f.name for f in plan.inputs]
    if len(plan.stages) == 1 and alone:
        return (encoded(header), *last.body()), last.kind
    pipeline = tuple(piece for stage in plan.stages for piece in wire.embed(1, stage.encode()))
    if last.probabilities or last.kind.endswith("Classifier"):
        kind, body = "pipelineClassifier", wire.embed(200, wire.embed(1, pipeline))
    elif last.predicted:
        kind, body = "pipelineRegressor", wire.embed(201, wire.embed(1, pipeline))
    else:
        kind, body = "pipeline", wire.embed(202, pipeline)
    return (encoded(header), *body), kind


def file_name(name: str) -> str:
    """`HousePrices` for `house-prices`: Xcode names the generated class after the file."""
    words = re.findall(r"[^\W_]+", name)
    camel = "".join(word[0].upper() + word[1:] for word in words)
    return f"{camel if camel[:1].isalpha() else 'Model' + camel}"


def _sentences(plan: Plan, interface: Interface, options: EmitOptions) -> Mapping[str, str]:
    """A short description for every input and output: what the interface knows, and then the caller's."""
    free = {f.name for f in plan.inputs if f.optional}
    sentences = {i.name: _about_input(i, interface.input_dtype, free=i.name in free) for i in interface.inputs}
    answers = {feature.name: _answer(feature) for feature in plan.outputs}
    sentences |= {name: sentence for name, (_, sentence) in answers.items()}
    given = {name: options.descriptions.get(answers[name][0] if name in answers else name) for name in sentences}
    return {name: "; ".join([sentence, *filter(None, [given[name]])]) for name, sentence in sentences.items()}


def _answer(feature: Feature) -> tuple[str, str]:
    """The output of `contract.Answers` that a feature is, and what it tells."""
    match feature.kind:
        case "int64" | "string":
            return "label", "The most likely class"
        case "labels int64" | "labels string":
            return "probabilities", "The probability of each class"
    return "value", "The predicted value" + ("s" if feature.width > 1 else "")


def _about_input(i: Any, dtype: str, *, free: bool) -> str:
    if i.kind == "string":
        missing = f"; {i.missing_token!r} when missing" if i.accepts_missing else ""
        known = "" if i.categories is None else f", one of {len(i.categories)} categories"
        return f"Text{known}{missing}"
    missing = f"; NaN{' or left out' if free else ''} when missing" if i.accepts_missing else ""
    return f"{'A number' if i.width == 1 else f'{i.width} numbers'}, {dtype}{missing}"


def _fill_metadata(metadata: Any, interface: Interface, options: EmitOptions) -> None:
    metadata.shortDescription = options.name
    for key, text in options.metadata.items():
        if key in OWN_FIELDS:
            setattr(metadata, OWN_FIELDS[key], text)
        else:
            metadata.userDefined[key] = text
    inputs = [asdict(i) for i in interface.inputs]
    metadata.userDefined["edgepack.inputs"] = json.dumps(inputs, ensure_ascii=False)
    if interface.classes is not None:
        metadata.userDefined["edgepack.classes"] = json.dumps(list(interface.classes), ensure_ascii=False)
    if interface.targets:
        metadata.userDefined["edgepack.targets"] = json.dumps(interface.targets, ensure_ascii=False)
