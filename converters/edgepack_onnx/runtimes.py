"""What each ONNX Runtime can load and compute, as far as edgepack's graphs depend on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgepack.errors import UsageError
from edgepack_onnx.graph import IR_VERSIONS, ML


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """One release: the newest default opset, ai.onnx.ml opset and IR version that it loads.

    Source: https://onnxruntime.ai/docs/reference/compatibility.html, and trials: 1.20 still lacks TreeEnsemble(5).
    """

    version: tuple[int, int]
    opset: int
    ml: int
    ir: int


RUNTIMES = (
    Runtime(version=(1, 15), opset=19, ml=3, ir=9),
    Runtime(version=(1, 17), opset=20, ml=4, ir=9),
    Runtime(version=(1, 18), opset=21, ml=4, ir=10),
    Runtime(version=(1, 21), opset=21, ml=5, ir=10),
)
"""The releases that brought something, oldest first. Older ones than the first are not tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What a graph may use.

    Attributes:
        tree_ensemble: TreeEnsemble of ai.onnx.ml 5; it excludes the tree ops of ai.onnx.ml 3 from the same graph.
        float64_codes: LabelEncoder of ai.onnx.ml 4, which knows float64 and NaN.
        exact_casts: float64 → float32 → float64 is computed, not optimised away.
    """

    tree_ensemble: bool
    float64_codes: bool
    exact_casts: bool


def features_of(min_runtime: str, *, old_trees: bool) -> Features:
    """What a graph for this runtime may use; `old_trees` says that a part of it has trees of ai.onnx.ml 3.

    Raises:
        UsageError: for text that is no version, and for versions older than the oldest one that edgepack knows.
    """
    version = parse(min_runtime)
    if version < RUNTIMES[0].version:
        oldest = ".".join(map(str, RUNTIMES[0].version))
        raise UsageError(f"onnxruntime {min_runtime}: edgepack writes for {oldest} and later; raise min_runtime")
    return Features(
        tree_ensemble=version >= (1, 21) and not old_trees,
        float64_codes=version >= (1, 17),
        exact_casts=version >= (1, 17),
    )


def parse(version: str) -> tuple[int, int]:
    """Major and minor of `1.20` or `1.20.1`. Raises `UsageError` for anything else."""
    parts = version.split(".")
    if len(parts) < 2 or not all(part.isdecimal() for part in parts):
        raise UsageError(f"{version!r} is not a version of ONNX Runtime; write it like 1.20")
    return int(parts[0]), int(parts[1])


def needed(opsets: Mapping[str, int]) -> str | None:
    """The oldest known release that loads these opsets, like `1.21`; None if none does."""
    opset, ml = opsets[""], opsets.get(ML, 1)
    for runtime in RUNTIMES:
        if opset <= runtime.opset and ml <= runtime.ml and IR_VERSIONS.get(opset, 99) <= runtime.ir:
            return ".".join(map(str, runtime.version))
    return None
