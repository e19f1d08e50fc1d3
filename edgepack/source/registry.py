"""A model's files and lineage, fetched from an MLflow tracking store and registry or taken from a local folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from edgepack.errors import SourceError
from edgepack.source.blame import blame
from edgepack.source.digests import digest_files, refuse_links
from edgepack.source.lineage import describe_files, describe_registry
from edgepack.source.mlmodel import read_description
from edgepack.source.model import Source
from edgepack.source.pace import paced
from edgepack.source.tracking import explain, open_registry, without_credentials
from edgepack.source.uri import (
    LocalFolder,
    LoggedModelId,
    RegisteredAlias,
    RegisteredVersion,
    RunArtifact,
    StoredModel,
    parse_uri,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

_LISTED = 10  # names in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the registry and the tracking store know of a model: MLflow's own entities, None where not involved."""

    name: str
    location: str
    version: Any = None
    logged_model: Any = None
    run_id: str | None = None


def resolve(uri: str, into: Path, *, tracking_uri: str | None = None, timeout_s: float = 10) -> Source:
    """The model that a MODEL string names: its files on this machine, and its lineage.

    Args:
        uri: `models:/NAME/VERSION`, `models:/NAME@ALIAS`, `models:/m-ID`, `runs:/RUN_ID/PATH` or a local model folder
            (used where it is; no MLflow store is asked).
        into: a new folder below it receives the downloaded files.
        tracking_uri: else MLFLOW_TRACKING_URI, else MLflow's default, `sqlite:///mlflow.db` in the current folder.
        timeout_s: how long a server may take for one answer, or bring less than 1,024 bytes a second of a file.

    Raises:
        SourceError: no such store, server, model, version, alias, run or file; a deleted run asked for by its id;
            a folder that is no MLflow model; links among the files.
    """
    target = parse_uri(uri)
    if isinstance(target, LocalFolder):
        if not target.path.is_dir():
            raise SourceError(
                f"{uri}: no such folder; give a model folder or an MLflow URI such as models:/NAME/VERSION"
            )
        return _source(uri, target.path, name=target.path.resolve().name)

    with open_registry(tracking_uri, timeout_s) as (client, store):
        found = _find(client, store, uri, target)
        registry = describe_registry(
            client, version=found.version, logged_model=found.logged_model, run_id=found.run_id
        )
    with open_registry(tracking_uri, timeout_s) as (_, store), paced(timeout_s):
        folder = _download(uri, found.location, into, store)
    return _source(uri, folder, name=found.name, version=found.version, registry=registry)


def _source(
    uri: str, folder: Path, *, name: str, version: Any = None, registry: dict[str, Any] | None = None
) -> Source:
    with blame(uri):
        description = read_description(folder)
        files = digest_files(folder)
    return Source(
        uri=uri,
        name=name,
        version=int(version.version) if version else None,
        aliases=tuple(sorted(version.aliases)) if version else (),
        folder=folder,
        signature=description.signature,
        lineage=describe_files(uri, folder, description, files, registry),
    )


def _find(client: MlflowClient, store: str, uri: str, target: StoredModel) -> _Found:
    from mlflow.exceptions import MlflowException

    match target:
        case RegisteredVersion(name=name, version=number):
            try:
                version = client.get_model_version(name, str(number))
            except MlflowException as error:
                raise _missing_version(client, store, uri, target, error) from error
            return _find_registered(client, uri, version)
        case RegisteredAlias(name=name, alias=alias):
            try:
                version = client.get_model_version_by_alias(name, alias)
            except MlflowException as error:
                raise _missing_version(client, store, uri, target, error) from error
            return _find_registered(client, uri, version)
        case LoggedModelId(model_id=model_id):
            try:
                logged = client.get_logged_model(model_id)
            except MlflowException as error:
                if _is_absent(error):
                    raise SourceError(f"{uri}: no such logged model in {without_credentials(store)}") from error
                raise
            return _Found(
                name=logged.name, location=logged.artifact_location, logged_model=logged, run_id=logged.source_run_id
            )
        case RunArtifact():
            return _find_in_run(client, store, uri, target)


def _find_registered(client: MlflowClient, uri: str, version: Any) -> _Found:
    """A registered version points at a logged model (`models:/m-…`) or, from older clients, straight at files."""
    from mlflow.exceptions import MlflowException

    if version.status != "READY":
        raise SourceError(f"{uri}: the registry says {version.status}; wait for it, or register the version again")
    location = client.get_model_version_download_uri(version.name, str(version.version))
    logged_model = None
    source = parse_uri(version.source) if str(version.source).startswith("models:/m-") else None
    model_id = version.model_id or (source.model_id if isinstance(source, LoggedModelId) else None)
    if model_id:
        try:
            logged_model = client.get_logged_model(model_id)
        except MlflowException as error:
            if not _is_absent(error):
                raise
            if location.startswith("models:/"):
                raise SourceError(
                    f"{uri}: its logged model {model_id} was deleted and the files with it; register another version"
                ) from error
    if logged_model and location.startswith("models:/"):
        location = logged_model.artifact_location
    run_id = version.run_id or (logged_model.source_run_id if logged_model else None)
    return _Found(name=version.name, location=location, version=version, logged_model=logged_model, run_id=run_id)


def _find_in_run(client: MlflowClient, store: str, uri: str, target: RunArtifact) -> _Found:
    """A model that a run logged: by its name (MLflow 3), else by its path among the run's artifacts (MLflow 2)."""
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(target.run_id)
    except MlflowException as error:
        if _is_absent(error):
            raise SourceError(f"{uri}: no such run in {without_credentials(store)}") from error
        raise
    if run.info.lifecycle_stage == "deleted":
        raise SourceError(f"{uri}: this run was deleted; restore it (mlflow runs restore) or give another model")
    logged = [client.get_logged_model(output.model_id) for output in (run.outputs.model_outputs if run.outputs else ())]
    named = max(
        (model for model in logged if model.name == target.path),
        key=lambda model: model.creation_timestamp,
        default=None,
    )
    if named is None and not _run_holds(client, target):
        raise SourceError(f"{uri}: the run logged no model there; it has {_listing(model.name for model in logged)}")
    return _Found(
        name=target.path.rpartition("/")[2],
        location=named.artifact_location if named else f"{run.info.artifact_uri}/{target.path}",
        logged_model=named,
        run_id=target.run_id,
    )


def _run_holds(client: MlflowClient, target: RunArtifact) -> bool:
    return any(file.path == f"{target.path}/MLmodel" for file in client.list_artifacts(target.run_id, target.path))


def _missing_version(
    client: MlflowClient, store: str, uri: str, target: RegisteredVersion | RegisteredAlias, error: MlflowException
) -> SourceError:
    """What is missing, the model or its version or alias, and what there is instead."""
    from mlflow.exceptions import MlflowException

    if not _is_absent(error):
        return SourceError(explain(error, store))
    try:
        model = client.get_registered_model(target.name)
    except MlflowException as missing:
        if not _is_absent(missing):
            raise
        names = _listing(model.name for model in client.search_registered_models(max_results=_LISTED + 1))
        return SourceError(f"{uri}: no registered model {target.name!r}; the registry has {names}")
    escaped = target.name.replace("'", "''")
    versions = _listing(
        map(str, sorted(int(version.version) for version in client.search_model_versions(f"name = '{escaped}'")))
    )
    aliases = _listing(f"{alias} → {number}" for alias, number in sorted(model.aliases.items()))
    what = f"version {target.version}" if isinstance(target, RegisteredVersion) else f"alias {target.alias!r}"
    return SourceError(f"{uri}: {target.name!r} has no {what}; versions: {versions}; aliases: {aliases}")


def _is_absent(error: MlflowException) -> bool:
    """MLflow calls a missing alias an invalid parameter, and everything else that is missing a missing resource."""
    return error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND")


def _listing(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:_LISTED]) + (", …" if len(shown) > _LISTED else "") if shown else "none"


def _download(uri: str, location: str, into: Path, store: str) -> Path:
    """The folder with the model's files, new below `into`, with nothing in it but what the model holds."""
    import mlflow.artifacts
    from mlflow.exceptions import MlflowException

    local = _local_path(location)
    if local is not None and local.is_dir():
        with blame(uri):
            refuse_links(local)  # the copy would follow them
    gone = f"{uri}: its files are gone from {without_credentials(location)}; restore them or log the model again"
    with _fresh_folder(into) as folder:
        try:
            mlflow.artifacts.download_artifacts(
                artifact_uri=f"{location.rstrip('/')}/",  # the slash: what is in there, be it nothing
                dst_path=str(folder),
                tracking_uri=store,
            )
        except MlflowException as error:
            raise SourceError(gone if _is_absent(error) else explain(error, store)) from error
        except OSError as error:
            raise SourceError(f"{uri}: the download failed; {explain(error, store)}") from error
        if not (folder / "MLmodel").is_file():
            raise SourceError(gone)
        return folder


@contextmanager
def _fresh_folder(into: Path) -> Iterator[Path]:
    """A new folder below another, which is gone again if anything goes wrong inside."""
    into.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="model-", dir=into))
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _local_path(location: str) -> Path | None:
    address = urlsplit(location)
    if address.scheme not in ("", "file"):
        return None
    return Path(unquote(address.path) if address.scheme else location)
