"""A bundle's ONNX artifact in runtimes other than the installed one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgepack.contract import Columns, Runner, Verdict
from edgepack.ir.types import Array

if TYPE_CHECKING:
    from edgepack.bundle.bundle import Bundle
    from edgepack.runtimes import Spec

TARGET = "onnx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unloadable:
    """The runner of a runtime that does not take the artifact: every run raises why."""

    runtime: str
    error: Exception

    def run(self, columns: Columns) -> dict[str, Array]:
        """Raises."""
        raise self.error


@contextmanager
def runtime_runners(bundle: Bundle, specs: Sequence[Spec]) -> Iterator[Mapping[str, Runner | str]]:
    """By the runtime's word, what runs the artifact in it, or the reason why it is not there. Ends them afterwards."""
    from edgepack.runtimes import start
    from edgepack.runtimes.install import NotInstalled
    from edgepack.runtimes.session import RuntimeFailure

    path = next((bundle.path / e.artifact.path for e in bundle.manifest.artifacts if e.artifact.target == TARGET), None)
    found: dict[str, Runner | str] = {}
    with ExitStack() as stack:
        for spec in specs:
            if path is None:
                found[str(spec)] = f"the bundle holds no {TARGET} artifact; export it with --target {TARGET}"
                continue
            try:
                session = start(spec, path)
            except NotInstalled as error:
                found[str(spec)] = str(error)
            except RuntimeFailure as error:
                found[str(spec)] = Unloadable(runtime=str(spec), error=error)
            else:
                from edgepack_onnx.runner import OnnxRunner

                stack.callback(session.close)
                found[str(spec)] = OnnxRunner(session=session, interface=bundle.interface, runtime=session.runtime)
        yield found


def in_runtimes(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Verdicts whose target is a runtime's word, as verdicts on the artifact: `onnx` on that runtime."""
    return tuple(replace(v, target=TARGET, runtime=_named(v.target, v.runtime)) for v in verdicts)


def lowest_that_holds(verdicts: Sequence[Verdict]) -> str | None:
    """The lowest tried ONNX Runtime from which on every tried one passed; None where the highest did not."""
    tried = []
    for verdict in verdicts:
        name, _, rest = verdict.runtime.partition(" ")
        if name.startswith("onnxruntime==") or (name == "onnxruntime" and rest):
            text = name.removeprefix("onnxruntime==") if "==" in name else rest.split()[0]
            tried.append((tuple(int(part) for part in text.split(".") if part.isdigit()), text, verdict.passed))
    lowest = None
    for _, text, passed in sorted(tried, reverse=True):
        if not passed:
            break
        lowest = text
    return lowest


def _named(word: str, runtime: str) -> str:
    return word if runtime in ("", word) else runtime
