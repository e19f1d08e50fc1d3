"""`python -m runtime_tests [RUNTIME …]`: the zoo on each runtime. Exit code 5 where an answer is not scikit-learn's."""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))  # the catalogue of estimators is the tests'

from edgepack.contract import Verdict
from edgepack.errors import ParityError
from edgepack.parity import run_parity
from edgepack_onnx.runner import OnnxRunner
from runtime_tests.results import to_markdown
from runtime_tests.runtimes import Missing, table
from runtime_tests.session import Remote, RemoteSession, RuntimeFailed
from runtime_tests.zoo import Animal, animals


def main(arguments: Sequence[str]) -> int:
    """The exit code. What is not here is skipped, and said; what refuses to load an artifact has failed."""
    known = table()
    parser = argparse.ArgumentParser(prog="python -m runtime_tests", description=__doc__)
    parser.add_argument("runtimes", nargs="*", metavar="RUNTIME", help=f"of {', '.join(known)}; default: all")
    parser.add_argument("--require", action="store_true", help="fail where a runtime is missing")
    parser.add_argument("--only", default="", help="estimators whose name holds this")
    parser.add_argument("--out", type=Path, help="write the table here, as Markdown")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.runtimes if name not in known]:
        parser.error(f"{unknown[0]}: no such runtime; choose of {', '.join(known)}")
    skipped: dict[str, str] = {}
    verdicts: dict[str, dict[str, Verdict]] = {}
    with ExitStack() as stack:
        remotes: list[Remote] = []
        for name in chosen.runtimes or known:
            try:
                remotes.append(stack.enter_context(known[name]()))
            except (Missing, RuntimeFailed) as reason:
                skipped[name] = str(reason)
                print(f"SKIPPED {name}: {reason}", file=sys.stderr, flush=True)
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgepack-zoo-")))
        for animal in animals(scratch, only=chosen.only) if remotes else ():
            verdicts[animal.name] = judge(animal, remotes)
            for runtime, verdict in verdicts[animal.name].items():
                if not verdict.passed:
                    print(f"FAILED {animal.name} on {runtime}: {verdict.reason}", file=sys.stderr, flush=True)
    text = to_markdown(verdicts, skipped)
    print(text)
    if chosen.out:
        chosen.out.write_text(text, encoding="utf-8")
    failed = any(not verdict.passed for row in verdicts.values() for verdict in row.values())
    return ParityError.exit_code if failed or (skipped and chosen.require) else 0


def judge(animal: Animal, remotes: Sequence[Remote]) -> dict[str, Verdict]:
    """A verdict per runtime on one artifact; one that does not load has failed."""
    runners = {
        remote.runtime: OnnxRunner(
            session=RemoteSession(remote, animal.path), interface=animal.interface, runtime=remote.runtime
        )
        for remote in remotes
    }
    return {verdict.target: verdict for verdict in run_parity(animal.reference, runners, animal.cases)}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main(sys.argv[1:]))
