"""`edgepack sdk`: where packages go, what is replaced, and that the same bundle gives the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgepack.bundle.bundle import Bundle
from edgepack.cli import app
from edgepack.errors import UsageError
from edgepack.sdk import PLATFORMS, generate

Bundled = Callable[[str], Bundle]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_bundle_gives_the_same_bytes(bundled: Bundled, tmp_path: Path) -> None:
    first = generate(bundled("churn"), PLATFORMS, tmp_path / "one")
    second = generate(bundled("churn"), PLATFORMS, tmp_path / "two")
    assert [p.name for p in first] == [f"churn-{name}" for name in PLATFORMS]
    for a, b in zip(first, second, strict=True):
        assert contents(a) == contents(b)
        assert all(b"\r" not in data and data.endswith(b"\n") for n, data in contents(a).items() if ".json" in n)


def test_the_command_writes_beside_the_bundle_and_replaces_its_own_alone(bundled: Bundled, tmp_path: Path) -> None:
    bundle = bundled("churn").path
    run = CliRunner().invoke(app, ["sdk", str(bundle), "--platform", "web"])
    assert run.exit_code == 0 and run.output.strip() == str(bundle.parent / "churn-web")
    with pytest.raises(UsageError, match="is there already; pass --overwrite"):
        generate(bundled("churn"), ["web"], bundle.parent)
    (bundle.parent / "churn-web" / "index.js").write_text("mine")
    [again] = generate(bundled("churn"), ["web"], bundle.parent, overwrite=True)
    assert (again / "index.js").read_text() != "mine"
    (tmp_path / "churn-web").mkdir()
    with pytest.raises(UsageError, match="not a package of edgepack"):
        generate(bundled("churn"), ["web"], tmp_path, overwrite=True)
    assert [p.name for p in bundle.parent.iterdir() if p.name.startswith(".")] == []


def test_what_cannot_be_made_is_told(bundled: Bundled, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^palm: no such platform; choose of"):
        generate(bundled("churn"), ["palm"], tmp_path)
    with pytest.raises(UsageError, match="no platform"):
        generate(bundled("churn"), [], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_knows_every_platform() -> None:
    from edgepack.cli.options import Sdk

    assert tuple(platform.value for platform in Sdk) == PLATFORMS


def test_export_refuses_a_package_without_its_artifact_before_it_compiles(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["export", "models:/none/1", "--sdk", "ios", "--out", str(tmp_path)])
    assert isinstance(run.exception, UsageError)
    assert str(run.exception) == "ios: its package needs coreml; add --target coreml"
