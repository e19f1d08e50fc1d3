"""Where in a specification a rule looks: a model, and every model inside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from edgepack.contract import Interface
from edgepack_coreml.kinds import PIPELINES
from edgepack_coreml.lint.package import Package

DATA_TYPES = {65600: "float64", 65568: "float32", 65552: "float16", 131104: "int32"}


class Finding(NamedTuple):
    """What is wrong, the path in the specification, and the remedy."""

    path: str
    reason: str
    remedy: str = "export the model again with this edgepack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A `Model` message in a specification.

    Attributes:
        model: the message.
        path: of its parameters, `pipelineClassifier.pipeline.models[2].glmClassifier`.
        root: the path of the model itself; empty for the whole.
        given: what a pipeline knows before this stage, by name; None for the whole.
        package: the files that the specification came from.
        interface: what the manifest says of the whole model.
    """

    model: Any
    path: str
    root: str = ""
    given: Mapping[str, str] | None = None
    package: Package
    interface: Interface
    stages: tuple[Place, ...] = field(default=(), repr=False)

    @property
    def kind(self) -> str:
        """The name of the field in `Model.Type`."""
        return str(self.model.WhichOneof("Type"))

    @property
    def parameters(self) -> Any:
        """The message of that field."""
        return getattr(self.model, self.kind)

    @property
    def inputs(self) -> dict[str, Any]:
        """The types of the inputs by name."""
        return {f.name: f.type for f in self.model.description.input}

    @property
    def outputs(self) -> dict[str, Any]:
        """The types of the outputs by name."""
        return {f.name: f.type for f in self.model.description.output}

    @property
    def width(self) -> int:
        """How many numbers all inputs together have."""
        return sum(width_of(type_) for type_ in self.inputs.values())

    def finding(self, field_: str, reason: str, remedy: str = Finding._field_defaults["remedy"]) -> Finding:
        """A finding in a field of the parameters."""
        return Finding(f"{self.path}.{field_}".strip("."), reason, remedy)

    def described(self, field_: str, reason: str, remedy: str = Finding._field_defaults["remedy"]) -> Finding:
        """A finding in a field of the description."""
        return Finding(f"{self.root}.description.{field_}".strip("."), reason, remedy)


def whole(model: Any, package: Package, interface: Interface) -> Place:
    """The place of a model, with those of all stages inside."""
    return _place(model, "", None, package, interface)


def places(place: Place) -> Iterator[Place]:
    """A place and all inside it, in order."""
    yield place
    for stage in place.stages:
        yield from places(stage)


def said(type_: Any) -> str:
    """A `FeatureType` in short: two features fit where it is the same text."""
    match type_.WhichOneof("Type"):
        case "multiArrayType":
            array = type_.multiArrayType
            return f"{DATA_TYPES.get(array.dataType, array.dataType)} array {list(array.shape)}"
        case "dictionaryType":
            return f"dictionary by {str(type_.dictionaryType.WhichOneof('KeyType')).removesuffix('KeyType')}"
        case None:
            return "nothing"
        case other:
            return str(other).removesuffix("Type")


def width_of(type_: Any) -> int:
    """How many numbers a feature of a type is; 1 for what is no array."""
    if type_.WhichOneof("Type") != "multiArrayType":
        return 1
    count = 1
    for size in type_.multiArrayType.shape:
        count *= size
    return count


def _place(model: Any, root: str, given: Mapping[str, str] | None, package: Package, interface: Interface) -> Place:
    kind = str(model.WhichOneof("Type"))
    path = f"{root}.{kind}".strip(".")
    stages: list[Place] = []
    if kind in PIPELINES:
        pipeline, inner = (
            (model.pipeline, path) if kind == "pipeline" else (getattr(model, kind).pipeline, f"{path}.pipeline")
        )
        known = {f.name: said(f.type) for f in model.description.input}
        for k, stage in enumerate(pipeline.models):
            stages.append(_place(stage, f"{inner}.models[{k}]", dict(known), package, interface))
            known.update({f.name: said(f.type) for f in stage.description.output})
    return Place(
        model=model, path=path, root=root, given=given, package=package, interface=interface, stages=tuple(stages)
    )
