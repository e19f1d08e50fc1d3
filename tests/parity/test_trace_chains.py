from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgepack.ir.ops import Linear
from edgepack.parity.cuts import cuts
from edgepack.parity.trace import trace

ALL = ["tree", "random forest", "boosted regressor", "histogram boosted", "logistic"]


@pytest.mark.parametrize("model", ALL, indirect=True)
@pytest.mark.parametrize("folded", [False, True])
def test_every_chain_gives_the_value_that_the_program_computes(model: Any, folded: bool) -> None:
    program = model.folded if folded else model.lowered
    values = program.values(model.columns)
    traced = 0
    for name, chains in trace(program).items():
        for column, chain in enumerate(chains):
            if chain is not None:
                raw = values[f"i{chain.slot[0]}"][:, chain.slot[1]]
                expected = values[name][:, column]
                given = chain.run(raw)
                same = given == expected if expected.dtype == object else np.isclose(given, expected, 0, 0, True)
                assert np.all(same), (name, column)
                traced += 1
    assert traced > 3


@pytest.mark.parametrize("model", ["logistic"], indirect=True)
def test_a_value_of_several_inputs_has_no_chain(model: Any) -> None:
    chains = trace(model.lowered)
    linear = next(node for node in model.lowered.nodes if isinstance(node.op, Linear))
    assert chains[linear.name] == (None,)


@pytest.mark.parametrize("model", ["random forest", "histogram boosted"], indirect=True)
def test_lowered_and_folded_programs_decide_at_the_same_raw_numbers(model: Any) -> None:
    def found(program: Any) -> set[tuple[Any, float]]:
        splits = [cut for cut in cuts(program) if cut.origin == "split boundaries"]
        return {(cut.chain.slot, x) for cut in splits for x in cut.on_input("float32")}

    assert found(model.lowered) == found(model.folded)
    assert len(found(model.lowered)) > 10
