"""What travels between the rooms: frozen dataclasses and the two small protocols of a target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np

    from edgepack.host import TextStep
    from edgepack.ir import Program

Kind = Literal["number", "string"]
InputDtype = Literal["float32", "float64"]
Method = Literal["predict", "predict_proba", "decision_function", "score_samples", "transform"]
Precision = Literal["float16", "float32", "float64"]

Columns = Mapping[str, "np.ndarray[Any, Any]"]
"""Rows in one normal form: every input by name, `(rows, width)`; numbers float64, strings object (`str` or `None`)."""

Answers = Mapping[str, "np.ndarray[Any, Any]"]
"""A model's answers: `value` (rows,) or (rows, outputs); `label` (rows,); `probabilities` (rows, classes)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One named input of a model: a table's column, or a whole numeric matrix when `width` > 1.

    Attributes:
        name: the column's name, or `X` for a model that was fitted on a plain array.
        kind: `number` or `string`.
        width: how many values a row has here.
        missing_token: for strings, the text that stands for a missing value in an artifact (which has no null).
        accepts_missing: whether the server answers rows in which this is missing.
        categories: the fitted values of a categorical column, in fitted order (None where not categorical).
        accepts_unknown: whether the server answers rows whose value is not among `categories`.
    """

    name: str
    kind: Kind
    width: int = 1
    missing_token: str = "<NA>"
    accepts_missing: bool = False
    categories: tuple[str | float, ...] | None = None
    accepts_unknown: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """What a caller must know to use a model, whatever the target: its inputs, outputs and classes.

    Attributes:
        inputs: in the fitted order.
        input_dtype: the numbers that the device passes; the answers hold for every value of this type.
        outputs: names out of `value`, `label`, `probabilities`.
        classes: the labels in the order of the probabilities' columns (None for a regressor).
        value_width: how many numbers `value` has per row; 1 comes back with shape (rows,).
        texts: the host steps: inputs that an app counts the terms of, and the artifact takes the counts.
        method: the estimator's method that `value` answers.
        targets: the labels of each target of a classifier of several, which come side by side in `value`. `predict`
            gives one number per target: the label itself, or its place among these where they are texts.
            `predict_proba` gives one number per label of the first target, then of the next. Empty for all other
            models, and for labels that are 0 or 1 of one indicator: their `predict_proba` is that of 1 alone.
    """

    inputs: tuple[Input, ...]
    input_dtype: InputDtype = "float32"
    outputs: tuple[str, ...]
    classes: tuple[str | int | bool | float, ...] | None = None
    value_width: int = 1
    method: Method = "predict"
    texts: tuple[TextStep, ...] = ()
    targets: tuple[tuple[str | int | bool | float, ...], ...] = ()

    @property
    def strings(self) -> tuple[Input, ...]:
        """The string inputs that an artifact itself takes: all but those of host steps."""
        counted = {step.input for step in self.texts}
        return tuple(i for i in self.inputs if i.kind == "string" and i.name not in counted)


def are_texts(labels: Iterable[Any]) -> bool:
    """Whether a target's labels are no numbers, so that answers are their places."""
    return not all(isinstance(label, bool | int | float) for label in labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One reason why something cannot be compiled: the step, what is wrong with it, and the remedy."""

    step: str
    reason: str
    remedy: str = ""

    def __str__(self) -> str:
        """`preprocess → cat → TargetEncoder: reason; remedy`, on one line."""
        return f"{self.step}: {self.reason}" + (f"; {self.remedy}" if self.remedy else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmitOptions:
    """What a caller may choose about an artifact.

    Attributes:
        name: the model's name; file names are made from it.
        min_runtime: the oldest ONNX Runtime that must load the ONNX artifact.
        precision: of sums of trees in the ONNX artifact, float32 or float64. Branches are exact either way; float32
            halves the bytes and moves a sum by about 1e-7 of its size. float16 is for Core ML alone: of products with
            learned weights and the activations between them; scaling, branches, categories and answers stay float32.
        ios: the oldest iOS that must load the Core ML artifact, if it is an ML Program: 15, 16, 17 or 18.
        packs: whether tables are stored in the smallest form that gives exactly the same numbers; costs time at load.
        metadata: text that the artifact itself carries (model URI, run id, versions, …).
        descriptions: what else to tell of an input, or of an output of `Answers`, by name.
    """

    name: str = "model"
    min_runtime: str = "1.21"
    precision: Precision = "float64"
    ios: int = 15
    packs: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One emitted file or folder.

    Attributes:
        target: the target's name.
        path: the file or folder, absolute or relative to the bundle.
        format: what it is, in the field's words (`ONNX opset 17, ai.onnx.ml 5, IR 10`).
        min_runtime: the lowest runtime that loads it (`onnxruntime 1.20`, `iOS 13`).
        notes: what a reader of the manifest should know (`CatBoost via skl2onnx`, …).
    """

    target: str
    path: Path
    format: str
    min_runtime: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputComparison:
    """How far one output of an artifact is from the server's over all compared rows.

    Attributes:
        output: `value`, `probabilities` or `label`.
        measure: `absolute` (probabilities), `relative` (values: |Δ| / max(|server|, 1)) or `exact` (labels).
        tolerance: what was allowed, in that measure.
        smallest_passing_tolerance: the largest difference seen, in that measure (0 when bit-identical).
        max_abs_error: the largest |Δ|.
        p50_abs_error, p99_abs_error: percentiles of the rows' largest |Δ|.
        rows_over_tolerance: how many rows differ by more than the tolerance.
        rows_by_error: how many rows have a largest |Δ| of `0`, and of each power of ten (`1e-16`: from 1e-16 up to
            1e-15); `1e-17` holds what is smaller, `1e+00` what is larger.
    """

    output: str
    measure: Literal["absolute", "relative", "exact"]
    tolerance: float
    smallest_passing_tolerance: float
    max_abs_error: float
    p50_abs_error: float
    p99_abs_error: float
    rows_over_tolerance: int
    rows_by_error: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """How many places of one kind the compared rows reach.

    Attributes:
        reached: by at least one row.
        reachable: all but those that are proved to be out of every row's reach.
        unreachable: those.
    """

    reached: int
    reachable: int
    unreachable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A processor, as far as it is known.

    Attributes:
        architecture: `x86_64`, `arm64`, `wasm` or what else the system calls it.
        instructions: sets of instructions that change how runtimes multiply (`avx2`, `avx512_vnni`, `asimddp`).
    """

    architecture: str
    instructions: tuple[str, ...] = ()

    def __str__(self) -> str:
        """`x86_64 with avx2, avx512_vnni`."""
        return self.architecture + (f" with {', '.join(self.instructions)}" if self.instructions else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What parity found about one artifact in one runtime.

    Attributes:
        status: `proved` (decisions identical for every input, outputs within a derived bound), `measured` (within
            tolerance on `rows` cases), `failed`, or `not run` (then `reason` says why and the counts are 0).
        rows: rows compared; `refused_rows` more were left out because the server itself refuses them.
        beyond_rows: rows left out because the artifact says that it is not for their numbers.
        label_changes: rows whose label differs; `tied_rows` of them are ties: the server's two best scores are within
            `tie_width` of each other.
        near_tied_rows: as many of the ties are apart by more than 1e-7, which doubles would tell.
        tie_width: 1e-7, or what the runtime's arithmetic warrants, beside the larger of 1 and the scores' size.
        worst_rows: the rows that differ most: `{"row": {input: value}, "server": {…}, "device": {…}}`.
        cases: how the rows came about: `{"split boundaries": 8210, "categories": 312, …}`.
        coverage: by kind of place (`leaves`, `split sides`, `missing paths`, `categories`, `edges`, `ties`), how many
            the rows reach; kinds that the model does not have are left out.
        machine: where it was measured; None where nothing ran, or where that is not known.
    """

    target: str
    runtime: str
    status: Literal["proved", "measured", "failed", "not run"]
    reason: str = ""
    rows: int = 0
    refused_rows: int = 0
    beyond_rows: int = 0
    label_changes: int = 0
    tied_rows: int = 0
    near_tied_rows: int = 0
    tie_width: float = 1e-7
    outputs: tuple[OutputComparison, ...] = ()
    worst_rows: tuple[Mapping[str, Any], ...] = ()
    cases: Mapping[str, int] = field(default_factory=dict)
    coverage: Mapping[str, Covered] = field(default_factory=dict)
    machine: Machine | None = None

    @property
    def passed(self) -> bool:
        """True for `proved` and `measured`; what did not run has not passed."""
        return self.status in ("proved", "measured")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A mistake that can be planted in an artifact, to see whether parity finds it.

    Attributes:
        kind: `threshold`, `missing`, `leaf`, `category`, `weight`, `last bits`, `labels` or `output name`.
        place: where in the file, in the format's words.
        plant: writes the artifact with the mistake to a path.
        magnified: for `last bits`, does so with a change of the same number that is 2²⁰ times as large.
    """

    kind: str
    place: str
    plant: Callable[[Path], object]
    magnified: Callable[[Path], object] | None = None


class Runner(Protocol):
    """Runs rows through one artifact in one runtime.

    A runner whose arithmetic is narrower than the server's may say so in more attributes:

    - `ranges: Mapping[str, (2, width) float64]`: per input of numbers, between which the artifact itself says that its
      answers hold. Parity leaves rows beyond out and says so; it fails where the user's own rows lie beyond.
    - `tolerance: Mapping[str, float]`: by output, what this arithmetic warrants where the caller asks for nothing.
    - `tie_width: float`: how near the server's two best scores are, beside the larger of 1 and their size, where this
      arithmetic need not tell them apart.
    """

    @property
    def runtime(self) -> str:
        """What speaks: `onnxruntime 1.32.0 x86_64`, `Core ML reference evaluator`, …"""

    def run(self, columns: Columns) -> dict[str, np.ndarray[Any, Any]]:
        """The artifact's answers, named and shaped as `Answers` says."""


class Target(Protocol):
    """A way out of the compiler. An entry point of group `edgepack.targets` names an instance.

    A target may have `lint(path, interface) -> list[Problem]`: what is wrong with a file that claims to be an artifact
    of this interface, without running it; each problem's step is the file and the path in it.

    A target may have `parts(path) -> dict[str, int]`: what an artifact's bytes are for, as the report shows.

    A target may have `sections(path) -> dict[str, bytes]`: what an artifact says of `weights`, `trees`, `tables` and,
    all that is left, its `graph`.
    """

    @property
    def name(self) -> str:
        """The word after `--target`."""

    def check(self, program: Program) -> list[Problem]:
        """Everything in the program that this target cannot say, all at once."""

    def emit(self, program: Program, into: Path, options: EmitOptions) -> Artifact:
        """Writes the artifact into the folder `into` (which exists). The program has passed `check`."""

    def open(self, path: Path, interface: Interface) -> Runner:
        """A runner for an artifact that `emit` wrote, loaded from its file."""
