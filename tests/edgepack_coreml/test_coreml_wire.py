"""The vectorised writer against protobuf's own parser."""

from __future__ import annotations

import numpy as np
import pytest

from edgepack_coreml import wire
from edgepack_coreml.ensemble import LEAF, Ensemble
from edgepack_coreml.proto import messages


@pytest.mark.parametrize("number", [0, 1, 127, 128, 16383, 16384, 2**32, 2**63, 2**64 - 1])
def test_varints_are_protobufs_own(number: int) -> None:
    node = messages().Model().treeEnsembleRegressor.treeEnsemble.nodes.add()
    node.ParseFromString(wire.tag(12, wire.VARINT) + wire.varint(number))
    assert node.trueChildNodeId == number


def test_columns_of_every_length_are_parsed_back() -> None:
    rng = np.random.default_rng(0)
    whole = np.array([0, 1, 127, 128, 2**14, 2**21 - 1, 2**35, 2**62, 2**63 - 1, 5], np.int64)
    numbers = rng.normal(size=10)
    there = rng.random(10) < 0.5
    data = wire.submessages(
        1,
        [
            wire.Whole(field=1, values=whole),
            wire.Whole(field=2, values=whole[::-1]),
            wire.Double(field=11, values=numbers, where=there),
            wire.Whole(field=14, values=there),
        ],
    )
    parsed = type(messages().Model().treeEnsembleRegressor.treeEnsemble).FromString(data.tobytes())
    assert [n.treeId for n in parsed.nodes] == whole.tolist()
    assert [n.nodeId for n in parsed.nodes] == whole[::-1].tolist()
    assert [n.branchFeatureValue for n in parsed.nodes] == np.where(there, numbers, 0).tolist()
    assert [n.missingValueTracksTrueChild for n in parsed.nodes] == there.tolist()


def test_a_tail_that_may_spill_is_no_tail() -> None:
    number = wire.Whole(field=1, values=np.zeros(2, np.int64))
    sometimes = wire.Double(field=2, values=np.zeros(2), where=np.array([True, False]))
    for columns in ([number], [sometimes]):
        with pytest.raises(ValueError, match="always written"):
            wire.Tail(field=20, columns=columns, owner=np.zeros(2, np.int64))


@pytest.mark.parametrize("rows_at_once", [7, 8192])
@pytest.mark.parametrize("outputs", [1, 3, 200])
def test_an_ensemble_is_what_protobuf_would_write(
    outputs: int, rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "ROWS_AT_ONCE", rows_at_once)
    rng = np.random.default_rng(outputs)
    n = 300
    leaf = rng.random(n) < 0.5
    value = rng.normal(size=(n, outputs)) * (rng.random((n, outputs)) < 0.5)
    trees = Ensemble(
        tree=np.repeat(np.arange(3), 100),
        node=np.tile(np.arange(100), 3),
        behavior=np.where(leaf, LEAF, rng.integers(0, 6, n)),
        feature=rng.integers(0, 300, n),
        threshold=rng.normal(size=n),
        yes=np.where(leaf, -7, rng.integers(0, 1000, n)),
        no=np.where(leaf, 5, rng.integers(0, 2**40, n)),
        nan_yes=rng.random(n) < 0.5,
        value=value,
        base=rng.normal(size=outputs),
    )
    want = type(messages().Model().treeEnsembleRegressor.treeEnsemble)()
    want.numPredictionDimensions = outputs
    want.basePredictionValue.extend(trees.base)
    for k in range(n):
        node = want.nodes.add(treeId=trees.tree[k], nodeId=trees.node[k], nodeBehavior=trees.behavior[k])
        if leaf[k]:
            entries = [(j, v) for j, v in enumerate(value[k]) if v != 0] or [(0, 0.0)]
            for j, v in entries:
                node.evaluationInfo.add(evaluationIndex=j, evaluationValue=v)
        else:
            node.branchFeatureIndex, node.branchFeatureValue = trees.feature[k], trees.threshold[k]
            node.trueChildNodeId, node.falseChildNodeId = trees.yes[k], trees.no[k]
            node.missingValueTracksTrueChild = trees.nan_yes[k]
    assert type(want).FromString(b"".join(trees.encode())) == want


def test_trees_that_add_nothing_are_left_out() -> None:
    trees = Ensemble(
        tree=np.arange(3),
        node=np.zeros(3, np.int64),
        behavior=np.full(3, LEAF),
        feature=np.zeros(3, np.int64),
        threshold=np.zeros(3),
        yes=np.zeros(3, np.int64),
        no=np.zeros(3, np.int64),
        nan_yes=np.zeros(3, np.bool_),
        value=np.array([[1.0], [0.0], [np.nan]]),
        base=np.zeros(1),
    )
    assert trees.thinned().tree.tolist() == [0, 2]
