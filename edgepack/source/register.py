"""Writes back to the registry what became of a model: tags on its version, the bundle among its run's artifacts.

So the way leads in both directions: a bundle names its run, and the run and the version name the bundle.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgepack.errors import SourceError
from edgepack.source.model import Source
from edgepack.source.tracking import explain, open_registry

_UPLOAD_TIMEOUT_S = 240.0  # a server that has answered may take its time over files


def run_of(source: Source) -> str:
    """The run that `register_bundle` writes to.

    Raises:
        SourceError: the model is no registered version, or its run is unknown or deleted.
    """
    run = source.lineage.get("run") or {}
    if source.version is None:
        raise SourceError(f"{source.uri}: not a registered version, so there is none to tag; leave out --register")
    if not run.get("run_id") or run.get("lifecycle_stage") == "deleted":
        raise SourceError(f"{source.uri}: its training run is gone, so it can hold no bundle; leave out --register")
    return str(run["run_id"])


def register_bundle(
    source: Source, bundle: Path, tags: Mapping[str, str], *, tracking_uri: str | None = None, timeout_s: float = 10
) -> str:
    """The place of the bundle among the run's artifacts: `edgepack/house-prices-3`.

    The files go first: a version that is tagged has its bundle.

    Args:
        tags: set on the registered version.

    Raises:
        SourceError: as `run_of`; or the server does not answer, forbids it, or has not taken every file.
    """
    run_id, place = run_of(source), f"edgepack/{bundle.name}"
    with open_registry(tracking_uri, _UPLOAD_TIMEOUT_S) as (client, store):
        try:
            client.log_artifacts(run_id, str(bundle), place)
        except OSError as error:  # requests' errors too
            raise SourceError(f"{bundle}: not registered; {explain(error, store)}") from error
    with open_registry(tracking_uri, timeout_s) as (client, _):
        for name, text in tags.items():
            client.set_model_version_tag(source.name, str(source.version), name, text)
    return place
