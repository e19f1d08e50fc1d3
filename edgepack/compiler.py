"""From a fitted estimator, or a model's URI, to the Programs that targets emit and parity compares with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgepack import contract
from edgepack.contract import Columns, InputDtype
from edgepack.errors import UsageError

if TYPE_CHECKING:
    from edgepack.ir import Program
    from edgepack.parity import Reference, Tolerance
    from edgepack.parity.reference import Asked
    from edgepack.quantize import Method, Quantized, Ranges
    from edgepack.source import Source
    from edgepack.source.loading import Env


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A model in every form that the later stages need.

    Attributes:
        source: its files and lineage.
        estimator: the fitted estimator: the reference.
        original: answers in place of the estimator where the model runs in an environment of its own, and the estimator
            was rebuilt from it.
        sample: a few rows as the estimator takes them.
        lowered: the Program with scikit-learn's steps.
        program: the Program after all passes, quantized if that was asked: what targets emit.
        quantized: what quantizing did to it; None where nothing was quantized.
    """

    source: Source
    estimator: Any
    sample: Any
    lowered: Program
    program: Program
    quantized: Quantized | None = None
    original: Any = None

    @property
    def reference(self) -> Asked:
        """What artifacts must answer: what the server does, or would with quantized numbers in it."""
        from edgepack.quantize.server import QuantizedServer

        if self.quantized is None:
            return self.server
        return QuantizedServer(program=self.program, original=self.server)

    @property
    def is_provable(self) -> bool:
        """Whether what holds for every input of the lowered Program holds for the server."""
        import sklearn

        same = self.original is None or self.original.sklearn_version == sklearn.__version__
        return same and self.quantized is None

    @property
    def meaning(self) -> Program:
        """What `reference` computes, as a Program."""
        return self.lowered if self.quantized is None else self.program

    @property
    def tolerance(self) -> Tolerance:
        """What artifacts may differ by from `reference`, unless a caller says otherwise.

        Quantized tables are computed with in float32, and have moved the answers by far more than that rounds.
        """
        from edgepack.parity import Tolerance

        if self.quantized is None:
            return Tolerance(yields=True)
        return Tolerance(probabilities=1e-5, value=1e-4, yields=True)

    @property
    def server(self) -> Reference:
        """The server."""
        from edgepack.parity import Reference

        return Reference(
            estimator=self.estimator,
            original=self.original,
            interface=self.program.interface,
            none_columns=self.program.none_columns,
        )

    def quantized_by(self, method: Method, ranges: Ranges | None = None) -> Compiled:
        """The same model with its Program quantized.

        Args:
            ranges: for `w8a8`, as `calibrated` gives them.
        """
        from edgepack.quantize import quantize

        quantized = quantize(self._quantizable, method, ranges or {})
        return replace(self, program=quantized.program if quantized.touched else self.program, quantized=quantized)

    def calibrated(self, rows: Columns) -> Ranges:
        """What each weighted sum takes, for these rows."""
        from edgepack.quantize import calibrated

        return calibrated(self._quantizable, rows)

    @property
    def _quantizable(self) -> Program:
        """The Program before a scaler is inside the weights, which would put columns of any size on one grid."""
        from edgepack.passes import optimize
        from edgepack.quantize import has_wide_weights

        if has_wide_weights(self.program):
            return optimize(self.lowered, without=frozenset({"fold-linear"}))
        return self.program

    @property
    def sample_columns(self) -> Columns:
        """The sample in the form that Programs take."""
        from edgepack.rows import columns_of

        return columns_of(self.sample, self.program.interface)


def compile_estimator(
    estimator: Any, sample: Any, *, input_dtype: InputDtype = "float32", output: contract.Method | None = None
) -> Program:
    """The optimized Program of a fitted estimator: scikit-learn's answers, over raw inputs, in few ops.

    Args:
        estimator: fitted; a Pipeline, classifier or regressor.
        sample: a few rows as it was fitted on: a DataFrame, or a 2-D array.
        input_dtype: the numbers that the device passes.
        output: the method whose answers it gives; see `edgepack.lower.lower`.

    Raises:
        UnsupportedError: with every step that cannot be compiled.
        UsageError: the sample does not fit the estimator.
    """
    from edgepack.lower import lower
    from edgepack.passes import optimize

    return optimize(lower(estimator, sample, input_dtype=input_dtype, output=output))


def compile_model(
    model: str,
    into: Path,
    *,
    tracking_uri: str | None = None,
    allow_pickle: bool = False,
    env: Env = "auto",
    sample: Any = None,
    input_dtype: InputDtype = "float32",
    output: contract.Method | None = None,
    on_step: Callable[[str], object] | None = None,
) -> Compiled:
    """A model by its MLflow URI or local folder, compiled.

    Args:
        into: a folder for the downloaded files; it must outlive the result.
        env: where the model is read and answers; see `edgepack.source.load`.
        sample: rows to use in place of the model's own input example.
        output: the method whose answers to compile; see `edgepack.lower.lower`.
        on_step: called with the path of every step that is looked at.

    Raises:
        SourceError: it cannot be found, reached or loaded safely.
        UnsupportedError: it cannot be compiled.
        UsageError: it has no input example and no sample was given.
    """
    from edgepack.source import load, resolve

    source = resolve(model, into, tracking_uri=tracking_uri)
    fitted = load(source, allow_pickle=allow_pickle, env=env, into=into)
    # only now: it imports scikit-learn, while a worker imports the model's own
    from edgepack.lower import lower
    from edgepack.passes import optimize

    rows = fitted.example if sample is None else sample
    if rows is None:
        raise UsageError(f"{model}: has no input example; log the model with one, or pass rows with --data FILE")
    lowered = lower(
        fitted.estimator, rows, input_dtype=input_dtype, output=output, original=fitted.server, on_step=on_step
    )
    return Compiled(
        source=source,
        estimator=fitted.estimator,
        original=fitted.server,
        sample=rows,
        lowered=lowered,
        program=optimize(lowered),
    )
