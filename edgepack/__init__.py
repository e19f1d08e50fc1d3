"""Compile a registered scikit-learn pipeline into signed, parity-checked artifacts for phones.

`compile(estimator, sample)` gives a Program, `export(model, targets=…, out=…)` a Bundle on disk, and
`Bundle.open(path).runner("onnx").run(rows)` the artifact's answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgepack.bundle.bundle import Bundle
    from edgepack.compiler import compile_estimator as compile
    from edgepack.export import export

__all__ = ["Bundle", "compile", "export"]


def __getattr__(name: str) -> Any:
    """Public names are imported when they are first used: `edgepack --help` must not wait for scikit-learn."""
    match name:
        case "compile":
            from edgepack.compiler import compile_estimator

            return compile_estimator
        case "export":
            from edgepack.export import export

            return export
        case "Bundle":
            from edgepack.bundle.bundle import Bundle

            return Bundle
    raise AttributeError(f"module 'edgepack' has no attribute {name!r}")
