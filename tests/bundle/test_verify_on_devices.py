"""The verifiers that apps get, in Java and JavaScript, refuse the whole tamper table and accept what is whole.

Each runtime is started once for all bundles.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tampering import TABLE
from tampering.folder import manifest

from edgepack.bundle.keys import generate_key

EXAMPLES = Path(__file__).parents[2] / "examples" / "verify"
ANDROID = Path(__file__).parents[2] / "edgepack" / "sdk" / "android" / "templates"
RELEASED = Path(__file__).parent / "released"
EXPIRES = '"expires_utc": "2027-01-31T00:00:00Z", "tools"'

Verdicts = dict[str, str]


@pytest.fixture(scope="module")
def spoiled(sealed_once: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A bundle per tampering, and some whole ones, by name."""
    work = tmp_path_factory.mktemp("spoiled")
    spoils = {tampering.name: tampering.spoil for tampering in TABLE}
    spoils |= {
        "whole": lambda _: None,
        "whole, signed anew": lambda bundle: bundle.sign_files(),
        "whole, with expiry": manifest(lambda text: text.replace('"tools"', EXPIRES)),
        "whole, with other names": other_names,
    }
    folders = {}
    for number, (name, spoil) in enumerate(spoils.items()):
        folders[name] = work / str(number) / "house-prices-3"
        shutil.copytree(sealed_once.folder, folders[name])
        spoil(replace(sealed_once, folder=folders[name]))
    return folders


def other_names(bundle: Any) -> None:
    for name in ('say "hi".txt', "größe/Köln.txt", "a b/c-d_e.f", "\U0001f600.txt", "ﬁ.txt"):
        (bundle.folder / name).parent.mkdir(exist_ok=True)
        (bundle.folder / name).write_text("x")
    bundle.sign_files()


@pytest.fixture(scope="module", params=["Java", "JavaScript"])
def verifier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command line of a verifier."""
    if request.param == "JavaScript":
        return [found("node"), str(EXAMPLES / "verify_folder.mjs")]
    classes = tmp_path_factory.mktemp("classes")
    sources = [ANDROID / "VerifyBundle.java", ANDROID / "StrictJson.java"]
    compiled = run(found("javac"), "--release", "8", "-Xlint:all,-options", "-Werror", "-d", classes, *sources)
    assert compiled.returncode == 0, compiled.stderr
    return [found("java"), "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", str(classes), "VerifyBundle"]


def found(tool: str) -> str:
    path = shutil.which(tool)
    if path is None:
        pytest.skip(f"{tool} is not installed: the verifier that needs it was NOT tested")
    return path


def run(*command: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, env=environment)


def verdicts(verifier: list[str], *options: Any, folders: dict[str, Path], key: Path) -> Verdicts:
    done = run(*verifier, *options, key, *folders.values())
    said = dict(line.rsplit("house-prices-3: ", 1) for line in done.stdout.splitlines())
    assert len(said) == len(folders), done.stderr
    return {name: said[f"{path.parent}/"] for name, path in folders.items()}


def test_every_tampering_is_refused_and_what_is_whole_is_verified(
    verifier: list[str], spoiled: dict[str, Path], sealed_once: Any
) -> None:
    said = verdicts(verifier, "--now", "2027-01-30T23:59:59Z", folders=spoiled, key=sealed_once.public_path)
    whole = {name: verdict for name, verdict in said.items() if name.startswith("whole")}
    assert whole == dict.fromkeys(whole, "verified")
    assert [name for name in said if name not in whole and not said[name].startswith("refused: ")] == []


@pytest.mark.parametrize("folder", sorted(p.parent for p in RELEASED.glob("*/*/manifest.json")), ids=lambda p: p.name)
def test_a_released_bundle_is_verified(verifier: list[str], folder: Path) -> None:
    done = run(*verifier, folder.parent / "key.pub", folder)
    assert done.stdout == f"{folder}: verified\n", done.stderr


def test_policy_and_key_are_heeded(
    verifier: list[str], spoiled: dict[str, Path], sealed_once: Any, tmp_path: Path
) -> None:
    whole = {name: folder for name, folder in spoiled.items() if name.startswith("whole")}
    _, stranger = generate_key(tmp_path / "stranger.pem")
    key = sealed_once.public_path
    for options, used, says in (
        (("--min-version", 4), key, "older than 4"),
        (("--expect-name", "wine"), key, "holds house-prices"),
        ((), stranger, "not by this key"),
    ):
        said = verdicts(verifier, *options, folders=whole, key=used)
        assert [v for v in said.values() if not (v.startswith("refused: ") and says in v)] == []
    for now, verdict in (
        ("2027-01-30T23:59:59Z", "verified"),
        ("2027-01-31T00:00:00Z", "refused: manifest.json: expired at 2027-01-31T00:00:00Z"),
    ):
        options = ("--now", now, "--min-version", 3, "--expect-name", "house-prices")
        assert verdicts(verifier, *options, folders=whole, key=key)["whole, with expiry"] == verdict
