"""What this room hands on: a `Source` (files and lineage) and, once loaded, a `Fitted` estimator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A model's files on this machine, and where they come from.

    Attributes:
        uri: the MODEL string, as given.
        name: the registered name; else the logged model's, the run artifact's or the folder's.
        version: the registered version (None unless the model was asked for by its registered name).
        aliases: the registered version's aliases, sorted.
        folder: holds `MLmodel`; for a local folder, the folder itself.
        signature: `{"inputs": […], "outputs": […], "params": …}`, MLflow's column or tensor specs (None if unsigned).
        lineage: the training run, the registry entry and every file's digest, as `edgepack.source.lineage` lays out.
    """

    uri: str
    name: str
    version: int | None
    aliases: tuple[str, ...]
    folder: Path
    signature: Mapping[str, Any] | None
    lineage: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A fitted estimator in memory.

    Attributes:
        estimator: what scikit-learn's `fit` returned on the training machine.
        example: the model's input example with the signature's types: a table, or an array for a model fitted on arrays
            (None where the model was logged without one, or with one that is neither).
        signature: as in `Source`.
        sklearn_version: the scikit-learn that fitted it, where the model says so.
        server: has the methods of the model in its own environment, whose answers are the reference; None where the
            estimator itself is that model. The estimator was rebuilt from it then.
    """

    estimator: Any
    example: pd.DataFrame | np.ndarray[Any, Any] | None
    signature: Mapping[str, Any] | None
    sklearn_version: str | None
    server: Any = None
