import io
import pickle

import cloudpickle
import joblib
import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from edgepack.errors import SourceError
from edgepack.source import load

ROWS = np.random.default_rng(0).normal(size=(30, 3))
LABELS = ROWS[:, 0] > 0


def joblib_bytes(estimator):
    buffer = io.BytesIO()
    joblib.dump(estimator, buffer, compress=3)
    return buffer.getvalue()


PICKLES = {"pickle": pickle.dumps, "cloudpickle": cloudpickle.dumps, "joblib": joblib_bytes}


def test_a_skops_model_comes_back_as_it_was(save):
    estimator = LogisticRegression().fit(ROWS, LABELS)
    fitted = load(save(estimator))
    assert np.array_equal(fitted.estimator.predict_proba(ROWS), estimator.predict_proba(ROWS))
    assert fitted.sklearn_version is not None
    assert fitted.example is None


@pytest.mark.parametrize("form", PICKLES)
def test_a_pickle_is_read_only_on_request(save, form):
    estimator = LogisticRegression().fit(ROWS, LABELS)
    source = save(content=PICKLES[form](estimator), flavor={"serialization_format": form})
    with pytest.raises(SourceError, match=rf"is a pickle \({form}\).*--allow-pickle"):
        load(source)
    assert np.array_equal(load(source, allow_pickle=True).estimator.coef_, estimator.coef_)


@pytest.mark.parametrize("form", ["pickle", "skops", "joblib", "", None])
def test_a_pickle_never_runs_without_permission_whatever_it_calls_itself(save, tmp_path, form):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    source = save(content=pickle.dumps(Bomb()), flavor={"serialization_format": form})
    with pytest.raises(SourceError):
        load(source)
    assert not (tmp_path / "ran").exists()


def test_other_flavours_are_named(save):
    source = save(LogisticRegression().fit(ROWS, LABELS), flavors={"spark": {}, "python_function": {}})
    with pytest.raises(SourceError, match=r"no model of a known flavour \(python_function, spark\); log one of"):
        load(source)


def test_statsmodels_is_told_a_way_out(save):
    source = save(LogisticRegression().fit(ROWS, LABELS), flavors={"statsmodels": {}, "python_function": {}})
    with pytest.raises(SourceError, match=r"statsmodels flavour, .*; log the same coefficients as"):
        load(source)


@pytest.mark.parametrize("version", ["1.2.2", "1.10.0", "2.9.1"])
def test_another_minor_version_of_scikit_learn_is_refused(save, version):
    source = save(LogisticRegression().fit(ROWS, LABELS), flavor={"sklearn_version": version})
    with pytest.raises(SourceError, match=f"saved by scikit-learn {version}, but .*give --env isolated"):
        load(source)


def test_the_estimators_own_version_counts_when_the_description_has_none(save, rewrite):
    content = skops.io.dumps(LogisticRegression().fit(ROWS, LABELS))
    import sklearn

    old = rewrite(content, lambda schema: schema.replace(f'\\"{sklearn.__version__}\\"', '\\"1.2.2\\"'))
    with pytest.raises(SourceError, match=r"saved by scikit-learn 1\.2\.2"):
        load(save(content=old, flavor={"sklearn_version": None}))


def test_another_patch_version_is_fine(save):
    import sklearn

    patch = ".".join([*sklearn.__version__.split(".")[:2], "99"])
    assert (
        load(save(LogisticRegression().fit(ROWS, LABELS), flavor={"sklearn_version": patch})).sklearn_version == patch
    )


@pytest.mark.parametrize("name", ["../secret.skops", "/etc/hostname", "other.skops"])
def test_a_model_file_that_the_folder_does_not_hold_is_refused(save, tmp_path, name):
    (tmp_path / "secret.skops").write_bytes(skops.io.dumps(LogisticRegression().fit(ROWS, LABELS)))
    source = save(LogisticRegression().fit(ROWS, LABELS), flavor={"pickled_model": name})
    with pytest.raises(SourceError, match=f"names the file '{name}', which the model does not hold"):
        load(source)


def test_a_file_that_changed_since_its_digest_was_taken_is_refused(save):
    source = save(LogisticRegression().fit(ROWS, LABELS))
    (source.folder / "model.skops").write_bytes(skops.io.dumps(LogisticRegression(C=9).fit(ROWS, LABELS)))
    with pytest.raises(SourceError, match=r"model\.skops changed since its digest was taken"):
        load(source)


@pytest.mark.parametrize("content", [b"", b"no zip", skops.io.dumps(LogisticRegression().fit(ROWS, LABELS))[:-200]])
def test_a_damaged_file_is_refused(save, content):
    with pytest.raises(SourceError, match="the model file cannot be read"):
        load(save(content=content))


def test_a_module_that_is_not_here_is_named(save):
    source = save(content=b"cedgepack_elsewhere\nDouble\n.", flavor={"serialization_format": "pickle"})
    with pytest.raises(SourceError, match=r"needs the module edgepack_elsewhere, .*install it, or .* PYTHONPATH"):
        load(source, allow_pickle=True)


def test_a_module_cannot_say_a_line_of_its_own(save):
    name = b"edgepack_\nedgepack: all is well"
    content = b"\x80\x04\x8c" + bytes([len(name)]) + name + b"\x8c\x01A\x93."
    source = save(content=content, flavor={"serialization_format": "pickle"})
    with pytest.raises(SourceError, match=r"needs the module edgepack_ edgepack: all is well, "):
        load(source, allow_pickle=True)


@pytest.mark.parametrize(
    ("thing", "message"), [(LogisticRegression(), "never fitted"), ([1, 2], "a list, no estimator")]
)
def test_what_is_no_fitted_estimator_is_refused(save, thing, message):
    with pytest.raises(SourceError, match=message):
        load(save(thing))
