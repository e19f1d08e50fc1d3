"""Saved ML Programs for tests: many operations in one, each with an oracle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepack_coreml.evaluate import load

Array = np.ndarray[Any, Any]
ROWS = 3
WITHIN = {"float16": "fp16", "bool": "bool", "int8": "int8", "uint16": "uint16"}
"""Types that a program's inputs and outputs do not have: cast inside it."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """An operation on tensors, each `(ROWS, *shape)`, and constants.

    Attributes:
        oracle: what it gives for one row of tensors; None is coremltools' own value inference.
        fixed: tensors that may only be constants, or only computed.
    """

    op: str
    tensors: Mapping[str, Any]
    constants: Mapping[str, Any] = field(default_factory=dict)
    oracle: Callable[..., Any] | None = None
    computed: Sequence[str] = ()
    rtol: float = 1e-6

    @property
    def name(self) -> str:
        """`topk(x=float32(4, 5), k=2)`."""
        shown = [f"{n}={_shown(t)}" for n, t in self.tensors.items()]
        return f"{self.op}({', '.join([*shown, *(f'{n}={c}' for n, c in self.constants.items())])})"

    def variants(self) -> list[tuple[bool, ...]]:
        """Which tensors are computed for every row: all combinations with at least one."""
        choices = [(True,) if name in self.computed else (False, True) for name in self.tensors]
        return [choice for choice in product(*choices) if any(choice)]

    def row(self, k: int, computed: Sequence[bool]) -> dict[str, Any]:
        """The tensors of a row; those that are constants are the first row's."""
        return {
            name: [v[k if each else 0] for v in value] if isinstance(value, list) else value[k if each else 0]
            for (name, value), each in zip(self.tensors.items(), computed, strict=True)
        }


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return f"{value.dtype}{value.shape[1:]}"


def numbers(rng: np.random.Generator, *shape: int, dtype: str = "float32", low: float = -3, high: float = 3) -> Array:
    """`(ROWS, *shape)` of any dtype."""
    if dtype == "bool":
        return rng.random((ROWS, *shape)) < 0.5
    x = rng.uniform(low, high, (ROWS, *shape))
    return (np.round(x) if np.dtype(dtype).kind in "iu" else x).astype(dtype)


def target(ios: int) -> Any:
    """coremltools' name of a deployment target."""
    import coremltools

    return getattr(coremltools.target, f"iOS{ios}")


def saved(program: Any, path: Path, ios: int, **options: Any) -> Path:
    """Converts a program, every operation as it is, and saves it."""
    import coremltools as ct

    model = ct.convert(
        program,
        convert_to="mlprogram",
        minimum_deployment_target=target(ios),
        compute_precision=ct.precision.FLOAT32,
        pass_pipeline=ct.PassPipeline.EMPTY,
        skip_model_load=True,
        **options,
    )
    model.save(str(path))
    return path


def evaluated(cases: Sequence[Case], path: Path, ios: int) -> dict[tuple[str, tuple[bool, ...]], list[Array]]:
    """What the evaluator gives for each case and variant: one saved program with an operation for each."""
    from coremltools.converters.mil import Builder as mb
    from coremltools.converters.mil.mil import types

    feeds: dict[str, Array] = {}
    plans = []
    for case in cases:
        for computed in case.variants():
            plan: dict[str, Any] = {}
            for (name, value), each in zip(case.tensors.items(), computed, strict=True):
                parts = value if isinstance(value, list) else [value]
                names: list[Any] = []
                for part in parts:
                    if not each:
                        names.append(part[0])
                        continue
                    names.append(f"in{len(feeds)}")
                    inside = part.dtype.name in WITHIN
                    feeds[names[-1]] = (
                        part.astype("int32" if part.dtype.kind in "biu" else "float32") if inside else part
                    )
                plan[name] = (names if isinstance(value, list) else names[0], parts[0].dtype.name)
            plans.append((case, computed, plan))
    kinds = {"float32": types.fp32, "int32": types.int32}
    specs = [mb.TensorSpec(shape=f.shape[1:], dtype=kinds[f.dtype.name]) for f in feeds.values()]
    found: dict[tuple[str, tuple[bool, ...]], list[str]] = {}

    def body(*arguments: Any) -> Any:
        given = dict(zip(feeds, arguments, strict=True))
        outputs: list[Any] = []

        def taken(name: Any, dtype: str) -> Any:
            if not isinstance(name, str):
                return name
            return mb.cast(x=given[name], dtype=WITHIN[dtype]) if dtype in WITHIN else given[name]

        for case, computed, plan in plans:
            inputs = {
                n: [taken(v, dtype) for v in names] if isinstance(names, list) else taken(names, dtype)
                for n, (names, dtype) in plan.items()
            }
            results = getattr(mb, case.op)(**inputs, **case.constants)
            listed = []
            for result in results if isinstance(results, tuple | list) else [results]:
                name = f"out{len(outputs)}"
                builtin = types.builtin_to_string(result.dtype)
                kind = "int32" if builtin in ("int32", "int8", "uint16") else "fp32"
                same = builtin == kind
                outputs.append(mb.identity(x=result, name=name) if same else mb.cast(x=result, dtype=kind, name=name))
                listed.append(name)
            found[(case.name, computed)] = listed
        return tuple(outputs)

    names = ", ".join(feeds)
    scope: dict[str, Any] = {"body": body}
    exec(f"def program({names}):\n    return body({names})", scope)
    program = mb.program(input_specs=specs, opset_version=target(ios))(scope["program"])
    answers = load(saved(program, path, ios)).run(feeds)
    return {key: [np.asarray(answers[n]) for n in listed] for key, listed in found.items()}


def inferred(case: Case, computed: Sequence[bool], ios: int) -> list[list[Array]]:
    """For each row what coremltools' value inference gives."""
    from coremltools.converters.mil import Builder as mb

    results: list[list[Array]] = []

    @mb.program(input_specs=[mb.TensorSpec(shape=(1,))], opset_version=target(ios))
    def program(x: Any) -> Any:
        for k in range(ROWS):
            result = getattr(mb, case.op)(**case.row(k, computed), **case.constants)
            results.append([np.asarray(r.val) for r in (result if isinstance(result, tuple | list) else [result])])
        return x

    return results


def compare(case: Case, answers: Mapping[tuple[str, tuple[bool, ...]], list[Array]], ios: int) -> None:
    """Fails where the evaluator and the oracle differ."""
    for computed in case.variants():
        rows: list[Any]
        if case.oracle is None:
            rows = inferred(case, computed, ios)
        else:
            given = [case.row(k, computed) for k in range(ROWS)]
            raw = [case.oracle(**row, **case.constants) for row in given]
            rows = [r if isinstance(r, tuple | list) else [r] for r in raw]
        found = answers[(case.name, computed)]
        for place, answer in enumerate(found):
            expected = np.stack([np.asarray(row[place]) for row in rows])
            assert expected.dtype != object, "the operation has no value inference: give an oracle"
            assert answer.shape == expected.shape, computed
            if answer.dtype.kind == "f":
                np.testing.assert_allclose(answer, expected, rtol=case.rtol, atol=case.rtol / 10, err_msg=str(computed))
            else:
                np.testing.assert_array_equal(answer, expected, err_msg=str(computed))


def checks(cases: Sequence[Case], ios: int) -> tuple[Any, Any]:
    """A fixture that evaluates all cases in one program, and a test for each."""

    @pytest.fixture(scope="module")
    def answers(tmp_path_factory: pytest.TempPathFactory) -> Any:
        return evaluated(cases, tmp_path_factory.mktemp("mil") / "Cases.mlpackage", ios)

    @pytest.mark.parametrize("case", cases, ids=lambda case: case.name)
    def test(case: Case, answers: Any) -> None:
        compare(case, answers, ios)

    return answers, test
