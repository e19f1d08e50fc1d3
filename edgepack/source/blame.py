"""Puts the model's name in front of what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edgepack.errors import SourceError


@contextmanager
def blame(uri: str) -> Iterator[None]:
    """Inside, a SourceError comes out with the MODEL string first."""
    try:
        yield
    except SourceError as error:
        raise SourceError(f"{uri}: {error}") from error
