from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def policy_file(tmp_path: Path) -> Callable[[str], Path]:
    """Writes the table's body into a pyproject.toml; a line that starts with `[` is one below the table."""

    def write(body: str) -> Path:
        path = tmp_path / "pyproject.toml"
        path.write_text("[tool.edgepack.parity]\n" + body.replace("\n[", "\n[tool.edgepack.parity."))
        return path

    return write
