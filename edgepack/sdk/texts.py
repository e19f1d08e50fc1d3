"""Whether a platform can count the words of a model's texts as the server does."""

from __future__ import annotations

from edgepack.contract import Problem
from edgepack.errors import UnsupportedError
from edgepack.sdk.pattern import NotPortable, portable
from edgepack.sdk.surface import Surface


def require_portable_patterns(surface: Surface, language: str) -> None:
    """Returns if the language reads every token pattern as Python does. Raises `UnsupportedError`."""
    problems = []
    for step in surface.texts:
        try:
            portable(step.analyzer.token_pattern or "")
        except NotPortable as error:
            reason = f"token_pattern {step.analyzer.token_pattern!r} holds {error}, which {language} reads otherwise"
            problems.append(Problem(step=step.input, reason=reason, remedy="write the pattern without it"))
    if problems:
        raise UnsupportedError(problems)
