"""Models that MLflow keeps as ONNX: data too, which runs no code when read. ONNX Runtime answers for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from edgepack.errors import SourceError

if TYPE_CHECKING:
    import numpy as np

FLAVOR = "onnx"


class OnnxModel:
    """An ONNX model that takes one table of numbers and answers rows as estimators do.

    Attributes:
        model: the serialized model, whole: no tensor of it lies in another file.
        n_features_in_: how many columns the table has.
        outputs: `(name, width)` by the method that they answer. `predict`: the first output of numbers;
            `predict_proba`: the floating table beside a label of whole numbers, if there is one.
        dtype: the type in which the model takes numbers.
    """

    def __init__(self, model: bytes, features: int, outputs: dict[str, tuple[str, int]], dtype: str) -> None:
        """Loads the model into ONNX Runtime, which raises its own errors for one that it does not run."""
        import onnxruntime

        self.model = model
        self.n_features_in_ = features
        self.outputs = outputs
        self.dtype = dtype
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        if "predict_proba" in outputs:
            self.predict_proba = partial(self._asked, "predict_proba")

    def predict(self, rows: Any) -> np.ndarray[Any, Any]:
        """The first output: `(rows,)` or `(rows, width)`."""
        return self._asked("predict", rows)

    def _asked(self, method: str, rows: Any) -> np.ndarray[Any, Any]:
        import numpy as np

        with np.errstate(over="ignore"):  # beyond float32 is infinite, as in the artifact
            given = np.asarray(rows, np.float64).astype(self.dtype)
        answer: np.ndarray[Any, Any] = self._session.run([self.outputs[method][0]], {self._input: given})[0]
        return answer


def read_onnx(content: bytes, part: Callable[[str], bytes]) -> OnnxModel:
    """The model in a file; `part` gives the bytes of a file beside it, in which it keeps its large tensors.

    Raises:
        SourceError: not one table of numbers in, or no numbers out.
    """
    try:
        import onnx
    except ImportError as error:
        raise SourceError("onnx is not installed, which reads this model; pip install onnx") from error
    model = onnx.load_model_from_string(content)
    for tensor in _tensors(model.graph, *model.functions):
        _bring_in(tensor, part)
    constants = {tensor.name for tensor in model.graph.initializer}
    taken = [value for value in model.graph.input if value.name not in constants]
    dtypes = {onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.DOUBLE: "float64"}
    dtype, features = _shape_of(taken[0])[0] if len(taken) == 1 else None, _width(taken[0]) if taken else None
    if dtype not in dtypes or features is None or len(_shape_of(taken[0])[1]) != 2:
        names = ", ".join(value.name for value in taken) or "nothing"
        raise SourceError(f"the ONNX model takes {names}; give it one input (rows, columns) of float32 or float64")
    whole = {onnx.TensorProto.INT64, onnx.TensorProto.INT32}
    return OnnxModel(model.SerializeToString(), features, _outputs(model, set(dtypes), whole), dtypes[dtype])


def _outputs(model: Any, floating: set[int], whole: set[int]) -> dict[str, tuple[str, int]]:
    """What answers which method."""
    known = [(value.name, _shape_of(value)[0], _width(value)) for value in model.graph.output]
    fitting = [(name, kind, width) for name, kind, width in known if width is not None and kind in floating | whole]
    if not fitting:
        names = ", ".join(name for name, _, _ in known)
        raise SourceError(
            f"the ONNX model gives {names}, no tensor of numbers of a fixed width; convert it with zipmap=False and "
            "labels that are whole numbers"
        )
    name, kind, width = fitting[0]
    outputs = {"predict": (name, width)}
    scores = [(other, wide) for other, its, wide in fitting[1:] if its in floating and wide > 1]
    if kind in whole and len(scores) == 1:
        outputs["predict_proba"] = scores[0]
    return outputs


def _shape_of(value: Any) -> tuple[int, list[int]]:
    """The element type (0 for what is no tensor) and the dimensions, 0 where open."""
    kind = value.type.tensor_type
    return kind.elem_type, [dim.dim_value for dim in kind.shape.dim]


def _width(value: Any) -> int | None:
    """How many numbers a row has; None where that is open, or where there are no rows."""
    match _shape_of(value)[1]:
        case [_]:
            return 1
        case [_, width] if width > 0:
            return int(width)
    return None


def _tensors(*graphs: Any) -> Iterator[Any]:
    """Every tensor of graphs and functions, those of their nodes and of graphs inside these included."""
    for graph in graphs:
        sparse = list(getattr(graph, "sparse_initializer", ()))
        yield from getattr(graph, "initializer", ())
        for attribute in (a for node in graph.node for a in node.attribute):
            sparse += [attribute.sparse_tensor, *attribute.sparse_tensors]
            yield from (attribute.t, *attribute.tensors)
            yield from _tensors(attribute.g, *attribute.graphs)
        yield from (tensor for one in sparse for tensor in (one.values, one.indices))


def _bring_in(tensor: Any, part: Callable[[str], bytes]) -> None:
    """A tensor's bytes into the model itself, from a file beside it, none but those that the lineage holds."""
    import onnx

    if tensor.data_location != onnx.TensorProto.EXTERNAL:
        return
    where = {entry.key: entry.value for entry in tensor.external_data}
    content, start = part(where["location"]), int(where.get("offset", 0))
    tensor.raw_data = content[start : start + int(where.get("length", len(content) - start))]
    tensor.data_location = onnx.TensorProto.DEFAULT
    del tensor.external_data[:]
