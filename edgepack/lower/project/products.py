"""The matrix product behind every projection."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgepack.ir.ops import Affine, Linear
from edgepack.lower.builder import Builder


def doubles(x: Any) -> Any:
    """Fitted numbers as a dense float64 array, also where they are held sparsely."""
    return np.asarray(x.toarray() if hasattr(x, "toarray") else x, np.float64)


def product(x: str, coef: Any, b: Builder, *, offset: Any = 0.0) -> str:
    """`x @ coef.T + offset`, for `(outputs, features)` weights."""
    coef = doubles(coef)
    return b.emit(Linear(coef=coef, intercept=np.broadcast_to(doubles(offset), len(coef)).copy()), x)


def centred(x: str, mean: Any, b: Builder, *, scale: Any = None) -> str:
    """`(x − mean) / scale`."""
    return b.emit(Affine(center=doubles(mean), divisor=None if scale is None else doubles(scale)), x)
