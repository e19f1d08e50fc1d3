"""What the tests of ir, lower and passes share: data, rows on every boundary, and the comparison with scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from edgepack.contract import Columns, InputDtype, Interface
from edgepack.ir import Program
from edgepack.ir.ops import Clip, Forest, Impute, Indicate, Lookup
from edgepack.lower import lower
from edgepack.passes import PASSES
from edgepack.passes.trace import Tracer

NUMBERS = ["area", "year", "slope", "rooms"]
STRINGS = ["zone", "roof"]
SPECIAL = (0.0, -0.0, 1e-45, -1e-45, 1e-30, 1.0, -1.0, -1.0000001, 0.5, 1e6, -1e6, 1e15, -1e15, 3e38, -3e38)
UNUSUAL = ("", " ", "no such", "NORTH", "north ", "nan", "None", "<NA>", "\N{GRINNING FACE}")


def table(rows: int = 300, seed: int = 0, *, missing: bool = True) -> pd.DataFrame:
    """Skewed, integral and centred numbers that are float32; strings with rare levels; 5 to 10 % missing."""
    r = np.random.default_rng(seed)
    numbers = {
        "area": r.lognormal(4, 0.5, rows),
        "year": r.integers(1900, 2024, rows),
        "slope": r.normal(size=rows),
        "rooms": r.poisson(3, rows),
    }
    frame = pd.DataFrame({k: v.astype(np.float32).astype(np.float64) for k, v in numbers.items()})
    zones = ["north", "south", "café", "mill", "rare one", "rare two"]
    frame["zone"] = pd.Series(r.choice(zones, rows, p=[0.4, 0.25, 0.2, 0.11, 0.02, 0.02]), dtype=object)
    frame["roof"] = pd.Series(r.choice(["flat", "gable", "hip"], rows), dtype=object)
    if missing:
        for name, share in {"area": 0.1, "slope": 0.08, "zone": 0.06}.items():
            frame.loc[r.random(rows) < share, name] = np.nan
    return frame


def target(frame: pd.DataFrame, seed: int = 1) -> np.ndarray:
    """A number that depends on every column, missing values included."""
    r = np.random.default_rng(seed)
    value = np.log(frame["area"].fillna(30)) + 0.01 * (frame["year"] - 1950) + 0.5 * frame["slope"].fillna(1)
    value = value + frame["zone"].map({"north": 0.8, "south": -0.6, "café": 0.3}).astype(float).fillna(0.1)
    value = value + frame["roof"].map({"flat": 0.3}).astype(float).fillna(0) + r.normal(0, 0.2, len(frame))
    return value.to_numpy()


def classes(value: np.ndarray, labels: Sequence[Any]) -> np.ndarray:
    """Labels by quantile of a value."""
    cuts = np.quantile(value, np.arange(1, len(labels)) / len(labels))
    return np.array(labels)[np.digitize(value, cuts)]


def matrix(rows: int = 300, width: int = 5, seed: int = 0, *, missing: bool = False) -> np.ndarray:
    """A plain float array that holds float32 values."""
    r = np.random.default_rng(seed)
    x = (r.normal(size=(rows, width)) * 10.0 ** r.integers(-2, 3, width)).astype(np.float32).astype(np.float64)
    if missing:
        x[r.random(x.shape) < 0.1] = np.nan
    return x


def matrix_target(x: np.ndarray, seed: int = 1) -> np.ndarray:
    """A number that depends on every column of a plain array."""
    scaled = x / np.nanstd(x, axis=0)
    return np.nan_to_num(scaled, nan=1.5) @ np.linspace(1, 0.3, x.shape[1]) + np.random.default_rng(seed).normal(
        0, 0.2, len(x)
    )


def usual(numbers: Any = None, strings: Any = None, **options: Any) -> ColumnTransformer:
    """Two branches: numbers imputed and scaled, strings imputed and one-hot encoded, unless given."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler()) if numbers is None else numbers
    if strings is None:
        strings = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    return ColumnTransformer([("num", numbers, NUMBERS), ("cat", strings, STRINGS)], **options)


def fitted(estimator: Any, x: Any, y: Any, **options: Any) -> Any:
    """The estimator after `fit`, in silence."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(x, y, **options)


def piped(*steps: tuple[str, Any]) -> Pipeline:
    """A pipeline of named steps."""
    return Pipeline(list(steps))


# rows


def columns_of(rows: Any, interface: Interface) -> dict[str, np.ndarray]:
    """Rows as Programs take them, written apart from `edgepack.rows` on purpose."""
    if isinstance(rows, pd.DataFrame):
        named = {str(name): rows[name] for name in rows.columns}
        if len(interface.inputs) == 1 and interface.inputs[0].width > 1:
            return {interface.inputs[0].name: rows.to_numpy(np.float64)}
        parts = [named[i.name].astype(object).to_numpy() for i in interface.inputs]
    elif interface.inputs[0].name == "X":
        return {interface.inputs[0].name: np.asarray(rows, np.float64)}
    else:
        parts = [rows[:, int(i.name.removeprefix("x"))].astype(object) for i in interface.inputs]
    columns = {}
    for i, part in zip(interface.inputs, parts, strict=True):
        if i.kind == "number":
            column = np.array([np.nan if _null(v) else float(v) for v in part])
        else:
            column = np.empty(len(part), object)
            column[:] = [None if _null(v) else str(v) for v in part]
        columns[i.name] = column[:, None]
    return columns


def _null(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)


def neighbours(x: np.ndarray, dtype: InputDtype, far: int = 2) -> np.ndarray:
    """The nearest numbers of a type, and those up to `far` ulps below and above them."""
    x = np.asarray(x, dtype)
    found, below, above = [x], x, x
    with np.errstate(over="ignore"):
        for _ in range(far):
            below = np.nextafter(below, np.array(-np.inf, dtype))
            above = np.nextafter(above, np.array(np.inf, dtype))
            found += [below, above]
    every = np.unique(np.concatenate(found)).astype(np.float64)
    return every[np.isfinite(every)]


def boundaries(program: Program) -> dict[tuple[str, int], np.ndarray]:
    """Per input column, everything that the (folded) program compares it with: thresholds, keys, sentinels."""
    tracer, types = Tracer(program), program.types()
    numbers: dict[tuple[str, int], list[Any]] = {}
    strings: dict[tuple[str, int], list[Any]] = {}
    for node in program.nodes:
        for value in node.inputs:
            for j in range(types[value].width):
                start = tracer.path(value, j).start
                if not start.value.startswith("i"):
                    continue
                place, op = (start.value, start.column), node.op
                kept = strings if types[start.value].kind == "string" else numbers
                kept.setdefault(place, []).extend(_compared(op, j))
    dtype = program.interface.input_dtype
    result: dict[tuple[str, int], Any] = {}
    for place, values in numbers.items():
        finite = np.array([v for v in values if isinstance(v, float) and np.isfinite(v)])
        result[place] = neighbours(finite[np.abs(finite) <= np.finfo(dtype).max], dtype)
    for place, values in strings.items():
        result[place] = np.array([*dict.fromkeys(v for v in values if isinstance(v, str))], object)
    return result


def _compared(op: Any, j: int) -> list[Any]:
    match op:
        case Forest():
            found: list[Any] = op.threshold[~op.is_leaf & (op.feature == j)].tolist()
            return found
        case Lookup():
            keys: list[Any] = op.keys.tolist()
            return keys
        case Impute():
            return [op.sentinel, op.fill[j]]
        case Indicate():
            return [op.sentinel]
        case Clip():
            return [float(op.low[j]), float(op.high[j])]
    return []


def boundary_rows(
    program: Program, sample: Columns, *, rows: int = 1500, seed: int = 0, extremes: bool = True
) -> dict[str, np.ndarray]:
    """Rows of the sample in which values are replaced by boundaries, unusual values and missing ones.

    First come rows with one replaced value each, then rows with several.
    """
    r = np.random.default_rng(seed)
    known = boundaries(program)
    slots, pools = [], []
    for k, i in enumerate(program.interface.inputs):
        for j in range(i.width):
            slots.append((i, j))
            special = np.array(SPECIAL if extremes else SPECIAL[:9])
            pools.append(_pool(program, i, known.get((f"i{k}", j), ()), sample[i.name][:, j], special))
    count = len(sample[program.interface.inputs[0].name])
    total = sum(map(len, pools))
    singles = min(total, rows // 2)
    picks = r.integers(count, size=rows)
    block = {i.name: sample[i.name][picks].copy() for i in program.interface.inputs}
    chosen = np.sort(r.permutation(total)[:singles])
    start = 0
    for (i, j), pool in zip(slots, pools, strict=True):
        at = np.flatnonzero((chosen >= start) & (chosen < start + len(pool)))
        block[i.name][at, j] = pool[chosen[at] - start]
        start += len(pool)
        at = singles + np.flatnonzero(r.random(rows - singles) < 0.4)
        if len(pool):
            block[i.name][at, j] = pool[r.integers(len(pool), size=len(at))]
    return block


def _pool(program: Program, i: Any, known: Any, seen: np.ndarray, special: np.ndarray) -> np.ndarray:
    dtype = program.interface.input_dtype
    categories = list(i.categories or ())
    if i.kind == "string":
        texts = [*categories, *(known if i.accepts_unknown else ()), *(UNUSUAL if i.accepts_unknown else ())]
        texts += [v for v in seen[:40] if v is not None]
        return _objects([*dict.fromkeys(texts), *([None] * 3 if i.accepts_missing else [])])
    if i.categories is not None and not i.accepts_unknown:
        numbers = np.array(categories, np.float64)
    else:
        special = special.astype(dtype).astype(np.float64)
        numbers = np.concatenate([np.asarray(known, np.float64), special, np.array(categories, np.float64)])
    return np.concatenate([numbers, np.full(3 if i.accepts_missing else 0, np.nan)])


def _objects(values: Sequence[Any]) -> np.ndarray:
    result = np.empty(len(values), object)
    result[:] = values
    return result


# the server


@dataclass(frozen=True, slots=True)
class Server:
    """The fitted estimator, fed as a device's rows reach it: float64 numbers that hold values of the input dtype."""

    estimator: Any
    program: Program

    def rows(self, columns: Columns) -> Any:
        """The rows as the estimator takes them."""
        given = {}
        for i in self.program.interface.inputs:
            x = columns[i.name]
            if x.dtype == object:
                x = x if i.name in self.program.none_columns else _nan_for_none(x)
            else:
                x = x.astype(self.program.interface.input_dtype).astype(np.float64)
            given[i.name] = x
        if not hasattr(self.estimator, "feature_names_in_"):
            if any(x.dtype == object for x in given.values()):
                return np.concatenate([x.astype(object) for x in given.values()], axis=1)
            return np.concatenate(list(given.values()), axis=1)
        names = self.estimator.feature_names_in_
        if len(given) == 1 and len(names) > 1 and next(iter(given.values())).shape[1] == len(names):
            return pd.DataFrame(next(iter(given.values())), columns=names)
        return pd.DataFrame({name: pd.Series(x[:, 0], dtype=x.dtype) for name, x in given.items()})

    def answers(self, columns: Columns) -> dict[str, np.ndarray]:
        """What the estimator answers, named as a Program names it. Raises what the estimator raises."""
        rows = self.rows(columns)
        found = {}
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for output in self.program.interface.outputs:
                method = self.estimator.predict_proba if output == "probabilities" else self.estimator.predict
                found[output] = np.asarray(method(rows))
        if "value" in found and found["value"].ndim == 2 and found["value"].shape[1] == 1:
            found["value"] = found["value"][:, 0]
        return found

    def accepted(self, columns: Columns) -> np.ndarray:
        """The numbers of the rows that the estimator answers: special values are tried alone, the rest is halved."""
        count = len(next(iter(columns.values())))
        if self._answers(columns):
            return np.arange(count)
        good = next(k for k in range(count) if self._answers(_taken(columns, [k])))
        kept = np.ones(count, np.bool_)
        for name, x in columns.items():
            for j in range(x.shape[1] if x.dtype != object else 0):
                special = np.intersect1d(x[:, j], np.float32(SPECIAL).astype(np.float64))
                for value in [] if self._answers(_with(columns, good, name, j, special)) else special.tolist():
                    kept &= (x[:, j] != value) | self._answers(_with(columns, good, name, j, [value]))
        return np.array(list(self._accepted(columns, np.flatnonzero(kept))), np.int64)

    def _answers(self, columns: Columns) -> bool:
        try:
            self.answers(columns)
        except (ValueError, TypeError):
            return False
        return True

    def _accepted(self, columns: Columns, at: np.ndarray) -> Iterator[int]:
        if not len(at) or self._answers(_taken(columns, at)):
            yield from at.tolist()
        elif len(at) > 1:
            yield from self._accepted(columns, at[: len(at) // 2])
            yield from self._accepted(columns, at[len(at) // 2 :])


def _with(columns: Columns, row: int, name: str, j: int, values: Any) -> dict[str, np.ndarray]:
    rows = _taken(columns, np.full(max(len(values), 1), row))
    rows[name][: len(values), j] = values
    return rows


def _taken(columns: Columns, at: Any) -> dict[str, np.ndarray]:
    return {name: x[at] for name, x in columns.items()}


def _nan_for_none(x: np.ndarray) -> np.ndarray:
    result = x.copy()
    result[np.equal(x, None).astype(bool)] = np.nan
    return result


# comparing


def stages(program: Program) -> dict[str, Program]:
    """The Program as lowered, and after each pass that changes it."""
    found = {"lowered": program}
    for name, rewrite in PASSES.items():
        before, program = program, rewrite(program)
        if [(n.op, n.inputs) for n in program.nodes] == [(n.op, n.inputs) for n in before.nodes]:
            continue  # the very same ops
        found[name] = program
    return found


def check(
    estimator: Any,
    sample: Any,
    *,
    exact: bool = True,
    input_dtype: InputDtype = "float32",
    rows: int = 1500,
    seed: int = 0,
    tolerance: float = 1e-12,
    extremes: bool = True,
) -> Program:
    """The folded Program, after the Program of every stage was found to answer as the fitted estimator does.

    Args:
        exact: bit for bit; else within `tolerance`, relative to the answer or to 1, and labels wherever no tie is near.
        extremes: whether very large numbers are tried, which scikit-learn may refuse.
    """
    found = stages(lower(estimator, sample, input_dtype=input_dtype, fallback=False))
    program = list(found.values())[-1]
    server = Server(estimator, found["lowered"])
    columns = boundary_rows(program, columns_of(sample, program.interface), rows=rows, seed=seed, extremes=extremes)
    kept = server.accepted(columns)
    if len(kept) < rows // 3:
        raise AssertionError(f"only {len(kept)} of {rows} rows are answered by scikit-learn")
    columns = {name: x[kept] for name, x in columns.items()}
    expected = server.answers(columns)
    for stage, staged in found.items():
        wrong = differences(staged.run(columns), expected, exact=exact, tolerance=tolerance)
        if len(wrong):
            row = {name: x[wrong[0]].tolist() for name, x in columns.items()}
            got = {name: np.asarray(x)[wrong[0]] for name, x in staged.run(columns).items()}
            wanted = {name: x[wrong[0]] for name, x in expected.items()}
            raise AssertionError(f"{stage}: {len(wrong)} of {len(kept)} rows differ; {row}: {got}, not {wanted}")
    return program


def differences(got: Any, expected: Any, *, exact: bool = True, tolerance: float = 1e-12) -> np.ndarray:
    """The numbers of the rows whose answers differ."""
    wrong = np.zeros(len(next(iter(expected.values()))), np.bool_)
    near_tie = np.zeros(len(wrong), np.bool_)
    if not exact and "probabilities" in expected:
        best = np.sort(expected["probabilities"], axis=1)
        near_tie = best[:, -1] - best[:, -2] < 1e-9
    for output, want in expected.items():
        have = np.asarray(got[output])
        if have.shape != want.shape:
            raise AssertionError(f"{output}: shape {have.shape}, not {want.shape}")
        if output == "label":
            wrong |= (have != want) & ~near_tie
            continue
        with np.errstate(invalid="ignore"):
            near = np.abs(have - want) <= tolerance * np.maximum(np.abs(want), 1)
        far = have != want if exact else ~near & (have != want)
        far = np.where(np.isnan(want) | np.isnan(have), np.isnan(want) != np.isnan(have), far)
        wrong |= far if far.ndim == 1 else far.any(axis=1)
    return np.flatnonzero(wrong)


def refolded(program: Program) -> Forest:
    """The only forest of a folded Program."""
    forests = [node.op for node in program.nodes if isinstance(node.op, Forest)]
    if len(forests) != 1:
        raise AssertionError(f"{len(forests)} forests, not one")
    return forests[0]
