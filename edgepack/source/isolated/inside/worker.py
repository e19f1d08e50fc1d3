"""Reads a model in the model's own environment, confined, and answers for it.

Run as `python -I worker.py FOLDER FRAMES CODE`: the folder that it may write in, the file of the frames
(`edgepack/runtimes/worker.py`), and what MLflow kept of the model's own code. Over standard input and output:

1. It says where it runs: `{"python", "confined"}`; `confined` is empty, or why it is not.
2. It is sent `{"read": "pickle" | "joblib" | "skops", "trusted": […]}` with the model's bytes, and gives back the
   estimator as `flatten` writes it.
3. From then on each frame asks a method about rows: `{"ask", "form", "names"}`.

What goes wrong with the model is a frame `{"error": …}`.
"""

from __future__ import annotations

import contextlib
import os
import resource
import runpy
import sys
import warnings
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LARGEST_FILE_BYTES = 1 << 28
DEVICES = ["/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices", "/dev/urandom"]
SYSTEM = ["/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime"]


def main(folder: str, frames_file: str, code: str) -> None:
    """Serves until its input ends."""
    confine = runpy.run_path(str(HERE / "confine.py"))["confine"]
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a model prints is no frame
    os.chdir(folder)
    _limit()
    own = [str(HERE), *filter(None, sys.path), sys.prefix, sys.base_prefix]
    reason = confine(folder, [frames_file, code, *own, *SYSTEM, *DEVICES])
    frames = runpy.run_path(frames_file)  # NumPy comes only now: its threads shall be confined too
    flatten = runpy.run_path(str(HERE / "flatten.py"))["flatten"]
    read_frame, write_frame = frames["read_frame"], frames["write_frame"]
    write_frame(out, {}, python=sys.version.split()[0], confined=reason)
    with contextlib.suppress(Exception):  # then reading a model says so
        import sklearn.base  # noqa: F401  (while edgepack is still importing its own)
    sys.path.append(code)
    estimator = None
    while True:
        try:
            header, tensors = read_frame(sys.stdin.buffer)
        except EOFError:
            return
        try:
            if "read" in header:
                estimator = _read(header, tensors["model"].tobytes())
                table, tensors = flatten(estimator)
                answer = {"estimator": table, "sklearn": str(sys.modules["sklearn"].__version__)}
            else:
                tensors, answer = _ask(estimator, header, tensors), {}
        except MemoryError:
            write_frame(out, {}, error="MemoryError: it needs more memory than it may have")
        except Exception as error:  # a model may raise anything
            write_frame(out, {}, error=f"{type(error).__name__}: {' '.join(str(error).split())}"[:500])
        else:
            write_frame(out, tensors, **answer)


def _limit() -> None:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 4
    limits = {
        resource.RLIMIT_AS: max(memory, 4 << 30),
        resource.RLIMIT_FSIZE: LARGEST_FILE_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):  # macOS refuses some
            continue


def _read(header: dict[str, Any], content: bytes) -> Any:
    import sklearn  # noqa: F401  (its version is told, whatever the model is)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if header["read"] == "skops":
            import skops.io

            return skops.io.loads(content, trusted=header["trusted"])
        if header["read"] == "joblib":
            import io

            import joblib  # type: ignore[import-untyped]

            return joblib.load(io.BytesIO(content))
        import pickle

        return pickle.loads(content)


def _ask(estimator: Any, header: dict[str, Any], tensors: dict[str, Any]) -> dict[str, Any]:
    import joblib
    import numpy as np

    rows = _rows(header, tensors)
    # steps with `n_jobs` use threads: there are no further processes to be had
    with warnings.catch_warnings(), np.errstate(all="ignore"), joblib.parallel_backend("threading"):
        warnings.simplefilter("ignore")
        answer = getattr(estimator, header["ask"])(rows)
    parts = answer if isinstance(answer, list) else [answer]
    return {str(k): np.asarray(part.toarray() if hasattr(part, "toarray") else part) for k, part in enumerate(parts)}


def _rows(header: dict[str, Any], tensors: dict[str, Any]) -> Any:
    columns = [tensors[str(k)] for k in range(len(tensors))]
    if header["form"] != "table":
        return columns[0]
    import pandas as pd

    names = header["names"]
    return pd.DataFrame({name: columns[k] for k, name in enumerate(names)}, columns=names)


if __name__ == "__main__":
    main(*sys.argv[1:4])
