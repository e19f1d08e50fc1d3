"""From a `Source` to a `Fitted` estimator, without running code that the model brings along."""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from edgepack.errors import SourceError
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


def load(source: Source, *, allow_pickle: bool = False) -> Fitted:
    """The fitted estimator of a source, out of exactly the bytes whose digests its lineage holds.

    A skops file is data: types outside `trust.TRUSTED_TYPES` are refused, whatever the model's `MLmodel` says, but for
    those that an installed distribution teaches (`edgepack.lowerings`); and so are trees whose indices point outside
    themselves. A pickle (also by cloudpickle or joblib) is a program that runs with the caller's rights as soon as it
    is read. `allow_pickle` (`--allow-pickle`) exists because most models that were registered before MLflow 3 are
    pickles; give it only for a model that you or your own pipeline wrote.

    Raises:
        SourceError: no model of scikit-learn or a booster library; saved by another minor version of scikit-learn,
            whose fitted state this one fails to read or reads differently; a pickle without `allow_pickle`; untrusted
            types; a damaged or changed file; an estimator that was never fitted.
    """
    with blame(source.uri):
        description = read_description(source.folder)
        part = partial(read_recorded, source.folder, files=source.lineage["artifacts"]["files"])
        file_name, read = _file_and_reader(description, part, allow_pickle=allow_pickle)
        return Fitted(
            estimator=_read_estimator(part(file_name), read),
            example=_read_example(source, description),
            signature=description.signature,
            sklearn_version=description.sklearn_version,
        )


def _file_and_reader(
    description: ModelDescription, part: Callable[[str], bytes], *, allow_pickle: bool
) -> tuple[str, Callable[[bytes], Any]]:
    """The model's file, and the one function that may read it; `part` gives the bytes of any file of the model."""
    if description.sklearn:
        _check_version(description.sklearn_version)
        file_name = str(description.sklearn.get("pickled_model"))
        return file_name, _choose_reader(file_name, description.sklearn, allow_pickle=allow_pickle)
    if flavor := flavor_of(description):
        file_name = file_of(description, flavor)
        if is_own_file(description, flavor):
            return file_name, reader_of(description, flavor)
        return file_name, _choose_reader(file_name, description.flavors[flavor], allow_pickle=allow_pickle)
    if ONNX in description.flavors:
        return str(description.flavors[ONNX].get("data")), partial(read_onnx, part=part)
    found = ", ".join(sorted(description.flavors)) or "none"
    known = ", ".join(("sklearn", *FLAVORS, ONNX))
    raise SourceError(f"no model of a known flavour ({found}); log one of {known}")


def _check_version(saved: str | None) -> None:
    import sklearn

    if saved is not None and saved.split(".")[:2] != sklearn.__version__.split(".")[:2]:
        minor = ".".join(saved.split(".")[:2])
        raise SourceError(
            f"saved by scikit-learn {saved}, but {sklearn.__version__} is installed, which may read it wrongly; "
            f"install scikit-learn {minor} with an edgepack that supports it, or retrain the model"
        )


def _choose_reader(file_name: str, flavor: Mapping[str, Any], *, allow_pickle: bool) -> Callable[[bytes], Any]:
    """The one function that may read this model; whatever does not call itself skops counts as a pickle."""
    form = flavor.get("serialization_format") or "pickle"
    if form == "skops":
        return _read_skops
    if not allow_pickle:
        raise SourceError(
            f"{file_name} is a pickle ({form}), which runs code when it is read; log the model with "
            "serialization_format='skops', or give --allow-pickle if you trust whoever wrote it"
        )
    return _read_joblib if form == "joblib" or file_name.endswith(".joblib") else pickle.loads


def _read_skops(content: bytes) -> Any:
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    trusted = TRUSTED_TYPES | taught_names()
    try:
        return skops.io.loads(content, trusted=sorted(trusted))
    except UntrustedTypesFoundException as error:
        foreign = sorted(set(skops.io.get_untrusted_types(data=content)) - trusted)
        raise SourceError(
            f"holds types that edgepack does not trust: {', '.join(foreign)}; "
            "build the pipeline from scikit-learn's own steps and numpy's ufuncs, or teach edgepack yours "
            "(docs/extending.md)"
        ) from error


def _read_joblib(content: bytes) -> Any:
    import joblib  # type: ignore[import-untyped]

    return joblib.load(io.BytesIO(content))


def _read_estimator(content: bytes, read: Callable[[bytes], Any]) -> Any:
    from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
    from sklearn.utils.validation import check_is_fitted

    from edgepack.source.bounds import check_bounds

    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            estimator = read(content)
        for warning in caught:  # MLmodel may not know better than the estimators themselves
            if isinstance(warning.message, InconsistentVersionWarning):
                _check_version(warning.message.original_sklearn_version)
        check_bounds(estimator)
        if isinstance(estimator, NativeBooster | OnnxModel) or type(estimator).__module__ == "lightgbm.basic":
            return estimator  # a library's own model, which cannot be fitted again
        if not hasattr(estimator, "fit"):
            raise SourceError(f"holds a {type(estimator).__name__}, no estimator; log a fitted scikit-learn model")
        check_is_fitted(estimator)
    except SourceError:
        raise
    except NotFittedError as error:
        raise SourceError(f"{type(estimator).__name__} was never fitted; fit it, then log it") from error
    except Exception as error:  # a damaged or hostile file can make its reader raise anything
        reason = " ".join(str(error).split())[:300]
        raise SourceError(
            f"the model file cannot be read ({type(error).__name__}: {reason}); log the model again"
        ) from error
    return estimator


def _read_example(source: Source, description: ModelDescription) -> Any:
    if description.example_info is None:
        return None
    name = str(description.example_info.get("artifact_path"))
    return parse_example(read_recorded(source.folder, name, source.lineage["artifacts"]["files"]), description)
