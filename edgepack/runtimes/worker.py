"""The other end of a `ProcessSession` in Python, and the frames that both ends speak.

It is run by interpreters that do not have edgepack: the standard library, NumPy and ONNX Runtime are all it imports.

A frame is four bytes (the header's length, little-endian), a JSON header and the tensors' bytes. The header is
`{"tensors": [{"name": …, "dtype": "float32", "shape": […], "bytes": …}], …}`; a `string` tensor's bytes are JSON.
"""

from __future__ import annotations

import json
import platform
import struct
import sys
from typing import IO, Any

import numpy as np

LONGEST_HEADER = 1 << 30


def write_frame(stream: IO[bytes], tensors: dict[str, Any], **header: Any) -> None:
    """Writes named arrays and whatever else the header holds."""
    listed, parts = [], []
    for name, array in tensors.items():
        array = np.asarray(array)
        text = array.dtype.kind in "OU"
        part = json.dumps(array.ravel().tolist()).encode() if text else np.ascontiguousarray(array).tobytes()
        dtype = "string" if text else array.dtype.name
        listed.append({"name": name, "dtype": dtype, "shape": list(array.shape), "bytes": len(part)})
        parts.append(part)
    head = json.dumps({**header, "tensors": listed}).encode()
    stream.write(struct.pack("<I", len(head)) + head + b"".join(parts))
    stream.flush()


def read_frame(stream: IO[bytes], most_bytes: int = 1 << 40) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the arrays of the next frame.

    Raises `EOFError` where the stream ends, `ValueError` for a frame of more than `most_bytes`.
    """
    (length,) = struct.unpack("<I", _exactly(stream, 4))
    if length > min(most_bytes, LONGEST_HEADER):
        raise ValueError("a header that is too long")
    header = json.loads(_exactly(stream, length))
    tensors = {}
    for told in header.pop("tensors"):
        most_bytes -= told["bytes"]
        if most_bytes < 0:
            raise ValueError("a frame that is too long")
        part = _exactly(stream, told["bytes"])
        if told["dtype"] == "string":
            array = np.array(json.loads(part), dtype=object)
        else:
            array = np.frombuffer(part, told["dtype"])
        tensors[told["name"]] = array.reshape(told["shape"])
    return header, tensors


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = stream.read(count - len(data))
        if not more:
            raise EOFError("the stream ended within a frame")
        data += more
    return data


def main(path: str) -> None:
    """Loads a model, says what runs it, and answers frames until the stream ends."""
    import onnxruntime

    runtime = f"onnxruntime {onnxruntime.__version__} {platform.machine()}"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    out = sys.stdout.buffer
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the binding raises a dozen unrelated types
        write_frame(out, {}, runtime=runtime, error=" ".join(f"does not load it: {error}".split()))
        return
    write_frame(out, {}, runtime=runtime)
    while True:
        try:
            header, feed = read_frame(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answers = session.run(header["outputs"], feed)
        except Exception as error:
            write_frame(out, {}, error=" ".join(str(error).split()))
        else:
            write_frame(out, dict(zip(header["outputs"], answers, strict=True)))


if __name__ == "__main__":
    main(sys.argv[1])
