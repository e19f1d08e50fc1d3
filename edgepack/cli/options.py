"""Options that several commands take."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class FloatType(StrEnum):
    """A type of number."""

    float32 = "float32"
    float64 = "float64"


class Precision(StrEnum):
    """What an artifact computes in."""

    float16 = "float16"
    float32 = "float32"
    float64 = "float64"


class Quantize(StrEnum):
    """A way of making tables smaller."""

    fp16 = "fp16"
    int8 = "int8"
    int4 = "int4"
    w8a8 = "w8a8"
    auto = "auto"


class Optimize(StrEnum):
    """What to rewrite for, without changing an answer."""

    speed = "speed"
    size = "size"


class Lineage(StrEnum):
    """How much of its lineage a bundle carries."""

    full = "full"
    digest = "digest"
    none = "none"


class Statement(StrEnum):
    """A statement about a bundle."""

    slsa = "slsa"
    test_result = "test-result"
    ml_bom = "ml-bom"


class Env(StrEnum):
    """Where a model is read."""

    auto = "auto"
    isolated = "isolated"
    current = "current"


class Sdk(StrEnum):
    """A platform that packages are made for."""

    ios = "ios"
    android = "android"
    web = "web"


class Output(StrEnum):
    """A method of the estimator."""

    predict = "predict"
    predict_proba = "predict_proba"
    decision_function = "decision_function"
    score_samples = "score_samples"
    transform = "transform"


ModelArg = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="models:/name/version, models:/name@alias, runs:/id/path or a model folder."),
]
ModelOrBundleArg = Annotated[
    str, typer.Argument(metavar="MODEL|BUNDLE", help="A model, as export takes it, or the folder of a bundle.")
]
BundleArg = Annotated[Path, typer.Argument(metavar="BUNDLE", help="The bundle's folder.")]
TargetsOpt = Annotated[list[str], typer.Option("--target", "-t", help="A target to emit; repeat for more.")]
TrackingOpt = Annotated[
    str | None, typer.Option(help="MLflow's tracking server or store (default: MLFLOW_TRACKING_URI, ./mlflow.db).")
]
PickleOpt = Annotated[bool, typer.Option("--allow-pickle", help="Load a pickled model, a program (see --env).")]
EnvOpt = Annotated[
    Env,
    typer.Option(
        help="Where the model is read and answers. isolated: in the environment that it recorded, confined. current: "
        "here. auto: here, but isolated if another scikit-learn saved it, and confined if it is a pickle."
    ),
]
DataOpt = Annotated[
    Path | None, typer.Option(help="More rows: CSV, Parquet or JSON; for parity a folder of Parquet, too.")
]
RowsOpt = Annotated[int, typer.Option(min=100, help="About how many boundary rows to compare.")]
IdentityTokenOpt = Annotated[
    Path | None,
    typer.Option(help="The identity token to sign with by sigstore: (default: SIGSTORE_ID_TOKEN, what CI gives)."),
]
IdentityOpt = Annotated[
    str | None, typer.Option(help="Who may have signed without a key: an e-mail address or a workflow's URI.")
]
IssuerOpt = Annotated[str | None, typer.Option(help="With --identity: the URL of the service that vouches for it.")]
TrustOpt = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="With --identity: sigstore's trusted_root.json or client trust configuration, which needs no network, or "
        "staging (default: the public instance).",
    ),
]
OutputOpt = Annotated[
    Output | None,
    typer.Option(help="Whose answers to compile (default: predict, and any probabilities)."),
]
JsonOpt = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ToleranceOpt = Annotated[
    float | None, typer.Option(min=0, help="Allowed difference (default: probabilities 1e-6, values 1e-5 relative).")
]
