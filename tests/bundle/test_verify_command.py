"""`edgepack verify` hands its options on: each is seen to refuse the bundle of a release, and to let it through."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from edgepack.bundle.keys import generate_key
from edgepack.cli import app

RELEASED = Path(__file__).parent / "released" / "0.1.0"
BUNDLE, KEY = RELEASED / "rents-1", RELEASED / "key.pub"
SIGNER = "10f892197267144f4e0e26de8d63b19f60dec5407f9c5c3f443fe2c778f1b2c5"


def verify(*arguments: Any) -> Any:
    return CliRunner().invoke(app, ["verify", *map(str, arguments)])


@pytest.fixture
def revoked(tmp_path: Path) -> Path:
    path = tmp_path / "revoked.txt"
    path.write_text(f"{SIGNER} lost\n")
    return path


def test_it_says_what_can_be_revoked() -> None:
    done = verify(BUNDLE, "--key", KEY, "--json")
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert (said["name"], said["version"], said["signer"]) == ("rents", 1, SIGNER)
    assert said["sha256"] in verify(BUNDLE, "--key", KEY).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--min-version", 2), "older than 2"),
        (("--expect-name", "wine"), "not 'wine'"),
        (("--expires",), "holds no expiry"),
        (("--revoked", "LIST"), "is revoked"),
        (("--at", "tomorrow"), "is no moment"),
        (("--into", "out"), "no archive"),
        (("--online", "--tracking-uri", "sqlite:///nowhere.db"), "no database at"),
    ],
)
def test_every_option_refuses(arguments: Any, says: str, revoked: Path) -> None:
    done = verify(BUNDLE, "--key", KEY, *(revoked if word == "LIST" else word for word in arguments))
    assert says in str(done.exception)


def test_every_option_lets_through(tmp_path: Path) -> None:
    (tmp_path / "none.txt").write_text("# nobody yet\n")
    _, stranger = generate_key(tmp_path / "stranger.pem")
    done = verify(
        BUNDLE, "--key", stranger, "--key", KEY, "--min-version", 1, "--expect-name", "rents",
        "--revoked", tmp_path / "none.txt", "--at", "2030-01-01",
    )  # fmt: skip
    assert done.exit_code == 0, done.exception


def test_an_archive_is_unpacked(tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "rents"), "zip", BUNDLE)
    assert verify(archive, "--key", KEY, "--into", tmp_path / "out").exit_code == 0
    assert verify(tmp_path / "out", "--key", KEY).exit_code == 0
