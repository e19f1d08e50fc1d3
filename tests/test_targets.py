"""Targets are found by entry points: listing imports nothing, and every way to fail has its line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgepack.errors import UsageError
from edgepack.targets import find_target, target_names

MODULE = """
class Tape:
    name = "tape"
    def check(self, program): return []
    def emit(self, program, into, options): raise NotImplementedError
    def open(self, path, interface): raise NotImplementedError

class Nameless:
    name = "nameless"

target = Tape()
nameless = Nameless()
cls = Tape
"""


def install(folder: Path, distribution: str, entries: str, requires: str = "") -> None:
    """A distribution as pip leaves it: metadata and entry points."""
    info = folder / f"{distribution}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n{requires}")
    (info / "entry_points.txt").write_text(f"[edgepack.targets]\n{entries}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path of imports; the module that it holds notes when it is imported."""
    (tmp_path / "tape_target.py").write_text(MODULE)
    (tmp_path / "torn_target.py").write_text("import no_such_module_anywhere")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tape_target", raising=False)
    return tmp_path


def test_a_third_partys_target_is_found(site: Path) -> None:
    install(site, "edgepack-tape", "tape = tape_target:target")
    assert "tape" in target_names()
    assert "tape_target" not in sys.modules
    assert find_target("tape").name == "tape"


def test_the_targets_of_edgepack_are_listed_without_their_libraries() -> None:
    code = "import sys, edgepack.targets as t; print(*t.target_names()); print(*sys.modules)"
    names, modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert {"coreml", "onnx"} <= set(names.split())
    assert not {"edgepack_onnx", "edgepack_coreml", "onnx", "coremltools", "numpy", "pandas"} & set(modules.split())


def test_an_unknown_target_is_told_with_the_known_ones(site: Path) -> None:
    install(site, "edgepack-tape", "tape = tape_target:target")
    with pytest.raises(UsageError, match=r"^tap: no such target; choose one of .*\btape\b"):
        find_target("tap")


def test_one_name_for_two_targets_is_refused(site: Path) -> None:
    install(site, "edgepack-tape", "tape = tape_target:target")
    install(site, "other-tape", "tape = tape_target:target")
    for ask in (target_names, lambda: find_target("onnx")):
        with pytest.raises(UsageError, match=r"^tape: a target of edgepack-tape, other-tape; uninstall all but one"):
            ask()


def test_a_missing_extra_is_named(site: Path) -> None:
    requires = (
        "Provides-Extra: tape\nProvides-Extra: all\nRequires-Dist: numpy>=2\n"
        'Requires-Dist: no-such.package[x]>=9.0; python_version >= "3" and extra == "tape"\n'
        "Requires-Dist: pytest; extra == 'tape'\nRequires-Dist: another-missing; extra == 'all'\n"
    )
    install(site, "edgepack-tape", "tape = tape_target:target", requires)
    with pytest.raises(UsageError) as caught:
        find_target("tape")
    assert str(caught.value) == "tape: needs no-such.package, not installed; pip install 'edgepack-tape[tape]'"
    assert "tape_target" not in sys.modules


def test_edgepacks_own_extra_is_named_where_coremltools_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import edgepack.targets

    installed: Any = edgepack.targets._installed
    monkeypatch.setattr(edgepack.targets, "_installed", lambda name: name != "coremltools" and installed(name))
    with pytest.raises(
        UsageError, match=r"^coreml: needs coremltools, not installed; pip install 'edgepack\[coreml\]'"
    ):
        find_target("coreml")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("tape_target:cls", "tape: tape_target:cls is a class; its entry point must name a Target called tape"),
        ("tape_target:nameless", "tape: tape_target:nameless is without check, emit, open; its entry point"),
        ("tape_target:missing", "tape: tape_target:missing cannot be imported (module 'tape_target' has no attribute"),
        (
            "torn_target:target",
            "tape: torn_target:target cannot be imported (No module named 'no_such_module_anywhere'",
        ),
        ("nowhere:target", "tape: nowhere:target cannot be imported (No module named 'nowhere')"),
    ],
)
def test_an_entry_point_that_is_no_target_is_refused(site: Path, entry: str, says: str) -> None:
    install(site, "edgepack-tape", f"tape = {entry}")
    with pytest.raises(UsageError) as caught:
        find_target("tape")
    assert str(caught.value).startswith(says)


def test_a_target_of_another_name_is_refused(site: Path) -> None:
    install(site, "edgepack-tape", "disk = tape_target:target")
    with pytest.raises(UsageError, match=r"^disk: tape_target:target is tape; .* a Target called disk"):
        find_target("disk")
