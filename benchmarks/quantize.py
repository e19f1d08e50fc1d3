"""Quantizing real pipelines: sizes, latency and what it did to held-out answers. `make bench-quantize`."""

from __future__ import annotations

import argparse
import inspect
import pkgutil
import tempfile
import warnings
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import sklearn
from sklearn import datasets, ensemble, linear_model, neighbors, neural_network, svm
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks import activations, measure, peer
from edgepack.compiler import Compiled
from edgepack.contract import EmitOptions
from edgepack.errors import BudgetError
from edgepack.lower import lower
from edgepack.parity.machine import this_machine
from edgepack.parity.reference import Reference
from edgepack.passes import optimize
from edgepack.quantize import OF_WEIGHTS, Budget, has_wide_weights
from edgepack.rows import columns_of
from edgepack.shrink import Rows, Wish, shrink
from edgepack.targets import find_target

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
TARGETS = ("onnx", "coreml")
LABELS, MOVED = 0.01, 0.02
HEADINGS = (
    "pipeline",
    "method",
    "ONNX bytes",
    "compressed",
    "÷",
    "1 row µs",
    "64 rows µs",
    "Core ML bytes",
    "compressed",
    "÷",
    "largest Δ",
    "labels",
    "score",
)

HEAD = f"""# Quantization, measured

Written by `make bench-quantize`: one thread of ONNX Runtime {onnxruntime.__version__} on {this_machine()}, a host
with other work: times are not a phone's, and their ratios hold better than they do. Half of the rows train, a third
chooses (for `auto`), and what is left is judged: Δ, labels and scores (accuracy, R²) are of rows that neither training
nor `auto` saw. `packed` is `--optimize size`: the same numbers in fewer bytes. `auto` may change {LABELS:.1%} of labels
and move a probability by {MOVED:g}, a value by {MOVED:g} standard deviations; it keeps room for rows that it did not
see, so few rows leave it less choice (0 changes in 200 rows may be 2% of others; and where errors differ by powers of
ten from row to row, as of the digits' probabilities, 600 rows do not tell how large one may become).
Where it takes different methods for
ONNX and Core ML, both are named, in this order, and Δ, labels and score are of the coarser. `÷` is against the first
line. `skl2onnx` is its float32 graph of the same pipeline. `w8a8` is calibrated on the training rows. Core ML refuses
text, quantized or not: it has no stage that counts words.

"""

ACTIVATIONS = """
## Activations

What `w8a8` does beside ONNX Runtime's own static int8 (S8S8, per channel) of skl2onnx's graph, both calibrated on 300
training rows, and beside weights alone in 8 bits. edgepack's levels are taken from the smallest and largest number;
percentiles of 99.99 % helped little, and of 99.9 % hurt (a probability moved by 0.98). Weights keep to 7 bits: with all
of 8, extreme sums saturate on x86 with AVX2 but no VNNI (24,002 off where the largest is 29,528; emulated); with 7 they
are the same there, here and on arm64 (emulated, too).

"""

Sizes = Mapping[str, tuple[int, int]]
"""Bytes and deflated bytes by target, and of `skl2onnx`."""


@dataclass(frozen=True, slots=True)
class Real:
    """A pipeline and the real data that it is fitted on and judged by."""

    estimator: Any
    rows: Any
    target: Any


def pipelines() -> Iterator[tuple[str, Real]]:
    """One after another, unfitted."""
    digits = datasets.load_digits()
    tumors = datasets.load_breast_cancer()
    sugar = datasets.load_diabetes()
    houses, price = _houses()
    wines, quality = _wines()
    texts, rooms = _texts()
    pixels, digit = _numbers(digits.data), digits.target
    yield "Ridge, Ames houses", Real(_mixed(houses, linear_model.Ridge()), houses, price)
    yield (
        "one-hot LogisticRegression, Ames",
        Real(_mixed(houses, linear_model.LogisticRegression(max_iter=500)), houses, (price > 163_000).astype(int)),
    )
    yield (
        "tf-idf LogisticRegression, texts",
        Real(make_pipeline(TfidfVectorizer(), linear_model.LogisticRegression()), texts, rooms),
    )
    yield "tf-idf LinearSVC, texts", Real(make_pipeline(TfidfVectorizer(), svm.LinearSVC()), texts, rooms)
    yield "MLP 256-128, digits", Real(_scaled(neural_network.MLPClassifier((256, 128), random_state=0)), pixels, digit)
    yield (
        "MLP 100, wine quality",
        Real(
            _scaled(neural_network.MLPRegressor(hidden_layer_sizes=(100,), max_iter=500, random_state=0)),
            wines,
            quality,
        ),
    )
    yield "SVC rbf, digits", Real(_scaled(svm.SVC(decision_function_shape="ovr")), pixels, digit)
    yield "kNN, digits", Real(neighbors.KNeighborsClassifier(5), pixels, digit)
    yield (
        "RandomForest 300, tumours",
        Real(ensemble.RandomForestClassifier(300, random_state=0, n_jobs=2), _numbers(tumors.data), tumors.target),
    )
    yield (
        "RandomForest 300, digits",
        Real(ensemble.RandomForestClassifier(300, random_state=0, n_jobs=2), pixels, digit),
    )
    yield (
        "RandomForest 300, wine quality",
        Real(ensemble.RandomForestClassifier(300, random_state=0, n_jobs=2), wines, quality.astype(int)),
    )
    yield (
        "RandomForest 300, Ames houses",
        Real(_mixed(houses, ensemble.RandomForestRegressor(300, random_state=0, n_jobs=2)), houses, price),
    )
    yield "HistGradientBoosting, digits", Real(ensemble.HistGradientBoostingClassifier(max_iter=60), pixels, digit)
    yield "HistGradientBoosting, Ames", Real(_mixed(houses, ensemble.HistGradientBoostingRegressor()), houses, price)
    yield (
        "GradientBoosting, diabetes",
        Real(ensemble.GradientBoostingRegressor(random_state=0), _numbers(sugar.data), sugar.target),
    )


def figures(name: str, real: Real) -> Iterator[tuple[str, list[str], Sizes]]:
    """A pipeline's rows of the table with method and sizes: as it is, skl2onnx's, packed, every method, `auto`."""
    train, rest, y, y_rest = train_test_split(real.rows, real.target, test_size=0.5, random_state=0)
    chosen_by, held, _, y_held = train_test_split(rest, y_rest, test_size=0.3, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = real.estimator.fit(train, y)
    sample = train[:8]
    lowered = lower(fitted, sample, fallback=False)
    source: Any = SimpleNamespace(name=name)
    compiled = Compiled(source=source, estimator=fitted, sample=sample, lowered=lowered, program=optimize(lowered))
    targets = [t for t in map(find_target, TARGETS) if not t.check(compiled.program)]
    moved = MOVED if hasattr(fitted, "classes_") else MOVED * float(np.std(y))
    budget = Budget(max_label_change=LABELS, max_abs_error=moved)
    reference = Reference(estimator=fitted, interface=lowered.interface, none_columns=lowered.none_columns)
    columns, server = _answered(reference, held, y_held)
    first: dict[str, int] = {}
    for method in ("none", "packed", *OF_WEIGHTS, "w8a8", "auto"):
        if method == "w8a8" and not has_wide_weights(compiled.program):
            continue
        mine = targets[:1] if method == "w8a8" else targets
        quantize: Any = None if method in ("none", "packed") else method
        wish = Wish(
            quantize=quantize,
            packs=method == "packed",
            budget=budget if method == "auto" else Budget(),
            allow_noop=True,
        )
        with tempfile.TemporaryDirectory() as folder:
            try:
                shrunk = shrink(
                    compiled,
                    mine,
                    EmitOptions(ios=15 if method == "none" else 16),
                    wish,
                    Path(folder),
                    rows=Rows(columns=columns_of(chosen_by, lowered.interface), origin="data"),
                    calibration=Rows(columns=columns_of(train, lowered.interface), origin="calibration"),
                    on_progress=lambda _what, _done, _total: None,
                )
            except BudgetError as error:
                yield method, [name, method, str(error), *[""] * (len(HEADINGS) - 3)], {}
                continue
            chosen = shrunk.document["chosen"]
            tried = {t["method"]: t["sizes"] for t in shrunk.document["tries"]}
            sizes = {t: tried[how][t] for t, how in chosen.items()}
            coarsest = max(chosen, key=lambda t: chosen[t] == shrunk.document["method"])
            answers = shrunk.compiled[coarsest].program.run(columns)
            auto = ", ".join(dict.fromkeys(chosen.values()))
            label = f"auto: {auto}" if method == "auto" else method
            row = [name if method == "none" else "", label]
            for target in TARGETS:
                if target not in sizes:
                    row += ["refused", "", ""] + (["", ""] if target == "onnx" else [])
                    continue
                size = sizes[target]
                first.setdefault(target, size["size_bytes"])
                ratio = first[target] / size["size_bytes"]
                row += [f"{size['size_bytes']:,}", f"{size['compressed_size_bytes']:,}", f"{ratio:.1f}"]
                if target == "onnx":
                    row += [f"{time:.0f}" for time in _latency(shrunk, columns, targets)]
            found = {t: (size["size_bytes"], size["compressed_size_bytes"]) for t, size in sizes.items()}
            yield method, [*row, *_effect(server, answers, y_held, fitted)], found
        if method == "none" and (size := _skl2onnx(fitted, sample)):
            row = ["", "skl2onnx", f"{size[0]:,}", f"{size[1]:,}", f"{first['onnx'] / size[0]:.1f}"]
            yield "skl2onnx", [*row, *[""] * (len(HEADINGS) - len(row))], {"skl2onnx": size}


def _skl2onnx(fitted: Any, sample: Any) -> tuple[int, int] | None:
    """Bytes of skl2onnx's graph, raw and deflated; None for a pipeline that it does not take, or not as one matrix."""
    if isinstance(sample, list):
        return None
    try:
        model = (
            peer.convert(fitted, sample) if hasattr(sample, "columns") else peer.convert_matrix(fitted, len(sample[0]))
        )
    except Exception as error:  # skl2onnx raises whatever its shape calculators meet
        print(f"skl2onnx: {type(error).__name__}: {' '.join(str(error).split())[:100]}", flush=True)
        return None
    return len(model), len(zlib.compress(model, 6))


def summary(sizes: Mapping[str, Mapping[str, Sizes]]) -> list[str]:
    """A line for each promise: what was measured, smallest ratio first."""
    lines = []

    def line(text: str, kind: str, small: str, large: str, file: tuple[str, str]) -> None:
        found = []
        for name, by in sizes.items():
            a, b = by.get(large, {}).get(file[1]), by.get(small, {}).get(file[0])
            if name.startswith(kind) and a and b:
                found.append((a[0] / b[0], f"{name} {a[0] / b[0]:.1f} (compressed {a[1] / b[1]:.1f})"))
        if found:
            lines.append(f"- {text}: " + "; ".join(told for _, told in sorted(found)) + ".")

    line("skl2onnx's forest ÷ `packed`, losslessly", "RandomForest", "packed", "skl2onnx", ("onnx", "skl2onnx"))
    line("classic Core ML forest ÷ `packed`", "RandomForest", "packed", "none", ("coreml", "coreml"))
    line("skl2onnx's float32 network ÷ `int8`", "MLP", "int8", "skl2onnx", ("onnx", "skl2onnx"))
    line("text ÷ `fp16`", "tf-idf", "fp16", "none", ("onnx", "onnx"))
    line("text ÷ `int8`", "tf-idf", "int8", "none", ("onnx", "onnx"))
    return lines


def _effect(server: Any, answers: Any, wanted: Any, fitted: Any) -> list[str]:
    name = next((n for n in ("probabilities", "value") if n in server), None)
    error = f"{np.abs(server[name] - answers[name]).max():.2g}" if name else "–"
    answered = "label" if "label" in server else "value"
    scorer = get_scorer("accuracy" if answered == "label" else "r2")
    score = [
        scorer._score_func(np.asarray(wanted)[: len(of[answered])], of[answered]) * scorer._sign
        for of in (server, answers)
    ]
    labels = f"{(server['label'] != answers['label']).mean():.2%}" if "label" in server else "–"
    return [error, labels, f"{score[1]:.4f} ({score[1] - score[0]:+.4f})"]


def _answered(reference: Reference, rows: Any, wanted: Any) -> tuple[Any, Any]:
    columns = columns_of(rows, reference.interface)
    answers, refused = reference.answers(columns)
    if refused.any():
        raise SystemExit("held-out rows that the server refuses; train on all categories")
    return columns, answers


def _latency(shrunk: Any, columns: Any, targets: Any) -> tuple[float, float]:
    """Of one row and of 64 through ONNX Runtime, in µs."""
    (artifact,) = [a for a in shrunk.artifacts if a.target == "onnx"]
    runner = targets[0].open(artifact.path, shrunk.compiled["onnx"].program.interface)
    feed, names = runner.feed(columns), list(runner.interface.outputs)
    rows = len(next(iter(feed.values())))

    def call(count: int) -> Any:
        starts = list(range(0, max(1, rows - count + 1), max(1, count // 4)))[:32]
        feeds = [{name: x[k : k + count] for name, x in feed.items()} for k in starts]
        return lambda k: runner.session.run(names, feeds[k % len(feeds)])

    one, many = (
        measure.interleaved_us({"": call(count)}, calls=calls, rounds=3)[""] for count, calls in ((1, 100), (64, 12))
    )
    return one, many


def _numbers(x: Any) -> Any:
    return np.asarray(x, np.float32).astype(np.float64)


def _scaled(model: Any) -> Any:
    return make_pipeline(StandardScaler(), model)


def _mixed(frame: pd.DataFrame, model: Any) -> Any:
    strings = [c for c in frame if frame[c].dtype == object]
    numbers = [c for c in frame if c not in strings]
    named = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="none"),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    filled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return make_pipeline(ColumnTransformer([("num", filled, numbers), ("cat", named, strings)]), model)


def _houses() -> tuple[pd.DataFrame, Any]:
    frame = pd.read_csv(EXAMPLES / "house_prices" / "ames.csv", keep_default_na=True)
    price = frame.pop(next(c for c in frame if c.lower().replace("_", "") == "saleprice")).to_numpy(np.float64)
    frame = frame[[c for c in frame if c.lower() not in ("order", "pid", "rownames")]]
    for column in frame:
        if pd.api.types.is_numeric_dtype(frame[column]):
            frame[column] = _numbers(frame[column])
        else:
            frame[column] = pd.Series(frame[column].astype(object).where(frame[column].notna(), np.nan), dtype=object)
    return frame, price


def _wines() -> tuple[Any, Any]:
    frame = pd.read_csv(EXAMPLES / "wine" / "winequality-red.csv", sep=None, engine="python")
    quality = frame.pop("quality").to_numpy(np.float64)
    return _numbers(frame), quality


def _texts() -> tuple[list[str], Any]:
    """scikit-learn's own docstrings, and the package that each stands in: real English, and at hand."""
    found: dict[str, str] = {}
    for module in pkgutil.iter_modules(sklearn.__path__):
        if module.name.startswith("_") or module.name in ("conftest", "experimental", "tests"):
            continue
        room = import_module(f"sklearn.{module.name}")
        for name, thing in vars(room).items():
            for _, member in [(name, thing), *(inspect.getmembers(thing) if inspect.isclass(thing) else ())]:
                text = inspect.getdoc(member) if callable(member) else None
                if text and len(text) > 200 and str(getattr(member, "__module__", "")).startswith("sklearn."):
                    found.setdefault(text, module.name)
    rooms = pd.Series(found.values())
    common = set(rooms.value_counts().head(8).index)
    kept = [(text, room) for text, room in found.items() if room in common]
    return [text for text, _ in kept], np.array([room for _, room in kept])


def main() -> None:
    """Print the table as Markdown, or write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quantize", description=__doc__)
    parser.add_argument("--only", default="", help="pipelines whose name holds this")
    parser.add_argument("--out", type=Path, help="a Markdown file")
    arguments = parser.parse_args()
    lines = ["| " + " | ".join(HEADINGS) + " |", "| --- | --- |" + " ---: |" * (len(HEADINGS) - 2)]
    sizes: dict[str, dict[str, Sizes]] = {}
    for name, real in pipelines():
        if arguments.only in name:
            for method, row, found in figures(name, real):
                sizes.setdefault(name, {})[method] = found
                lines.append("| " + " | ".join(row) + " |")
                print(lines[-1], flush=True)
    told = "\n".join(summary(sizes))
    print(told)
    if arguments.out:
        arguments.out.write_text(
            f"{HEAD}{told}\n\n" + "\n".join(lines) + f"\n{ACTIVATIONS}" + "\n".join(activations.table()) + "\n",
            encoding="utf-8",
        )


if __name__ == "__main__":
    main()
