"""Which names a bundle may hold, and that a file is read as itself, never through a link."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from edgepack.bundle.files import clashes, measure, read_small, unsafe_name
from edgepack.errors import SignatureError


@pytest.mark.parametrize(
    "name", ["a", "onnx/model.onnx", "a/b/c.d", "größe 7.txt", ".hidden", "a..b", "git", "日本/モデル"]
)
def test_plain_relative_names_are_safe(name: str) -> None:
    assert unsafe_name(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "./a",
        "a/../b",
        "a\\b",
        "C:a",
        "a:b",
        ".git",
        "a/.GITignore",
        "a\nb",
        "\udcff",
    ],
)
def test_other_names_are_not(name: str) -> None:
    assert unsafe_name(name)


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["a", "b", "a/b"], []),
        (["x/a", "x/b", "y/a"], []),
        (["a", "b", "a"], ["a: named twice"]),
        (["a", "A"], ["A: differs from a only by case"]),
        (["x/a", "X/b"], ["X/b: its folder differs from x/ only by case"]),
        (["stra\u00dfe", "STRASSE"], ["STRASSE: differs from stra\u00dfe only by case"]),
        (["\u00e9", "e\u0301"], ["e\u0301: differs from \u00e9 only by case"]),
    ],
)
def test_names_that_a_file_system_may_confuse_clash(names: list[str], wanted: list[str]) -> None:
    assert clashes(names) == wanted


def test_a_file_is_measured(tmp_path: Path) -> None:
    content = bytes(range(256)) * 9000
    (tmp_path / "large.bin").write_bytes(content)
    file = measure(tmp_path, "large.bin")
    assert (file.path, file.sha256, file.size_bytes) == ("large.bin", hashlib.sha256(content).hexdigest(), len(content))


def test_a_link_is_not_followed_even_if_it_came_after_the_look_around(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to("secret")
    for read in (measure, read_small):
        with pytest.raises(SignatureError, match="link: a symbolic link"):
            read(tmp_path, "link")


def test_a_small_file_that_is_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(SignatureError, match=r"manifest\.json: larger than 1 MiB"):
        read_small(tmp_path, "manifest.json", 1 << 20)
