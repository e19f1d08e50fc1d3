"""A process that is killed while it replaces a bundle leaves a whole bundle: the old one or the new one."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgepack.bundle.keys import generate_key, load_public_key
from edgepack.bundle.swap import swap
from edgepack.bundle.verify import verify_bundle

WRITER = """
import sys
from pathlib import Path
import numpy as np
from edgepack.bundle.keys import load_private_key
from edgepack.bundle.seal import seal_bundle
from edgepack.contract import Artifact, Input, Interface

work = Path(sys.argv[1])
emitted = work / "model.onnx"
for version in range(1, 10_000):
    seal_bundle(
        work / "dist" / "m", name="m", version=version,
        interface=Interface(inputs=(Input(name="age", kind="number"),), outputs=("value",)),
        uri="models:/m/1", lineage={"run": {"run_id": str(version)}},
        artifacts=[Artifact(target="onnx", path=emitted, format="ONNX", min_runtime="")],
        columns={"age": np.array([[1.0]])}, answers={"value": np.array([0.5])}, verdicts=[], tools={},
        key=load_private_key(work / "key.pem"), overwrite=True,
    )
    if version == 1:
        print("first", flush=True)
"""


def test_a_killed_writer_leaves_a_whole_bundle(tmp_path: Path) -> None:
    if not swaps(tmp_path):
        pytest.skip("this system cannot let two folders change places: kills were NOT tested")
    private, public = generate_key(tmp_path / "key.pem")
    assert private.is_file()
    (tmp_path / "model.onnx").write_bytes(bytes(1 << 20))
    key, moments = load_public_key(public), random.Random(0)
    for _ in range(10):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"first\n"
        time.sleep(moments.uniform(0, 0.1))
        writer.kill()
        writer.wait()
        writer.stdout.close()
        assert verify_bundle(tmp_path / "dist" / "m", [key]).manifest.version


def swaps(folder: Path) -> bool:
    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / name).touch()
    done = swap(folder / "a", folder / "b")
    assert (folder / "a" / ("b" if done else "a")).exists()
    return done


def test_what_cannot_change_places_stays(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert not swap(tmp_path / "a", tmp_path / "nowhere")
    assert (tmp_path / "a").is_dir()
