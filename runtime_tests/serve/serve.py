"""Runs models for another process: a JSON document per line in and out. Needs numpy and onnxruntime alone.

The packing of tensors is that of `runtime_tests/session.py`, which this file cannot import: it runs in other Pythons.
"""

import base64
import json
import platform
import sys

import numpy as np
import onnxruntime


def unpacked(tensor):
    if tensor["type"] == "string":
        return np.array(tensor["data"], object).reshape(tensor["dims"])
    return np.frombuffer(base64.b64decode(tensor["data"]), tensor["type"]).reshape(tensor["dims"])


def packed(array):
    x = np.asarray(array)
    if x.dtype.kind in "OU":
        return {"type": "string", "dims": list(x.shape), "data": x.ravel().tolist()}
    return {"type": str(x.dtype), "dims": list(x.shape), "data": base64.b64encode(x.tobytes()).decode()}


def main():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = None
    print(json.dumps({"runtime": f"onnxruntime {onnxruntime.__version__} {platform.machine()}"}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "model" in request:
                model = base64.b64decode(request["model"])
                session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
                result = None
            else:
                names = [output.name for output in session.get_outputs()]
                answers = session.run(names, {name: unpacked(t) for name, t in request["feed"].items()})
                result = {name: packed(x) for name, x in zip(names, answers, strict=True)}
            print(json.dumps({"result": result}), flush=True)
        except Exception as error:
            print(json.dumps({"error": " ".join(str(error).split())[:300]}), flush=True)


main()
