"""From a `Source` to a `Fitted` estimator, without running code that the model brings along."""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from edgepack.errors import EdgepackError, SourceError, UsageError
from edgepack.lowerings import taught_names
from edgepack.source.blame import blame
from edgepack.source.boosters import FLAVORS, NativeBooster, file_of, flavor_of, is_own_file, reader_of
from edgepack.source.digests import read_recorded
from edgepack.source.example import parse_example
from edgepack.source.mlmodel import ModelDescription, read_description
from edgepack.source.model import Fitted, Source
from edgepack.source.onnx_file import FLAVOR as ONNX
from edgepack.source.onnx_file import OnnxModel, read_onnx
from edgepack.source.trust import TRUSTED_TYPES
from edgepack.source.unpacked import check_unpacked

Env = Literal["isolated", "current", "auto"]
Form = Literal["skops", "joblib", "pickle"]


def load(source: Source, *, allow_pickle: bool = False, env: Env = "current", into: Path | None = None) -> Fitted:
    """The fitted estimator of a source, out of exactly the bytes whose digests its lineage holds.

    A skops file is data: types outside `trust.TRUSTED_TYPES` are refused, whatever the model's `MLmodel` says, but for
    those that an installed distribution teaches (`edgepack.lowerings`); and so are trees whose indices point outside
    themselves. A pickle (also by cloudpickle or joblib) is a program that runs as soon as it is read: by a worker that
    can write to one folder and reach nothing else (`edgepack.source.isolated`), or, with `env="current"`, with the
    caller's rights. `allow_pickle` (`--allow-pickle`) exists because most models that were registered before MLflow 3
    are pickles; give it only for a model that you or your own pipeline wrote.

    Args:
        env: where the file is read. `isolated`: in the environment that the model recorded. `current`: in this process.
            `auto`: in this process what is no pickle and was saved by this minor version of scikit-learn; a pickle of
            this version by a worker of this very environment; everything else as `isolated`.
        into: where a worker may have a folder, which must outlive the result.

    Raises:
        SourceError: no model of scikit-learn or a booster library; saved by another minor version of scikit-learn,
            whose fitted state this one fails to read or reads differently; a pickle without `allow_pickle`; untrusted
            types; a damaged or changed file; an estimator that was never fitted.
    """
    with blame(source.uri):
        description = read_description(source.folder)
        part = partial(read_recorded, source.folder, files=source.lineage["artifacts"]["files"])
        file_name, form, own = _file_and_form(description, part, allow_pickle=allow_pickle)
        content = part(file_name)
        server = None
        if own is not None:
            if env == "isolated":
                raise SourceError(f"{file_name} is data, which any version reads; leave out --env isolated")
            estimator = _read_estimator(lambda: own(content))
        elif env == "current" or (env == "auto" and form == "skops" and _is_of_here(description.sklearn_version)):
            _check_version(description.sklearn_version)
            estimator = _read_estimator(lambda: _READERS[form](content))
        else:
            estimator, server = _isolated(source, description, content, form, env, into)
        return Fitted(
            estimator=estimator,
            example=_read_example(source, description),
            signature=description.signature,
            sklearn_version=description.sklearn_version,
            server=server,
        )


def _isolated(
    source: Source, description: ModelDescription, content: bytes, form: Form, env: Env, into: Path | None
) -> tuple[Any, Any]:
    from edgepack.source.isolated import read_estimator, start_worker

    if into is None:
        raise UsageError("an isolated model needs a folder; give into=")
    recorded = env == "isolated" or not _is_of_here(description.sklearn_version)
    worker = start_worker(source, description, recorded=recorded, into=into)
    found: list[Any] = []

    def read() -> Any:
        if form == "skops":
            check_unpacked(content)
        estimator, server = read_estimator(worker, content, form)
        found.append(server)
        return estimator

    return _read_estimator(read), found[0]


def _file_and_form(
    description: ModelDescription, part: Callable[[str], bytes], *, allow_pickle: bool
) -> tuple[str, Form, Callable[[bytes], Any] | None]:
    """The file, its form, and the reader of a library's own; `part` gives the bytes of any of the model's files."""
    if description.sklearn:
        file_name = str(description.sklearn.get("pickled_model"))
        return file_name, _form(file_name, description.sklearn, allow_pickle=allow_pickle), None
    if flavor := flavor_of(description):
        file_name = file_of(description, flavor)
        if is_own_file(description, flavor):
            return file_name, "skops", reader_of(description, flavor)
        return file_name, _form(file_name, description.flavors[flavor], allow_pickle=allow_pickle), None
    if ONNX in description.flavors:
        return str(description.flavors[ONNX].get("data")), "skops", partial(read_onnx, part=part)
    if "statsmodels" in description.flavors:
        raise SourceError(
            "a model of the statsmodels flavour, which is a pickle of its whole fit; log the same coefficients as "
            "scikit-learn's LinearRegression, LogisticRegression or PoissonRegressor, or as an ONNX model"
        )
    found = ", ".join(sorted(description.flavors)) or "none"
    known = ", ".join(("sklearn", *FLAVORS, ONNX))
    raise SourceError(f"no model of a known flavour ({found}); log one of {known}")


def _is_of_here(saved: str | None) -> bool:
    return saved is None or saved.split(".")[:2] == version("scikit-learn").split(".")[:2]


def _check_version(saved: str | None) -> None:
    if saved is not None and not _is_of_here(saved):
        raise SourceError(
            f"saved by scikit-learn {saved}, but {version('scikit-learn')} is installed, which may read it wrongly; "
            "give --env isolated, or retrain the model"
        )


def _form(file_name: str, flavor: Mapping[str, Any], *, allow_pickle: bool) -> Form:
    """How this model is read; whatever does not call itself skops counts as a pickle."""
    form = flavor.get("serialization_format") or "pickle"
    if form == "skops":
        return "skops"
    if not allow_pickle:
        raise SourceError(
            f"{file_name} is a pickle ({form}), which runs code when it is read; log the model with "
            "serialization_format='skops', or give --allow-pickle if you trust whoever wrote it"
        )
    return "joblib" if form == "joblib" or file_name.endswith(".joblib") else "pickle"


def _read_skops(content: bytes) -> Any:
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    check_unpacked(content)
    trusted = TRUSTED_TYPES | taught_names()
    try:
        return skops.io.loads(content, trusted=sorted(trusted))
    except UntrustedTypesFoundException as error:
        foreign = sorted(set(skops.io.get_untrusted_types(data=content)) - trusted)
        raise SourceError(
            f"holds types that edgepack does not trust: {', '.join(foreign):.500}; "
            "build the pipeline from scikit-learn's own steps and numpy's ufuncs, or teach edgepack yours "
            "(docs/extending.md)"
        ) from error


def _read_joblib(content: bytes) -> Any:
    import joblib  # type: ignore[import-untyped]

    return joblib.load(io.BytesIO(content))


_READERS: Mapping[Form, Callable[[bytes], Any]] = MappingProxyType(
    {"skops": _read_skops, "joblib": _read_joblib, "pickle": pickle.loads}
)


def _read_estimator(read: Callable[[], Any]) -> Any:
    from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
    from sklearn.utils.validation import check_is_fitted

    from edgepack.source.bounds import check_bounds

    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            estimator = read()
        for warning in caught:  # MLmodel may not know better than the estimators themselves
            if isinstance(warning.message, InconsistentVersionWarning):
                _check_version(warning.message.original_sklearn_version)
        check_bounds(estimator)
        if isinstance(estimator, NativeBooster | OnnxModel) or type(estimator).__module__ == "lightgbm.basic":
            return estimator  # a library's own model, which cannot be fitted again
        if not hasattr(estimator, "fit"):
            raise SourceError(f"holds a {type(estimator).__name__}, no estimator; log a fitted scikit-learn model")
        check_is_fitted(estimator)
    except EdgepackError:
        raise
    except NotFittedError as error:
        raise SourceError(f"{type(estimator).__name__} was never fitted; fit it, then log it") from error
    except ModuleNotFoundError as error:
        raise SourceError(
            f"needs the module {_told(error.name)}, which is not here; install it, or add its folder to PYTHONPATH "
            "(MLflow keeps a model's code_paths in its folder code)"
        ) from error
    except Exception as error:  # a damaged or hostile file can make its reader raise anything
        raise SourceError(
            f"the model file cannot be read ({type(error).__name__}: {_told(error)}); log the model again"
        ) from error
    return estimator


def _told(words: object) -> str:
    """In one line of at most 300 characters: a hostile file chooses them."""
    return " ".join(str(words).split())[:300]


def _read_example(source: Source, description: ModelDescription) -> Any:
    if description.example_info is None:
        return None
    name = str(description.example_info.get("artifact_path"))
    return parse_example(read_recorded(source.folder, name, source.lineage["artifacts"]["files"]), description)
