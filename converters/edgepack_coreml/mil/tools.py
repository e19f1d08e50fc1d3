"""coremltools itself, imported when a program is built."""

from __future__ import annotations

import logging
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgepack.errors import UsageError

SPECIFICATIONS = {15: 6, 16: 7, 17: 8, 18: 9}
"""The specification version that came with each iOS."""


@contextmanager
def builder() -> Iterator[Any]:
    """MIL's builder, its names counted from 0, so that the same program gets the same names.

    Raises:
        UsageError: coremltools is not installed.
    """
    _imported()
    from coremltools.converters.mil import Builder

    kept, Builder.name_count = Builder.name_count, defaultdict(int)
    try:
        with _silence():
            yield Builder
    finally:
        Builder.name_count = kept


def function(mil: Any, name: str, width: int, ios: int) -> Any:
    """A function of a float32 vector, to be filled inside `with`."""
    from coremltools import target
    from coremltools.converters.mil.mil import Function, types

    given = {name: mil.placeholder(shape=(width,), dtype=types.fp32)}
    return Function(given, getattr(target, f"iOS{ios}"))


def labels(classes: tuple[int, ...] | tuple[str, ...]) -> Any:
    """Class labels as `classify` takes them."""
    import numpy as np
    from coremltools.converters.mil.mil import mil_list

    return mil_list([c if isinstance(c, str) else np.int64(c) for c in classes])


def encoded(filled: Any, ios: int, weights: Path) -> bytes:
    """A function as an encoded MIL `Program`; its large constants are written to `weight.bin` in a folder."""
    from coremltools.converters.mil.backend.mil.load import MILProtoExporter
    from coremltools.converters.mil.mil import Program

    program = Program()
    program.add_function("main", filled)
    data: bytes = (
        MILProtoExporter(program, str(weights), SPECIFICATIONS[ios]).export().SerializeToString(deterministic=True)
    )
    return data


def operations(ios: int) -> frozenset[str]:
    """The operations that the opset of an iOS has."""
    _imported()
    from coremltools import target
    from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry

    latest = getattr(target, f"iOS{ios}")
    return frozenset(name for name, kinds in SSAOpRegistry.core_ops.items() if any(t <= latest for t in kinds))


def _imported() -> None:
    """Imports coremltools without its remarks on other libraries' versions."""
    try:
        with _silence(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import coremltools  # noqa: F401
    except ImportError as error:
        raise UsageError("coremltools is not installed: pip install 'edgepack[coreml]'") from error


@contextmanager
def _silence() -> Iterator[None]:
    """Without coremltools' remarks, as on the int32 that it makes of places."""
    logger = logging.getLogger("coremltools")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
