"""What an artifact's bytes are for, before and after they were made fewer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NOTHING: Mapping[str, None] = {"size_bytes": None, "compressed_size_bytes": None}


def chosen(quantization: Mapping[str, Any], target: str) -> str:
    """The method of a target's artifact; bundles of the first versions have one for all."""
    method: str = quantization.get("chosen", {}).get(target, quantization["method"])
    return method


def sections(quantization: Mapping[str, Any]) -> list[dict[str, Any]]:
    """By target, what a manifest's `quantization` says of the bytes: all, and each section's, before and after."""
    tries = {tried["method"]: tried["sizes"] for tried in quantization["tries"]}
    found = []
    for target in tries["none"]:
        method = chosen(quantization, target)
        after = tries[method][target]
        before = quantization.get("before", {}).get(target, after)  # bundles of the first versions do not have it
        old, new = before.get("sections", {}), after.get("sections", {})
        rows = [
            {"name": name, "before": _size(old.get(name)), "after": _size(new.get(name))}
            for name in dict.fromkeys([*old, *new])
        ]
        found.append({"target": target, "method": method, "before": _size(before), "after": _size(after), "rows": rows})
    return found


def _size(size: Mapping[str, Any] | None) -> dict[str, int | None]:
    return {name: (size or NOTHING)[name] for name in NOTHING}
