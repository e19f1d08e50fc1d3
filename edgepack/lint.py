"""What is wrong with a bundle's artifacts, as each target's own rules see it, without running them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from edgepack.contract import Problem
from edgepack.errors import EdgepackError

if TYPE_CHECKING:
    from edgepack.bundle.bundle import Bundle


def lint(bundle: Bundle) -> Mapping[str, list[Problem] | str]:
    """By target, in the manifest's order: the problems of its artifact, or why nothing looked at it."""
    from edgepack.targets import find_target

    found: dict[str, list[Problem] | str] = {}
    for entry in bundle.manifest.artifacts:
        artifact = entry.artifact
        try:
            target = find_target(artifact.target)
        except EdgepackError as error:
            found[artifact.target] = str(error)
            continue
        rules = getattr(target, "lint", None)
        if rules is None:
            found[artifact.target] = f"target {artifact.target} has no rules"
            continue
        folder = artifact.path.parent.as_posix()
        found[artifact.target] = [
            replace(problem, step=f"{folder}/{problem.step}" if folder != "." else problem.step)
            for problem in rules(bundle.path / artifact.path, bundle.interface)
        ]
    return found
