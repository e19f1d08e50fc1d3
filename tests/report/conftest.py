"""Bundles of two versions of a small classifier, made without a registry."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_models import HOSTILE, pipeline

from edgepack.bench import ArmResult, BenchResult, ColdStart, Transport, statistics
from edgepack.bench.network import find_network
from edgepack.bundle.bundle import Bundle
from edgepack.bundle.seal import seal_bundle
from edgepack.compiler import compile_estimator
from edgepack.contract import Covered, EmitOptions
from edgepack.export import documents, parts_of
from edgepack.parity import Reference, compare
from edgepack.rows import columns_of
from edgepack.targets import find_target


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Bundle]:
    """A bundle of `pipeline(**choices)` as a version of `trips`."""

    def build(version: int, *, key: Any = None, **choices: Any) -> Bundle:
        folder = tmp_path_factory.mktemp("bundle")
        model, data = pipeline(**choices)
        program = compile_estimator(model, data)
        target = find_target("onnx")
        artifact = target.emit(program, folder, EmitOptions(name="trips"))
        columns = columns_of(data.head(40), program.interface)
        reference = Reference(estimator=model, interface=program.interface, none_columns=program.none_columns)
        answers, _ = reference.answers(columns)
        runner = target.open(artifact.path, program.interface)
        verdict = compare(
            "onnx", runner.runtime, answers, runner.run(columns), columns=columns, cases={"examples": 40, "a/b~c": 0}
        )
        covered = {
            "leaves": Covered(reached=20, reachable=24, unreachable=2),
            "split/sides": Covered(reached=0, reachable=9),
        }
        verdict = replace(verdict, coverage=covered)
        return seal_bundle(
            folder / f"trips-{version}",
            name="trips",
            version=version,
            interface=program.interface,
            uri=f"models:/trips/{version}",
            lineage={
                "artifacts": {"tree_sha256": f"{version}" * 64},
                "run": {"params": {"depth": "4"}, "name": HOSTILE},
            },
            artifacts=[artifact],
            columns=columns,
            answers=answers,
            verdicts=[verdict],
            tools={"edgepack": "0.1.0"},
            documents=documents(program, parts_of([target], [artifact]), key),
            key=key,
        )

    return build


@pytest.fixture(scope="session")
def bundle(make: Callable[..., Bundle]) -> Bundle:
    return make(1)


@pytest.fixture(scope="session")
def timings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark's file, with an arm that did not run."""
    r = np.random.default_rng(1)

    def arm(name: str, kind: str, scale: float, **more: Any) -> ArmResult:
        found = [statistics.latency(rows, (scale * rows * r.lognormal(0, 0.3, (10, 20))).tolist()) for rows in (1, 32)]
        return ArmResult(name=name, kind=kind, runtime=name, latencies=tuple(found), **more)

    transport = Transport(connect_us=31.0, ping_us=900.0, request_bytes=1078, response_bytes=35)
    network = find_network("lte")
    far = Transport(
        connect_us=31.0,
        ping_us=54_000.0,
        request_bytes=1078,
        response_bytes=35,
        wire_bytes=1500,
        network=str(network),
        network_source=network.source,
    )
    cold = ColdStart(load_ms=212.0, first_call_us=840.0, answer_ms=1490.0)
    slow = replace(cold, load_ms=5200.0, answer_ms=5260.0)
    arms = (
        arm("onnx", "device", 14.0, first_load_ms=130.0, load_ms=3.5, size_bytes=4000, cold=cold),
        arm("onnx, C API", "device", 9.0, load_ms=31.0, peak_rss_bytes=31_000_000, instructions_per_row=34_783.5),
        ArmResult(name="coreml", kind="device", reason="needs <coremltools>"),
        arm("scikit-learn", "server", 3000.0),
        arm("REST", "rest", 7000.0, transport=transport, peak_rss_bytes=560_000_000, cold=slow),
        arm("REST, lte", "rest", 80_000.0, transport=far),
    )
    result = BenchResult(host="host: a test; not a phone", rounds=10, arms=arms)
    path = tmp_path_factory.mktemp("bench") / "bench.json"
    path.write_text(json.dumps(result.to_document()))
    return path
