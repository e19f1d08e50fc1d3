"""A full disk is one line that says where, whatever was being written."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepack import console
from edgepack.bundle.seal import seal_bundle
from edgepack.contract import Artifact, Input, Interface
from edgepack.errors import UsageError


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_any_write_that_finds_no_room_is_told(number: int, capsys: Any) -> None:
    def app() -> None:
        raise OSError(number, os.strerror(number), "/tmp/edgepack-x/model.onnx")

    with pytest.raises(SystemExit) as ended:
        console.run(app)
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "edgepack: /tmp/edgepack-x/model.onnx: no space left; make room, or name another place with --out or TMPDIR\n"
    )


def test_another_error_of_the_system_is_not_called_a_full_disk(capsys: Any) -> None:
    def app() -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(SystemExit) as ended:
        console.run(app)
    assert ended.value.code == 1
    assert "unexpected OSError" in capsys.readouterr().err


def test_a_file_that_takes_no_more_is_told() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full: a full device was NOT tested")
    program = "from edgepack import console; console.run(lambda: open('/dev/full', 'wb', 0).write(b'x'))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "no space left" in done.stderr


@pytest.mark.parametrize("replaces", [True, False])
def test_a_disk_that_fills_up_while_sealing_leaves_what_was_there(tmp_path: Path, replaces: bool) -> None:
    """On a file system of 1 MiB, where the system lets the test make one."""
    small = tmp_path / "small"
    small.mkdir()
    mount = [shutil.which("mount") or "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a small file system: a disk that fills up was NOT tested")
    try:

        def seal(size: int, version: int) -> None:
            (tmp_path / "model.onnx").write_bytes(os.urandom(size))
            seal_bundle(
                small / "dist" / "m",
                name="m",
                version=version,
                interface=Interface(inputs=(Input(name="age", kind="number"),), outputs=("value",)),
                uri="models:/m/1",
                lineage={},
                artifacts=[Artifact(target="onnx", path=tmp_path / "model.onnx", format="ONNX", min_runtime="")],
                columns={"age": np.array([[1.0]])},
                answers={"value": np.array([0.5])},
                verdicts=[],
                tools={},
                overwrite=True,
            )

        if replaces:
            seal(1000, 1)
        before = sorted(path.name for path in small.rglob("*"))
        with pytest.raises(UsageError, match=r"small/dist/m: cannot be written \(.*No space left") as told:
            seal(2 << 20, 2)
        assert "\n" not in str(told.value)
        assert [name for name in sorted(path.name for path in small.rglob("*")) if name != "dist"] == [
            name for name in before if name != "dist"
        ]
    finally:
        subprocess.run(["umount", str(small)], check=True)
