"""The accepted forms of a MODEL string."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from edgepack.errors import SourceError

ACCEPTED_FORMS = (
    "models:/NAME/VERSION, models:/NAME@ALIAS, models:/m-ID, runs:/RUN_ID/PATH or a folder that holds an MLmodel file"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredVersion:
    """`models:/NAME/VERSION`."""

    name: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredAlias:
    """`models:/NAME@ALIAS`."""

    name: str
    alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedModelId:
    """`models:/m-…`, a model that a run logged, registered or not."""

    model_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunArtifact:
    """`runs:/RUN_ID/PATH`, a model by the name or path under which a run logged it."""

    run_id: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFolder:
    """A folder that holds an `MLmodel` file."""

    path: Path


StoredModel = RegisteredVersion | RegisteredAlias | LoggedModelId | RunArtifact
ModelUri = StoredModel | LocalFolder


def parse_uri(uri: str) -> ModelUri:
    """What a MODEL string names, without looking whether it exists.

    Raises:
        SourceError: it has none of the accepted forms. MLflow's stages and `latest` are refused on purpose: what they
            name changes under the reader's feet, and a bundle must say which version it holds.
    """
    if found := re.fullmatch(r"models:/(m-[0-9a-f]+)/?", uri):
        return LoggedModelId(model_id=found[1])
    if found := re.fullmatch(r"models:/([^/:]+)/([0-9]+)", uri):
        return RegisteredVersion(name=found[1], version=int(found[2]))
    if found := re.fullmatch(r"models:/([^/:]+)@([^/:@]+)", uri):
        return RegisteredAlias(name=found[1], alias=found[2])
    if found := re.fullmatch(r"models:/([^/:@]+)/([^/:@]+)", uri):
        raise SourceError(
            f"{uri}: {found[2]!r} is not a version number; "
            f"stages and 'latest' move, so give models:/{found[1]}/VERSION or models:/{found[1]}@ALIAS"
        )
    if (found := re.fullmatch(r"runs:/([^/:]+)/(.+?)/?", uri)) and ".." not in found[2].split("/"):
        return RunArtifact(run_id=found[1], path=found[2])
    if not uri or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", uri):
        raise SourceError(f"{uri!r} is not a model; give {ACCEPTED_FORMS}")
    return LocalFolder(path=Path(uri))
