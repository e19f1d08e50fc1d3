"""The verifier of sigstore signatures that npm brings along."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from keyless.instance import IDENTITY, ISSUER


def lacking() -> str:
    """Why it cannot be asked here; empty where it can."""
    if missing := [name for name in ("node", "npm") if shutil.which(name) is None]:
        return f"{missing[0]} is not installed"
    root = subprocess.run(["npm", "root", "--global"], capture_output=True, text=True, check=True).stdout.strip()
    return "" if (Path(root) / "npm/node_modules/@sigstore/verify").is_dir() else "this npm has no @sigstore/verify"


def question(bundle: Any) -> dict[str, Any]:
    """Whether a bundle's signature is to be accepted, under its trust configuration."""
    root = json.loads(bundle.trust.read_bytes())["trustedRoot"]
    text = (bundle.folder / "model.sig").read_text(encoding="utf-8")
    return {"root": root, "identity": IDENTITY, "issuer": ISSUER, "bundle": text}


def ask(questions: list[dict[str, Any]]) -> list[str]:
    """Why it refuses each; empty for what it accepts."""
    script = str(Path(__file__).with_name("verify.mjs"))
    done = subprocess.run(["node", script], input=json.dumps(questions), capture_output=True, text=True, check=True)
    answers: list[str] = json.loads(done.stdout)
    return answers
