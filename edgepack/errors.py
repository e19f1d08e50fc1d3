"""The errors that a user can meet, each with its exit code.

Every message is one line: the value that is wrong first, then the remedy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from edgepack.contract import Problem


class EdgepackError(Exception):
    """Anything that edgepack refuses on purpose; `exit_code` is what the command line returns."""

    exit_code: ClassVar[int] = 1


class UsageError(EdgepackError):
    """The call itself is wrong: an option, a path or rows that do not fit the model's inputs."""

    exit_code = 2


class SourceError(EdgepackError):
    """The model cannot be found, reached or loaded safely."""

    exit_code = 3


class UnsupportedError(EdgepackError):
    """Steps that cannot be compiled; `problems` holds all of them at once."""

    exit_code = 4

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ParityError(EdgepackError):
    """An artifact's answers differ from the server's by more than allowed."""

    exit_code = 5


class SignatureError(EdgepackError):
    """A bundle's signature, manifest or files are not what was signed."""

    exit_code = 6


class BudgetError(EdgepackError):
    """An artifact is larger or slower than its budget."""

    exit_code = 7
