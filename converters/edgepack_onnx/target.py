"""The target `onnx`: a Program in, one `model.onnx` out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgepack.contract import Artifact, EmitOptions, Interface, Mutant, Problem, Runner
from edgepack.errors import UnsupportedError, UsageError

if TYPE_CHECKING:
    from edgepack.ir import Program
    from edgepack.ir.computation import Computation
    from edgepack.ir.decisions import Decisions
    from edgepack_onnx.emitter import Emitter
    from edgepack_onnx.table import Tensor
    from edgepack_onnx.wire import Message

FILE = "model.onnx"
LARGEST = 2**31 - 1  # protobuf's limit for one message, in bytes


@dataclass(frozen=True, slots=True)
class OnnxTarget:
    """Graphs of standard ops in float64 with plain tensors in and out.

    Inputs: `numbers (rows, n)` with all numeric inputs side by side, in the interface's input dtype, and
    `strings (rows, m)`, in which a missing string is its input's missing token. Outputs: `value` float64, or `label`
    int64 or string and `probabilities` float64.
    """

    name: str = "onnx"

    def check(self, program: Program) -> list[Problem]:
        """Ops without an ONNX form, blocks that cannot be inlined, missing tokens that are values, all at once."""
        from edgepack_onnx.check import problems_of

        return problems_of(program)

    def emit(self, program: Program, into: Path, options: EmitOptions) -> Artifact:
        """Writes `into/model.onnx`.

        Raises:
            UnsupportedError: for what `check` tells, for a runtime too old for the graph, for files beyond 2 GiB.
            UsageError: for float16; for a `min_runtime` that is no version or older than any that edgepack writes for.
        """
        from edgepack_onnx.block import has_old_trees
        from edgepack_onnx.emitter import Emitter
        from edgepack_onnx.graph import IR_VERSIONS, ML, Graph
        from edgepack_onnx.ops import emit_program
        from edgepack_onnx.runtimes import features_of, needed, parse
        from edgepack_onnx.thresholds import with_thresholds_only

        if options.precision == "float16":
            raise UsageError("float16: ONNX artifacts compute in float32 or float64; export --target coreml by itself")
        if problems := self.check(program):
            raise UnsupportedError(problems)
        old_trees = any(has_old_trees(node.op) for node in program.nodes)
        features = features_of(options.min_runtime, old_trees=old_trees)
        fast = with_thresholds_only(program)
        e = Emitter(program=fast, features=features, precision=options.precision, graph=Graph(packs=options.packs))
        emit_program(e)
        model = _model(e, options)
        opsets, runtime = e.graph.opsets, needed(e.graph.opsets)
        if runtime is None or parse(runtime) > parse(options.min_runtime):
            reason = f"opsets {opsets} need onnxruntime {runtime or 'of a later kind'}, not {options.min_runtime}"
            raise UnsupportedError([Problem(step=options.name, reason=reason, remedy="raise min_runtime")])
        if model.size > LARGEST:
            reason = f"{model.size:,} bytes of ONNX, more than the 2 GiB that a file may have"
            raise UnsupportedError([Problem(step=options.name, reason=reason, remedy="train fewer or smaller trees")])
        path = into / FILE
        with path.open("wb") as file:
            file.writelines(model.buffers)
        versions = [f"ONNX opset {opsets['']}", *([f"{ML} {opsets[ML]}"] if ML in opsets else [])]
        return Artifact(
            target=self.name,
            path=path,
            format=", ".join([*versions, f"IR {IR_VERSIONS[opsets['']]}"]),
            min_runtime=f"onnxruntime {runtime}",
            notes=tuple(dict.fromkeys(e.notes)),
        )

    def open(self, path: Path, interface: Interface) -> Runner:
        """A runner in the installed ONNX Runtime, on one thread."""
        from edgepack_onnx.runner import OnnxRunner

        return OnnxRunner.load(path, interface)

    def lint(self, path: Path, interface: Interface) -> list[Problem]:
        """What is wrong with a file that claims to be of this interface, without running it."""
        from edgepack_onnx.lint import lint

        return lint(path, interface)

    def parts(self, path: Path) -> dict[str, int]:
        """See `edgepack_onnx.parts`."""
        from edgepack_onnx.parts import parts

        return parts(path)

    def sections(self, path: Path) -> dict[str, bytes]:
        """See `edgepack_onnx.parts`."""
        from edgepack_onnx.parts import sections

        return sections(path)

    def read_forest(self, path: Path, interface: Interface) -> Decisions | None:
        """What the trees of an emitted file decide, from the file alone; None where it is more than a forest."""
        from edgepack_onnx.read import read_decisions

        return read_decisions(path, interface)

    def read_sums(self, path: Path, interface: Interface) -> Computation | None:
        """What an emitted file computes, from the file alone; None where that is more than sums and known functions."""
        from edgepack_onnx.recover import read_sums

        return read_sums(path, interface)

    def evaluate(self, path: Path, interface: Interface) -> Runner:
        """A runner in ONNX's own reference evaluator, to tell a wrong file from a wrong runtime."""
        import onnx
        from onnx.reference import ReferenceEvaluator

        from edgepack_onnx.runner import OnnxRunner

        runtime = f"onnx {onnx.__version__} reference evaluator"
        return OnnxRunner(session=ReferenceEvaluator(str(path)), interface=interface, runtime=runtime)

    def mutants(self, path: Path, interface: Interface, *, each: int, seed: int) -> list[Mutant]:
        """Mistakes to plant in an emitted file, up to `each` of every kind."""
        from edgepack_onnx.mutate import mutants

        return mutants(path, interface, each=each, seed=seed)


def _model(e: Emitter, options: EmitOptions) -> Message:
    """The ModelProto."""
    from importlib.metadata import version

    from edgepack_onnx.emitter import input_info, input_tensors
    from edgepack_onnx.graph import IR_VERSIONS
    from edgepack_onnx.wire import Message

    interface = e.program.interface
    tensors = input_tensors(interface)
    inputs = [input_info(tensor, _description(tensor, interface, options.descriptions)) for tensor in tensors]
    named = {output: _output(e, output, value) for output, value in e.program.outputs.items()}
    outputs = {output: _output_info(output, interface, options.descriptions) for output in named}
    graph = e.graph.finish(options.name, inputs, outputs, named)
    model = Message().integer(1, IR_VERSIONS[e.graph.opsets[""]])
    model.text(2, "edgepack").text(3, version("edgepack")).message(7, graph)
    for domain, opset in e.graph.opsets.items():
        model.message(8, Message().text(1, domain).integer(2, opset))
    for key, text in {**options.metadata, **_metadata(interface)}.items():
        model.message(14, Message().text(1, key).text(2, text))
    return model


def _output(e: Emitter, output: str, value: str) -> str:
    """The tensor of an output, in the shape that callers get."""
    import numpy as np

    if output == "label":
        return e.vector(value).name
    name = e.double(e.table(value))
    if output == "value" and e.table(value).width == 1:
        return e.graph.node("Squeeze", name, e.graph.constant(np.array([1])))
    return name


def _output_info(output: str, interface: Interface, descriptions: Mapping[str, str]) -> Message:
    from edgepack_onnx.labels import artifact_labels
    from edgepack_onnx.proto import DOUBLE, INT64, STRING, value_info

    classes = interface.classes or ()
    text = descriptions.get(output, "")
    match output:
        case "label":
            element = STRING if artifact_labels(classes).dtype == object else INT64
            return value_info(output, element, ("rows",), text)
        case "probabilities":
            return value_info(output, DOUBLE, ("rows", len(classes)), text)
    width = interface.value_width
    return value_info(output, DOUBLE, ("rows",) if width == 1 else ("rows", width), text)


def _description(tensor: Tensor, interface: Interface, descriptions: Mapping[str, str]) -> str:
    """The columns of a graph input in order, each with its sentence where there is one."""
    if step := next((step for step in interface.texts if step.name == tensor.name), None):
        return f"how often each term stands in {step.input}, as the manifest's host step {step.name} counts"
    kind = "string" if tensor.element == "string" else "number"
    columns = []
    for i in interface.inputs:
        if i.kind == kind and (kind == "number" or i in interface.strings):
            name = i.name if i.width == 1 else f"{i.name} ({i.width} columns)"
            columns.append(f"{name}: {descriptions[i.name]}" if i.name in descriptions else name)
    return "; ".join(columns)


def _metadata(interface: Interface) -> dict[str, str]:
    """What an app needs to fill the inputs and to read the outputs, as JSON."""
    numbers = [{"name": i.name, "width": i.width} for i in interface.inputs if i.kind == "number"]
    strings = [{"name": i.name, "width": i.width, "missing_token": i.missing_token} for i in interface.strings]
    counts = [{"name": step.name, "of": step.input, "width": step.width} for step in interface.texts]
    inputs = {"numbers": numbers, "strings": strings, **({"counts": counts} if counts else {})}
    texts = {"edgepack.inputs": json.dumps(inputs, ensure_ascii=False)}
    if interface.classes is not None:
        from edgepack_onnx.labels import artifact_labels

        texts["edgepack.classes"] = json.dumps(artifact_labels(interface.classes).tolist(), ensure_ascii=False)
    if interface.targets:
        texts["edgepack.targets"] = json.dumps(interface.targets, ensure_ascii=False)
    return texts
