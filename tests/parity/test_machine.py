"""A verdict says which processor it was measured on."""

from __future__ import annotations

import platform
from itertools import product

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from edgepack.contract import Machine
from edgepack.lower import lower
from edgepack.parity import Reference, make_cases, run_parity
from edgepack.parity.machine import instructions_in, machine_of, this_machine
from edgepack.parity.report import to_markdown, to_table
from edgepack.rows import columns_of

X86 = "processor\t: 0\nflags\t\t: fpu sse2 avx2 fma avx512f avx512_vnni\n\nprocessor\t: 1\nflags\t\t: amx_int8\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd crc32 asimddp i8mm\n"


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (X86, ("avx2", "fma", "avx512f", "avx512_vnni")),
        (ARM, ("asimd", "asimddp", "i8mm")),
        ("Hardware\t: unknown\n", ()),
        ("", ()),
    ],
)
def test_instructions_are_those_of_the_first_processor(told: str, found: tuple[str, ...]) -> None:
    assert instructions_in(told) == found


@pytest.mark.parametrize(
    ("here", "runtime"),
    product(
        [
            Machine(architecture="x86_64", instructions=("avx2",)),
            Machine(architecture="arm64", instructions=("asimd",)),
        ],
        [
            ("onnxruntime 1.32.0 x86_64", "x86_64"),
            ("onnxruntime 1.32.0 aarch64", "arm64"),
            ("onnxruntime-node 1.24.0 x64, Node v20", "x86_64"),
            ("onnxruntime-web 1.24.0 wasm, Chromium 140", "wasm"),
            ("Core ML reference evaluator (not Apple's framework)", None),
        ],
    ),
)
def test_a_runtime_that_names_another_architecture_did_not_run_on_these_instructions(
    here: Machine, runtime: tuple[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgepack.parity.machine.this_machine", lambda: here)
    name, architecture = runtime
    wanted = here if architecture in (None, here.architecture) else Machine(architecture=str(architecture))
    assert machine_of(name) == wanted


def test_every_verdict_that_ran_says_where() -> None:
    x = np.arange(40.0).reshape(20, 2)
    model = LinearRegression().fit(x, x[:, 0])
    program = lower(model, x)

    class Runner:
        runtime = "a runtime"

        def run(self, columns: object) -> object:
            return program.run(columns)  # type: ignore[arg-type]

    class Broken(Runner):
        def run(self, columns: object) -> object:
            raise ValueError("broken")

    cases = make_cases(program, example=columns_of(x, program.interface), budget_rows=100)
    reference = Reference(estimator=model, interface=program.interface)
    runners = {"fine": Runner(), "broken": Broken(), "absent": "not here"}
    verdicts = run_parity(reference, runners, cases)  # type: ignore[arg-type]
    here = this_machine()
    assert here.architecture in ("x86_64", "arm64", platform.machine().lower())
    assert [v.machine for v in verdicts] == [here, here, None]
    assert f"fine ran on {here}." in to_markdown(verdicts)
    assert "absent ran on" not in to_markdown(verdicts)
    assert str(next(iter(to_table(verdicts).columns[1].cells))) == f"a runtime, {here.architecture}"
