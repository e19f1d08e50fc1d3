"""What parity is able to find: mistakes planted in the artifact, and how many of them come to light."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from edgepack.columns import row_count, take
from edgepack.contract import Answers, Columns, Interface, Mutant, Runner, Target
from edgepack.errors import EdgepackError, ParityError
from edgepack.ir.types import Array
from edgepack.parity.cases import Cases
from edgepack.parity.compare import TIE, Tolerance, compare
from edgepack.parity.proofs import proof_of
from edgepack.parity.prove import Proof, Witness
from edgepack.parity.reference import Asked

ROWS_AT_ONCE = 4096
NOISE = 0.1  # of a column's standard deviation: rows like those of the sample, but not the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One mistake that was planted in an artifact.

    Attributes:
        outcome: `caught`; `equivalent`: proved to change nothing that the tolerance does not allow, or, for the last
            bits of a number, 2²⁰ times as large a change of it is within the tolerance, too; `missed`.
        reason: how it came to light, or the proof.
        sampled: whether as many rows drawn like the sample show it, too.
    """

    target: str
    kind: str
    place: str
    outcome: Literal["caught", "equivalent", "missed"]
    reason: str
    sampled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """All trials, and the targets that none can be planted in.

    Attributes:
        rows: how many rows each mistake was shown.
        untried: by target, why no mistake was planted in it.
    """

    trials: tuple[Trial, ...]
    rows: int
    untried: Mapping[str, str] = field(default_factory=dict)

    @property
    def missed(self) -> tuple[Trial, ...]:
        """What changes the answers, as far as anybody can prove, and was not found."""
        return tuple(trial for trial in self.trials if trial.outcome == "missed")

    @property
    def sampled_miss_rate(self) -> float:
        """The part of the mistakes that change answers which plain sampling does not find."""
        semantic = [trial for trial in self.trials if trial.outcome != "equivalent"]
        return sum(not trial.sampled for trial in semantic) / len(semantic) if semantic else 0.0


def joined(powers: Iterable[Power]) -> Power:
    """Of several artifacts together."""
    found = list(powers)
    return Power(
        trials=tuple(trial for power in found for trial in power.trials),
        rows=max(power.rows for power in found),
        untried={target: reason for power in found for target, reason in power.untried.items()},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """Plants mistakes in artifacts and runs parity on them.

    Attributes:
        reference: the server.
        lowered: the Program before any pass, for proofs.
        cases: the rows that parity compares.
        sample: rows such as the model was trained on, that plain sampling draws from.
        each: how many mistakes of every kind.
    """

    reference: Asked
    lowered: Any
    cases: Cases
    sample: Columns
    tolerance: Tolerance
    each: int = 6
    seed: int = 0

    def run(self, files: Mapping[str, tuple[Target, Path]], on_progress: Callable[[str, int, int], None]) -> Power:
        """The power of parity for each artifact. Raises `ParityError` where an artifact without mistakes fails."""
        cases, drawn = self._asked(self.cases.columns), self._asked(self._drawn())
        trials, untried = [], {}
        for name, (target, path) in files.items():
            plant = getattr(target, "mutants", None)
            mutants = [] if plant is None else plant(path, self.interface, each=self.each, seed=self.seed)
            if not mutants:
                untried[name] = "no mistakes are known for this form of file"
                continue
            if found := self._differs(target, path, *cases):
                raise ParityError(f"{name}: fails without a planted mistake ({found}); run edgepack parity first")
            for done, mutant in enumerate(mutants):
                on_progress(f"self-test {name}", done, len(mutants))
                trials.append(self._trial(name, target, mutant, path.suffix, cases, drawn))
        return Power(trials=tuple(trials), rows=row_count(cases[0]), untried=untried)

    @property
    def interface(self) -> Interface:
        """The server's."""
        return self.lowered.interface

    def _trial(
        self,
        name: str,
        target: Target,
        mutant: Mutant,
        suffix: str,
        cases: tuple[Columns, Answers],
        drawn: tuple[Columns, Answers],
    ) -> Trial:
        with tempfile.TemporaryDirectory(prefix="edgepack-") as folder:
            path = Path(folder) / f"mutant{suffix}"
            mutant.plant(path)
            reason = self._differs(target, path, *cases)
            outcome: Literal["caught", "equivalent", "missed"] = "caught"
            if not reason:
                outcome, reason = self._excused(target, mutant, path, cases)
            sampled = outcome != "equivalent" and bool(self._differs(target, path, *drawn))
        return Trial(target=name, kind=mutant.kind, place=mutant.place, outcome=outcome, reason=reason, sampled=sampled)

    def _excused(
        self, target: Target, mutant: Mutant, path: Path, cases: tuple[Columns, Answers]
    ) -> tuple[Literal["equivalent", "missed"], str]:
        slack = min(self.tolerance.value, self.tolerance.probabilities)
        if "label" in self.interface.outputs:
            slack = min(slack, TIE / 2)
        finding = proof_of(target, path, self.lowered, slack=slack)
        match finding:
            case Proof(bound=bound):
                return "equivalent", f"proved: no answer moves by more than {bound:.2g}"
            case Witness(row=row):
                return "missed", f"a row that would show it: {dict(row)}"
        if mutant.magnified is not None:
            mutant.magnified(path)
            if not self._differs(target, path, *cases):
                return "equivalent", "below the tolerance: so is a change of this number that is 2²⁰ times as large"
        return "missed", "no proof that it changes nothing" if finding is None else finding.reason

    def _differs(self, target: Target, path: Path, columns: Columns, server: Answers) -> str:
        """How a file's answers differ, or nothing."""
        try:
            runner = target.open(path, self.interface)
            return next(filter(None, self._differences(runner, columns, server)), "")
        except EdgepackError as error:
            return f"does not open: {str(error).splitlines()[0][:160]}"
        except Exception as error:  # whatever a runtime raises is a finding about the artifact
            return f"stops: {type(error).__name__}"

    def _differences(self, runner: Runner, columns: Columns, server: Answers) -> Iterator[str]:
        for start in range(0, row_count(columns), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            answers = {name: answer[rows] for name, answer in server.items()}
            yield self._difference(runner, take(columns, rows), answers)

    def _difference(self, runner: Runner, columns: Columns, server: Answers) -> str:
        return compare(
            "mutant",
            runner.runtime,
            server,
            runner.run(columns),
            columns=columns,
            tolerance=self.tolerance,
            margins=lambda at: self.reference.margins(take(columns, at)),
            ties=lambda at: self.reference.ties(take(columns, at)),
        ).reason

    def _asked(self, columns: Columns) -> tuple[Columns, Answers]:
        server, refused = self.reference.answers(columns)
        return take(columns, ~refused), server

    def _drawn(self) -> Columns:
        """As many rows as the cases, drawn from the sample, with noise on numbers that are no categories."""
        rng = np.random.default_rng(self.seed)
        at = rng.integers(row_count(self.sample), size=self.cases.rows)
        return {i.name: self._noisy(self.sample[i.name][at], i.categories is None, rng) for i in self.interface.inputs}

    def _noisy(self, x: Array, measured: bool, rng: np.random.Generator) -> Array:
        if x.dtype == object or not measured or np.array_equal(x, np.rint(x), equal_nan=True):
            return x
        noisy = x + rng.normal(0, NOISE, x.shape) * np.nanstd(x, axis=0)
        return noisy.astype(self.interface.input_dtype).astype(np.float64)
