"""Class labels as Core ML has them: all int64 or all text."""

from __future__ import annotations

from collections.abc import Sequence

Labels = tuple[int, ...] | tuple[str, ...]


def core_ml_labels(classes: Sequence[str | int | bool | float]) -> Labels:
    """A label per class, in their order: text stays, whole numbers (and booleans) become int64, else `repr`."""
    if all(isinstance(c, str) for c in classes):
        return tuple(str(c) for c in classes)
    if all(not isinstance(c, str) and float(c).is_integer() and abs(c) < 2**63 for c in classes):
        return tuple(int(c) for c in classes)
    return tuple(c if isinstance(c, str) else repr(float(c) if isinstance(c, float) else c) for c in classes)
