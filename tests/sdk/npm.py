"""The packages of npm that generated TypeScript is checked and run with, in one folder."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parents[2] / ".cache" / "sdk_tests"
WANTED = ("onnxruntime-web@1.30.0", "typescript@7.0.2", "@types/node@24", "prettier@3")


def lacking() -> str:
    """Why generated TypeScript cannot be run here now; empty where it can."""
    if missing := [name for name in ("node", "npm") if shutil.which(name) is None]:
        return f"{missing[0]} is not installed: generated TypeScript was NOT run"
    if not (FOLDER / "installed").exists():
        return "`make sdk` has not fetched onnxruntime-web and TypeScript: generated TypeScript was NOT run"
    return ""


def fetch() -> str:
    """Why the packages cannot be fetched; empty where they are there. No script of any package runs."""
    if (FOLDER / "installed").exists() or shutil.which("npm") is None:
        return lacking()
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "package.json").write_text('{"private": true}\n')
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefix", str(FOLDER))
    done = subprocess.run(["npm", "install", *options, *WANTED], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"npm fetches nothing ({done.stderr.strip()[-200:]}): generated TypeScript was NOT run"
    (FOLDER / "installed").touch()
    return ""


def run(package: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command in a package whose dependencies are there; the first word is a program of npm's, or `node`."""
    modules = package / "node_modules"
    if not modules.exists():
        modules.symlink_to(FOLDER / "node_modules", target_is_directory=True)
    program = words[0] if words[0] == "node" else str(FOLDER / "node_modules" / ".bin" / words[0])
    return subprocess.run([program, *words[1:]], cwd=package, capture_output=True, text=True, check=False, timeout=300)


def tests(package: Path) -> subprocess.CompletedProcess[str]:
    """The package's own tests in Node, as `npm test` runs them."""
    return run(package, "node", "--test", "test/golden.test.js")
