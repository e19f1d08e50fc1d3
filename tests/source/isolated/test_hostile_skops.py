"""A hostile skops file ends in one line, here and in a worker: nothing in it runs, and nothing is written."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from scipy.sparse import csr_matrix, eye
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from edgepack.errors import SourceError
from edgepack.source import load, unpacked
from edgepack.source.isolated.worker import Worker, WorkerFailed

from .hostile_skops import BOMBS, FILES, RUNNING, Made, array, listed, npy, packed

LONGEST_LINE = 1000


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A worker for as many files as it survives."""
    kept: list[Worker] = []

    def get(*_: Any, **__: Any) -> Worker:
        if not kept:
            kept.append(Worker(Path(sys.executable), tmp_path_factory.mktemp("worker"), Path("/nowhere")))
        return kept[0]

    get.gone = kept.clear  # type: ignore[attr-defined]
    return get


@pytest.fixture(params=["current", "isolated"])
def env(request: pytest.FixtureRequest, workers: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("edgepack.source.isolated.start_worker", workers)
    return str(request.param)


def refused(save: Any, content: bytes, env: Any, into: Path, workers: Any) -> str:
    source = save(content=content)
    with pytest.raises(SourceError) as told:
        load(source, env=env, allow_pickle=True, into=into)
    if isinstance(told.value.__cause__, WorkerFailed) or isinstance(told.value, WorkerFailed):
        workers.gone()
    line = str(told.value)
    assert "\n" not in line
    assert len(line) < LONGEST_LINE
    return line


@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_a_hostile_file_is_one_line(save: Any, tmp_path: Path, workers: Any, env: str, make: Made) -> None:
    ran = tmp_path / "ran"
    refused(save, make(str(ran)), env, tmp_path, workers)
    assert not ran.exists()


@pytest.mark.parametrize("make", RUNNING.values(), ids=RUNNING)
def test_what_does_not_run_above_runs_where_all_is_trusted(
    tmp_path: Path, make: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without this, the tests above would pass for a corpus that does not work."""
    read, ran = np.load, tmp_path / "ran"
    monkeypatch.setattr(np, "load", lambda file, **_: read(file, allow_pickle=True))
    content = make(str(ran))
    with contextlib.suppress(Exception):  # what becomes of it then is no matter
        skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    assert ran.exists()


@pytest.mark.parametrize("make", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_not_unpacked(
    save: Any, tmp_path: Path, workers: Any, env: str, make: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacked, "ALWAYS_BYTES", 1 << 22)
    monkeypatch.setattr("skops.io.loads", lambda *_, **__: pytest.fail("it was read"))
    monkeypatch.setattr(Worker, "read", lambda *_: pytest.fail("it was sent"))
    assert "unpack to more than 4,194,304" in refused(save, make(""), env, tmp_path, workers)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_model_is_no_bomb(save: Any, compressed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacked, "ALWAYS_BYTES", 0)
    rows = np.random.default_rng(0).normal(size=(3000, 20))
    model = KNeighborsClassifier().fit(csr_matrix(rows), rows[:, 0] > 0)
    content = skops.io.dumps(model, **({"compression": 8, "compresslevel": 9} if compressed else {}))
    assert load(save(content=content)).estimator.n_samples_fit_ == 3000


def test_an_array_that_stands_in_two_places_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacked, "ALWAYS_BYTES", 1 << 17)
    zeros = {"a.npy": npy(np.zeros(1 << 16, np.uint8))}
    unpacked.check_unpacked(packed(listed(*[array("a.npy", 1)] * 9), zeros))
    with pytest.raises(SourceError):
        unpacked.check_unpacked(packed(listed(array("a.npy", 1), array("a.npy", 2)), zeros))


def test_a_sparse_model_of_zeros_is_small_enough(save: Any) -> None:
    model = LogisticRegression().fit(np.asarray(eye(50).todense()), np.arange(50) % 2)
    assert load(save(content=skops.io.dumps(model, compression=8))).estimator.coef_.shape == (1, 50)
