"""ML Program operations drawn at random: shapes, dtypes and constants, each with what numpy says that it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from mil_programs import Array, Case, numbers
from scipy import special

Draw = Callable[[np.random.Generator], Case]
HALF = 2e-3
"""Relative; float16 has eleven bits."""


def shape(rng: np.random.Generator, low: int = 1, high: int = 4) -> tuple[int, ...]:
    """Axes of one to four."""
    return tuple(rng.integers(1, 5, int(rng.integers(low, high + 1))).tolist())


def dtype(rng: np.random.Generator, *kinds: str) -> str:
    return str(rng.choice(kinds))


def rtol(kind: str, single: float = 4e-6) -> float:
    return HALF if kind == "float16" else single


def unary(op: str, function: Callable[..., Any], low: float = -3, high: float = 3, whole: bool = False) -> Draw:
    """A function of each number, reckoned in doubles."""

    def draw(rng: np.random.Generator) -> Case:
        kind = dtype(rng, "float32", "float16", *(["int32"] if whole else []))
        x = numbers(rng, *shape(rng), dtype=kind, low=low, high=high)
        return Case(op=op, tensors={"x": x}, oracle=_wide(function), rtol=rtol(kind))

    return draw


def constants(op: str, function: Callable[..., Any], **ranges: tuple[float, float]) -> Draw:
    """A function of each number and of constants."""

    def draw(rng: np.random.Generator) -> Case:
        kind = dtype(rng, "float32", "float16")
        fixed = {n: np.dtype(kind).type(round(rng.uniform(*ends), 2)) for n, ends in ranges.items()}
        x = numbers(rng, *shape(rng), dtype=kind)
        return Case(op=op, tensors={"x": x}, constants=fixed, oracle=_wide(function), rtol=rtol(kind))

    return draw


def binary(op: str, function: Callable[..., Any], *kinds: str, low: float = -3, high: float = 3) -> Draw:
    """A function of two tensors that broadcast."""

    def draw(rng: np.random.Generator) -> Case:
        kind = dtype(rng, *kinds)
        whole = shape(rng)
        parts = [[n if rng.random() < 0.7 else 1 for n in whole] for _ in range(2)]
        parts[int(rng.integers(2))] = parts[0][int(rng.integers(len(whole))) :]
        x, y = (numbers(rng, *part, dtype=kind, low=low, high=high) for part in parts)
        return Case(op=op, tensors={"x": x, "y": y}, oracle=_wide(function), rtol=rtol(kind))

    return draw


def reduction(op: str, function: Callable[..., Any], *kinds: str, low: float = -3) -> Draw:
    """A function along some axes."""

    def draw(rng: np.random.Generator) -> Case:
        kind = dtype(rng, *kinds)
        x = numbers(rng, *shape(rng), dtype=kind, low=low)
        axes = np.flatnonzero(rng.random(x.ndim - 1) < 0.5).tolist() or [int(rng.integers(x.ndim - 1))]
        axes = [axis - (x.ndim - 1) * int(rng.integers(2)) for axis in axes]
        keeps = bool(rng.integers(2))

        def oracle(x: Array, axes: Any, keep_dims: bool) -> Any:
            found = function(x.astype(np.float64), axis=tuple(axes), keepdims=keep_dims)
            return np.asarray(found).astype(x.dtype)

        fixed = {"axes": axes, "keep_dims": keeps}
        return Case(op=op, tensors={"x": x}, constants=fixed, oracle=oracle, rtol=rtol(kind, 1e-5))

    return draw


def _wide(function: Callable[..., Any]) -> Callable[..., Any]:
    def oracle(**given: Any) -> Any:
        kinds = {np.asarray(v).dtype for v in given.values()}
        result = np.asarray(function(**{n: np.asarray(v).astype(np.float64) for n, v in given.items()}))
        return result if result.dtype == np.bool_ else result.astype(min(kinds, key=str))

    return oracle


def _place(op: str, best: Callable[..., Any]) -> Draw:
    def draw(rng: np.random.Generator) -> Case:
        x = numbers(rng, *shape(rng), dtype=dtype(rng, "float32", "int32", "float16"))
        axis = int(rng.integers(-(x.ndim - 1), x.ndim - 1))

        def oracle(x: Array, axis: int, keep_dims: bool) -> Any:
            at = np.apply_along_axis(lambda v: list(v).index(best(v)), axis, x).astype(np.int32)
            return np.expand_dims(at, axis) if keep_dims else at

        return Case(
            op=op, tensors={"x": x}, constants={"axis": axis, "keep_dims": bool(rng.integers(2))}, oracle=oracle
        )

    return draw


def softmax(rng: np.random.Generator) -> Case:
    kind = dtype(rng, "float32", "float16")
    x = numbers(rng, *shape(rng), dtype=kind, low=-20, high=20)
    axis = int(rng.integers(-(x.ndim - 1), x.ndim - 1))
    oracle = lambda x, axis: special.softmax(x.astype(np.float64), axis=axis).astype(x.dtype)  # noqa: E731
    return Case(op="softmax", tensors={"x": x}, constants={"axis": axis}, oracle=oracle, rtol=rtol(kind))


def gelu(rng: np.random.Generator) -> Case:
    mode = dtype(rng, "EXACT", "TANH_APPROXIMATION", "SIGMOID_APPROXIMATION")

    def oracle(x: Array, mode: str) -> Any:
        w = x.astype(np.float64)
        smooth = {
            "EXACT": special.ndtr(w),
            "TANH_APPROXIMATION": (1 + np.tanh(np.sqrt(2 / np.pi) * (w + 0.044715 * w**3))) / 2,
            "SIGMOID_APPROXIMATION": special.expit(1.702 * w),
        }
        return (w * smooth[mode]).astype(x.dtype)

    x = numbers(rng, *shape(rng))
    return Case(op="gelu", tensors={"x": x}, constants={"mode": mode}, oracle=oracle, rtol=1e-5)


def matmul(rng: np.random.Generator) -> Case:
    kind = dtype(rng, "float32", "int32")
    n, m, k = rng.integers(1, 5, 3).tolist()
    lead = shape(rng, 0, 2)
    turned = [bool(t) for t in rng.integers(2, size=2)]
    x = numbers(rng, *lead, *((k, n) if turned[0] else (n, k)), dtype=kind)
    y = numbers(rng, *lead, *((m, k) if turned[1] else (k, m)), dtype=kind)

    def oracle(x: Array, y: Array, transpose_x: bool, transpose_y: bool) -> Any:
        a, b = (np.swapaxes(v, -1, -2) if t else v for v, t in ((x, transpose_x), (y, transpose_y)))
        return np.einsum("...ij,...jk->...ik", a, b)

    fixed = {"transpose_x": turned[0], "transpose_y": turned[1]}
    return Case(op="matmul", tensors={"x": x, "y": y}, constants=fixed, oracle=oracle, rtol=1e-5)


def linear(rng: np.random.Generator) -> Case:
    n, m = rng.integers(1, 5, 2).tolist()
    x = numbers(rng, *shape(rng, 0, 2), n)
    fixed = {"weight": numbers(rng, m, n)[0], "bias": numbers(rng, m)[0]}
    oracle = lambda x, weight, bias: np.einsum("...j,kj->...k", x, weight) + bias  # noqa: E731
    return Case(op="linear", tensors={"x": x}, constants=fixed, oracle=oracle, rtol=1e-5)


def gather(rng: np.random.Generator) -> Case:
    x = numbers(rng, *shape(rng, 1, 3), dtype=dtype(rng, "float32", "int32"))
    axis = int(rng.integers(x.ndim - 1))
    at = rng.integers(0, x.shape[axis + 1], (3, *shape(rng, 1, 2))).astype(np.int32)
    oracle = lambda x, indices, axis: np.take(x, indices, axis)  # noqa: E731
    return Case(op="gather", tensors={"x": x, "indices": at}, constants={"axis": axis}, oracle=oracle)


def _along(rng: np.random.Generator) -> tuple[Array, Array, int]:
    x = numbers(rng, *shape(rng, 1, 3))
    axis = int(rng.integers(x.ndim - 1))
    at = np.argsort(rng.random(x.shape), axis=axis + 1)  # each place once
    few = int(rng.integers(1, x.shape[axis + 1] + 1))
    return x, np.take(at, range(few), axis=axis + 1).astype(np.int32), axis


def gather_along_axis(rng: np.random.Generator) -> Case:
    x, at, axis = _along(rng)
    oracle = lambda x, indices, axis: np.take_along_axis(x, indices, axis)  # noqa: E731
    return Case(op="gather_along_axis", tensors={"x": x, "indices": at}, constants={"axis": axis}, oracle=oracle)


def gather_nd(rng: np.random.Generator) -> Case:
    x = numbers(rng, *shape(rng, 2, 3))
    depth = int(rng.integers(1, x.ndim))
    at = np.stack([rng.integers(0, n, (3, 2, 3)) for n in x.shape[1 : depth + 1]], axis=-1).astype(np.int32)

    def oracle(x: Array, indices: Array) -> Any:
        return np.stack([np.stack([x[tuple(i)] for i in row]) for row in indices])

    return Case(op="gather_nd", tensors={"x": x, "indices": at}, oracle=oracle)


SCATTERS: Mapping[str, Callable[[Any, Any], Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "max": max, "min": min, "update": lambda _old, new: new,
}  # fmt: skip


def scatter_along_axis(rng: np.random.Generator) -> Case:
    x, at, axis = _along(rng)
    mode = dtype(rng, *SCATTERS)

    def oracle(data: Array, indices: Array, updates: Array, axis: int, mode: str) -> Any:
        changed = data.copy()
        for place in np.ndindex(indices.shape):
            to = (*place[:axis], int(indices[place]), *place[axis + 1 :])
            changed[to] = SCATTERS[mode](changed[to], updates[place])
        return changed

    tensors = {"data": x, "indices": at, "updates": numbers(rng, *at.shape[1:])}
    return Case(op="scatter_along_axis", tensors=tensors, constants={"axis": axis, "mode": mode}, oracle=oracle)


def scatter(rng: np.random.Generator) -> Case:
    data = numbers(rng, *shape(rng, 1, 3))
    axis, mode = int(rng.integers(data.ndim - 1)), dtype(rng, *SCATTERS)
    size = data.shape[axis + 1]
    few = int(rng.integers(1, size + 1))
    at = np.stack([rng.permutation(size)[:few] for _ in range(3)]).astype(np.int32)
    updates = numbers(rng, *data.shape[1 : axis + 1], few, *data.shape[axis + 2 :])

    def oracle(data: Array, indices: Array, updates: Array, axis: int, mode: str) -> Any:
        changed = np.moveaxis(data, axis, 0).copy()
        for k, to in enumerate(indices.tolist()):
            change = np.moveaxis(updates, axis, 0)[k]
            for place in np.ndindex(change.shape):
                changed[(to, *place)] = SCATTERS[mode](changed[(to, *place)], change[place])
        return np.moveaxis(changed, 0, axis)

    tensors = {"data": data, "indices": at, "updates": updates}
    return Case(op="scatter", tensors=tensors, constants={"axis": axis, "mode": mode}, oracle=oracle)


def scatter_nd(rng: np.random.Generator) -> Case:
    data, mode = numbers(rng, 4, 3), dtype(rng, "add", "update")
    at = np.stack([rng.permutation(4)[:2] for _ in range(3)])[..., None].astype(np.int32)

    def oracle(data: Array, indices: Array, updates: Array, mode: str) -> Any:
        changed = data.copy()
        for k, (to,) in enumerate(indices.tolist()):
            changed[to] = SCATTERS[mode](changed[to], updates[k])
        return changed

    tensors = {"data": data, "indices": at, "updates": numbers(rng, 2, 3)}
    return Case(op="scatter_nd", tensors=tensors, constants={"mode": mode}, oracle=oracle)


def one_hot(rng: np.random.Generator) -> Case:
    size = int(rng.integers(1, 6))
    at = rng.integers(0, size, (3, *shape(rng, 1, 2))).astype(np.int32)
    fixed = {"one_hot_vector_size": size, "on_value": np.float32(2.5), "off_value": np.float32(-1)}

    def oracle(indices: Array, one_hot_vector_size: int, on_value: Any, off_value: Any) -> Any:
        return np.where(np.eye(one_hot_vector_size)[indices] == 1, on_value, off_value)

    return Case(op="one_hot", tensors={"indices": at}, constants=fixed, oracle=oracle)


def _ordered(x: Array, axis: int, ascending: bool) -> Array:
    """Places of distinct numbers in order."""
    order = np.argsort(x, axis=axis)
    return order if ascending else np.flip(order, axis)


def _sortable(rng: np.random.Generator) -> tuple[Array, int, bool]:
    x = numbers(rng, *shape(rng, 1, 3))
    return x, int(rng.integers(-(x.ndim - 1), x.ndim - 1)), bool(rng.integers(2))


def argsort(rng: np.random.Generator) -> Case:
    x, axis, ascending = _sortable(rng)
    oracle = lambda x, axis, ascending: _ordered(x, axis, ascending).astype(np.int32)  # noqa: E731
    return Case(op="argsort", tensors={"x": x}, constants={"axis": axis, "ascending": ascending}, oracle=oracle)


def topk(rng: np.random.Generator) -> Case:
    x, axis, ascending = _sortable(rng)
    k = int(rng.integers(1, x.shape[axis if axis < 0 else axis + 1] + 1))

    def oracle(x: Array, k: int, axis: int, ascending: bool) -> Any:
        at = np.take(_ordered(x, axis, ascending), range(k), axis)
        return np.take_along_axis(x, at, axis), at.astype(np.int32)

    return Case(op="topk", tensors={"x": x}, constants={"k": k, "axis": axis, "ascending": ascending}, oracle=oracle)


def cumsum(rng: np.random.Generator) -> Case:
    x, axis, exclusive = _sortable(rng)
    axis, reverse = max(axis, -1), bool(rng.integers(2))  # coremltools knows no axis before the last by its end

    def oracle(x: Array, axis: int, exclusive: bool, reverse: bool) -> Any:
        def line(v: Array) -> list[float]:
            n = len(v)
            spans = [range(k + (not exclusive)) if not reverse else range(k + exclusive, n) for k in range(n)]
            return [float(sum(v[j] for j in span)) for span in spans]

        return np.apply_along_axis(line, axis, x.astype(np.float64))

    fixed = {"axis": axis, "exclusive": exclusive, "reverse": reverse}
    return Case(op="cumsum", tensors={"x": x}, constants=fixed, oracle=oracle, rtol=1e-5)


def one_of(op: str, make: Callable[[np.random.Generator, Array], dict[str, Any]], oracle: Any, low: int = 1) -> Draw:
    """An operation on the places of one tensor of any type."""

    def draw(rng: np.random.Generator) -> Case:
        x = numbers(rng, *shape(rng, low, 4 if op != "expand_dims" else 3), dtype=dtype(rng, "float32", "int32"))
        return Case(op=op, tensors={"x": x}, constants=make(rng, x[0]), oracle=oracle)

    return draw


def several(op: str, function: Callable[..., Any]) -> Draw:
    def draw(rng: np.random.Generator) -> Case:
        whole = list(shape(rng, 1, 3))
        axis = int(rng.integers(len(whole)))
        values = []
        for _ in range(int(rng.integers(2, 4))):
            own = whole.copy()
            own[axis] = int(rng.integers(1, 4)) if op == "concat" else own[axis]
            values.append(numbers(rng, *own))
        oracle = lambda values, axis: function(values, axis=axis)  # noqa: E731
        return Case(op=op, tensors={"values": values}, constants={"axis": axis}, oracle=oracle)

    return draw


def split(rng: np.random.Generator) -> Case:
    x = numbers(rng, 6, *shape(rng, 0, 2))
    fixed: dict[str, Any] = {"axis": 0} | ({"num_splits": 3} if rng.random() < 0.5 else {"split_sizes": [1, 3, 2]})

    def oracle(x: Array, axis: int, num_splits: int = 3, split_sizes: Any = None) -> Any:
        return np.split(x, num_splits if split_sizes is None else np.cumsum(split_sizes)[:-1], axis)

    return Case(op="split", tensors={"x": x}, constants=fixed, oracle=oracle)


def select(rng: np.random.Generator) -> Case:
    whole, kind = shape(rng), dtype(rng, "float32", "int32", "float16")
    tensors = {"cond": numbers(rng, *whole, dtype="bool"), **{n: numbers(rng, *whole, dtype=kind) for n in "ab"}}
    return Case(op="select", tensors=tensors, oracle=lambda cond, a, b: np.where(cond, a, b))


def cast(rng: np.random.Generator) -> Case:
    x = numbers(rng, *shape(rng), dtype=dtype(rng, "float32", "int32", "float16", "bool"), low=-9, high=9)
    name = dtype(rng, "fp32", "int32", "bool")

    def oracle(x: Array, dtype: str) -> Any:
        if dtype == "bool":
            return x != 0
        return np.trunc(x.astype(np.float64)).astype(np.int32) if dtype == "int32" else x.astype(np.float32)

    return Case(op="cast", tensors={"x": x}, constants={"dtype": name}, oracle=oracle)


def pad(rng: np.random.Generator) -> Case:
    x, mode = numbers(rng, 3, 4), dtype(rng, "constant", "reflect", "replicate")
    sides = rng.integers(0, 3, 4).tolist()
    fixed = {"pad": sides, "mode": mode, **({"constant_val": np.float32(1.5)} if mode == "constant" else {})}

    def oracle(x: Array, pad: list[int], mode: str, constant_val: float = 0) -> Any:
        at = [np.arange(-before, n + after) for n, before, after in zip(x.shape, pad[::2], pad[1::2], strict=True)]
        if mode == "reflect":
            at = [np.abs(n - 1 - np.abs(n - 1 - a)) for n, a in zip(x.shape, at, strict=True)]
        inside = [(a >= 0) & (a < n) for n, a in zip(x.shape, at, strict=True)]
        taken = x[np.ix_(*(np.clip(a, 0, n - 1) for n, a in zip(x.shape, at, strict=True)))]
        return np.where(np.logical_and.outer(*inside) | (mode != "constant"), taken, np.float32(constant_val))

    return Case(op="pad", tensors={"x": x}, constants=fixed, oracle=oracle)


def _sliced(rng: np.random.Generator, x: Array) -> dict[str, Any]:
    begin = [int(rng.integers(n)) for n in x.shape]
    end = [int(rng.integers(b + 1, n + 1)) for b, n in zip(begin, x.shape, strict=True)]
    return {"begin": begin, "end": end, "stride": rng.integers(1, 3, x.ndim).tolist()}


def _spans(x: Array, begin: list[int], end: list[int], stride: list[int]) -> Array:
    return x[tuple(slice(*span) for span in zip(begin, end, stride, strict=True))]


def _sized(rng: np.random.Generator, x: Array) -> dict[str, Any]:
    given = _sliced(rng, x)
    return {"begin": given["begin"], "size": [e - b for b, e in zip(given["begin"], given["end"], strict=True)]}


def _axes(rng: np.random.Generator, x: Array) -> dict[str, Any]:
    return {"axes": np.flatnonzero(rng.random(x.ndim) < 0.6).tolist() or [0]}


def _band(x: Array, lower: int, upper: int) -> Array:
    kept = np.tril(x, upper) if upper >= 0 else x
    return np.triu(kept, -lower) if lower >= 0 else kept


FLOATS, NUMBERS = ("float32", "float16"), ("float32", "float16", "int32")
ONES: Mapping[str, Draw] = {
    op: unary(op, function, low, high)
    for op, function, low, high in (
        ("acos", lambda x: np.arccos(x), -0.9, 0.9), ("asin", lambda x: np.arcsin(x), -0.9, 0.9),
        ("atan", lambda x: np.arctan(x), -3, 3), ("atanh", lambda x: np.arctanh(x), -0.9, 0.9),
        ("ceil", lambda x: np.ceil(x), -3, 3), ("cos", lambda x: np.cos(x), -3, 3),
        ("cosh", lambda x: np.cosh(x), -3, 3), ("erf", lambda x: special.erf(x), -3, 3),
        ("exp", lambda x: np.exp(x), -3, 3), ("exp2", lambda x: 2.0**x, -3, 3),
        ("floor", lambda x: np.floor(x), -3, 3), ("round", lambda x: np.round(x), -3, 3),
        ("sin", lambda x: np.sin(x), -3, 3), ("sinh", lambda x: np.sinh(x), -3, 3),
        ("sqrt", lambda x: np.sqrt(x), 0, 9), ("tan", lambda x: np.tan(x), -1, 1),
        ("tanh", lambda x: np.tanh(x), -3, 3), ("inverse", lambda x: 1 / (x + 1e-4), 0.2, 3),
        ("log", lambda x: np.log(x), 0.1, 9), ("rsqrt", lambda x: 1 / np.sqrt(x), 0.1, 9),
        ("relu", lambda x: np.where(x > 0, x, 0), -3, 3), ("relu6", lambda x: np.clip(x, 0, 6), -3, 9),
        ("sigmoid", lambda x: special.expit(x), -9, 9), ("silu", lambda x: x * special.expit(x), -9, 9),
        ("softplus", lambda x: np.log1p(np.exp(x)), -9, 9), ("softsign", lambda x: x / (1 + np.abs(x)), -9, 9),
        ("identity", lambda x: x, -9, 9),
    )
}  # fmt: skip
DRAWS: Mapping[str, Draw] = {
    **ONES,
    **{
        op: unary(op, function, whole=True)
        for op, function in (
            ("abs", lambda x: np.where(x < 0, -x, x)),
            ("sign", lambda x: (x > 0) * 1.0 - (x < 0)),
            ("square", lambda x: x * x),
        )
    },
    **{
        op: binary(op, function, *NUMBERS)
        for op, function in (
            ("add", lambda x, y: x + y),
            ("sub", lambda x, y: x - y),
            ("mul", lambda x, y: x * y),
            ("maximum", lambda x, y: np.where(x > y, x, y)),
            ("minimum", lambda x, y: np.where(x < y, x, y)),
            ("equal", lambda x, y: x == y),
            ("not_equal", lambda x, y: x != y),
            ("less", lambda x, y: x < y),
            ("less_equal", lambda x, y: x <= y),
            ("greater", lambda x, y: x > y),
            ("greater_equal", lambda x, y: x >= y),
        )
    },
    "real_div": binary("real_div", lambda x, y: x / y, *FLOATS, low=0.5),
    "floor_div": binary("floor_div", lambda x, y: np.floor(x / y), "float32", "int32", low=1, high=9),
    "mod": binary("mod", lambda x, y: x - y * np.floor(x / y), "int32", low=1, high=9),
    "pow": binary("pow", lambda x, y: np.exp(y * np.log(x)), "float32", low=0.2),
    **{
        op: binary(op, function, "bool")
        for op, function in (
            ("logical_and", lambda x, y: (x * y) != 0),
            ("logical_or", lambda x, y: (x + y) != 0),
            ("logical_xor", lambda x, y: x != y),
        )
    },
    "logical_not": lambda rng: Case(
        op="logical_not", tensors={"x": numbers(rng, *shape(rng), dtype="bool")}, oracle=lambda x: x == 0
    ),
    "clip": constants("clip", lambda x, alpha, beta: np.clip(x, alpha, beta), alpha=(-2, 0), beta=(0.5, 2)),
    "threshold": constants("threshold", lambda x, alpha: np.where(x > alpha, x, alpha), alpha=(-1, 1)),
    "leaky_relu": constants("leaky_relu", lambda x, alpha: np.where(x > 0, x, alpha * x), alpha=(0, 1)),
    "elu": constants("elu", lambda x, alpha: np.where(x > 0, x, alpha * (np.exp(x) - 1)), alpha=(0, 2)),
    "thresholded_relu": constants("thresholded_relu", lambda x, alpha: x * (x >= alpha), alpha=(0, 1)),
    "clamped_relu": constants(
        "clamped_relu",
        lambda x, alpha, beta: np.minimum(np.where(x > 0, x, alpha * x), beta),
        alpha=(0, 1),
        beta=(1, 3),
    ),
    "linear_activation": constants(
        "linear_activation", lambda x, alpha, beta: alpha * x + beta, alpha=(1, 2), beta=(9, 10)
    ),
    "scaled_tanh": constants(
        "scaled_tanh", lambda x, alpha, beta: alpha * np.tanh(beta * x), alpha=(1, 2), beta=(0.1, 1)
    ),
    "sigmoid_hard": constants(
        "sigmoid_hard", lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1), alpha=(0.1, 0.5), beta=(0.3, 0.7)
    ),
    "gelu": gelu,
    "softmax": softmax,
    "matmul": matmul,
    "linear": linear,
    "gather": gather,
    "gather_nd": gather_nd,
    "gather_along_axis": gather_along_axis,
    "scatter": scatter,
    "scatter_nd": scatter_nd,
    "one_hot": one_hot,
    "scatter_along_axis": scatter_along_axis,
    "argsort": argsort,
    "topk": topk,
    "cumsum": cumsum,
    "split": split,
    "select": select,
    "cast": cast,
    "pad": pad,
    "reduce_argmax": _place("reduce_argmax", max),
    "reduce_argmin": _place("reduce_argmin", min),
    **{
        f"reduce_{op}": reduction(f"reduce_{op}", function, *NUMBERS)
        for op, function in (
            ("max", np.max),
            ("min", np.min),
            ("sum", np.sum),
            ("prod", np.prod),
            ("l1_norm", lambda x, **k: np.abs(x).sum(**k)),
            ("sum_square", lambda x, **k: (x * x).sum(**k)),
        )
    },
    **{
        f"reduce_{op}": reduction(f"reduce_{op}", function, *FLOATS, low=0.5)
        for op, function in (
            ("mean", np.mean),
            ("l2_norm", lambda x, **k: (x * x).sum(**k) ** 0.5),
            ("log_sum", lambda x, **k: np.log(x.sum(**k))),
            ("log_sum_exp", lambda x, **k: special.logsumexp(x, **k)),
        )
    },
    "concat": several("concat", np.concatenate),
    "stack": several("stack", np.stack),
    "reshape": one_of("reshape", lambda rng, x: {"shape": [x.size, 1]}, lambda x, shape: x.reshape(shape)),
    "expand_dims": one_of(
        "expand_dims",
        lambda rng, x: {"axes": [int(rng.integers(x.ndim + 1))]},
        lambda x, axes: np.expand_dims(x, axes[0]),
    ),
    "squeeze": lambda rng: Case(
        op="squeeze",
        tensors={"x": numbers(rng, 2, 1, 3, 1)},
        constants={"axes": [1, -1][: int(rng.integers(1, 3))]},
        oracle=lambda x, axes: np.squeeze(x, tuple(axes)),
    ),
    "transpose": one_of(
        "transpose", lambda rng, x: {"perm": rng.permutation(x.ndim).tolist()}, lambda x, perm: x.transpose(perm)
    ),
    "tile": one_of(
        "tile", lambda rng, x: {"reps": rng.integers(1, 3, x.ndim).tolist()}, lambda x, reps: np.tile(x, reps)
    ),
    "reverse": one_of("reverse", _axes, lambda x, axes: np.flip(x, axes)),
    "flatten2d": one_of("flatten2d", lambda rng, x: {"axis": 1}, lambda x, axis: x.reshape(x.shape[0], -1), low=2),
    "slice_by_index": one_of("slice_by_index", _sliced, _spans),
    "slice_by_size": one_of(
        "slice_by_size",
        _sized,
        lambda x, begin, size: _spans(x, begin, [b + n for b, n in zip(begin, size, strict=True)], [1] * x.ndim),
    ),
    "shape": one_of("shape", lambda rng, x: {}, lambda x: np.array(x.shape, np.int32)),
    "band_part": one_of(
        "band_part", lambda rng, x: {"lower": int(rng.integers(-1, 2)), "upper": int(rng.integers(-1, 2))}, _band, low=2
    ),
}
"""Every operation with a tensor that is known, by name."""


def drawn(seed: int, each: int) -> list[Case]:
    """Cases of every operation, no two of one name."""
    rng = np.random.default_rng(seed)
    cases = {case.name: case for draw in DRAWS.values() for case in (draw(rng) for _ in range(each))}
    return list(cases.values())
