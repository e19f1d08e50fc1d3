"""`python -m runtime_tests [RUNTIME …]`: the zoo on each runtime. Exit code 5 where an answer is not scikit-learn's."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))  # the catalogue of estimators is the tests'

from edgepack.contract import Runner, Verdict
from edgepack.errors import ParityError
from edgepack.parity import run_parity
from edgepack.targets import find_target
from edgepack_onnx.runner import OnnxRunner
from runtime_tests.results import Results, differences
from runtime_tests.runtimes import Missing, table
from runtime_tests.session import Remote, RemoteSession, RuntimeFailed, Timed
from runtime_tests.zoo import Animal, animals

LIMIT_S = 300.0
HEADING = """# The last run of `make runtime`

The largest difference from scikit-learn in the measure of the output (probabilities absolute, values relative); labels
are the same but for ties. `refused`: the artifact cannot be written for so old a runtime. CI compares its own run of
some of the runtimes with this table.

"""


def main(arguments: Sequence[str]) -> int:
    """The exit code. What is not here is skipped, and said; what refuses to load an artifact has failed."""
    known = table()
    parser = argparse.ArgumentParser(prog="python -m runtime_tests", description=__doc__)
    parser.add_argument("runtimes", nargs="*", metavar="RUNTIME", help=f"of {', '.join(known)}; default: all")
    parser.add_argument("--require", action="store_true", help="fail where a runtime is missing")
    parser.add_argument("--only", default="", help="estimators whose name holds this")
    parser.add_argument("--out", type=Path, help="write the table here, as Markdown")
    parser.add_argument("--golden", type=Path, help="fail where anything is not as in this table")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.runtimes if name not in known]:
        parser.error(f"{unknown[0]}: no such runtime; choose of {', '.join(known)}")
    skipped: dict[str, str] = {}
    verdicts: dict[str, dict[str, Verdict]] = {}
    with ExitStack() as stack:
        remotes: dict[str, Timed | None] = {}
        for name in chosen.runtimes or known:
            start = time.perf_counter()
            try:
                remote = stack.enter_context(known[name].open())
                remotes[name] = remote and Timed(remote, limit_s=LIMIT_S)
                print(f"{name}: ready after {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
            except (Missing, RuntimeFailed) as reason:
                skipped[name] = str(reason)
                print(f"SKIPPED {name}: {reason}", file=sys.stderr, flush=True)
        forms = {name: runtime.form for name, runtime in known.items()}
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgepack-zoo-")))
        for animal in animals(scratch, forms={forms[name] for name in remotes}, only=chosen.only) if remotes else ():
            verdicts[animal.name] = judge(animal, remotes, forms)
            for runtime, verdict in verdicts[animal.name].items():
                if verdict.status == "failed":
                    print(f"FAILED {animal.name} on {runtime}: {verdict.reason}", file=sys.stderr, flush=True)
        for name, timed in remotes.items():
            if timed:
                print(f"{name}: answered in {timed.seconds:.0f} s", file=sys.stderr, flush=True)
    spoke = {name: next((row[name].runtime for row in verdicts.values() if row[name].rows), name) for name in remotes}
    results = Results(spoke=spoke, verdicts=verdicts, skipped=skipped)
    print("\n".join(results.summary()) if chosen.golden else results.to_markdown())
    if chosen.out:
        chosen.out.write_text(HEADING + results.to_markdown(), encoding="utf-8")
    other = []
    if chosen.golden:
        text = chosen.golden.read_text(encoding="utf-8")
        other = list(differences(results, text, forms, part=chosen.only))
        print("\n".join(f"DIFFERS from {chosen.golden.name}: {line}" for line in other))
    return ParityError.exit_code if other or results.failed or (skipped and chosen.require) else 0


def judge(animal: Animal, remotes: Mapping[str, Remote | None], forms: Mapping[str, str]) -> dict[str, Verdict]:
    """A verdict per runtime on one artifact; one that does not load has failed, one that is refused did not run.

    Args:
        remotes: by runtime; None for Core ML's, which its own runner speaks with.
    """
    runners: dict[str, Runner | str] = {}
    for name, remote in remotes.items():
        path = animal.paths[forms[name]]
        if isinstance(path, str):
            runners[name] = path
        elif remote is None:
            runners[name] = find_target("coreml").open(path, animal.interface)
        else:
            session = RemoteSession(remote, path)
            runners[name] = OnnxRunner(session=session, interface=animal.interface, runtime=remote.runtime)
    return {verdict.target: verdict for verdict in run_parity(animal.reference, runners, animal.cases)}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main(sys.argv[1:]))
