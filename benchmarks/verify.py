"""A large bundle: `edgepack verify` beside `openssl dgst -sha256` over the same files, in turn, in one run.

python -m benchmarks.verify [--mib 1024] [--rounds 5]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from edgepack.bundle.keys import generate_key, load_private_key, load_public_key
from edgepack.bundle.seal import seal_bundle
from edgepack.bundle.verify import verify_bundle
from edgepack.contract import Artifact, Input, Interface

PEAK = """
import resource, sys
from pathlib import Path
from edgepack.bundle.keys import load_public_key
from edgepack.bundle.verify import verify_bundle
verify_bundle(Path(sys.argv[1]), [load_public_key(Path(sys.argv[2]))])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def signed_bundle(folder: Path, mib: int) -> tuple[Path, Path]:
    """A bundle with an artifact of this size, and the public key."""
    folder.mkdir()
    private, public = generate_key(folder / "key.pem")
    weights = folder / "model.onnx"
    with weights.open("wb") as file:
        for _ in range(mib):
            file.write(os.urandom(1 << 20))
    bundle = seal_bundle(
        folder / "large",
        name="large",
        version=1,
        interface=Interface(inputs=(Input(name="x", kind="number"),), outputs=("value",)),
        uri="",
        lineage={},
        artifacts=[Artifact(target="onnx", path=weights, format="ONNX", min_runtime="")],
        columns={"x": np.zeros((1, 1))},
        answers={"value": np.zeros(1)},
        verdicts=[],
        tools={},
        key=load_private_key(private),
    )
    weights.unlink()
    return bundle.path, public


def seconds(call: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def peak_mib(bundle: Path, public: Path) -> float:
    """The peak memory of a process that verifies the bundle."""
    done = subprocess.run([sys.executable, "-c", PEAK, bundle, public], capture_output=True, text=True, check=True)
    return int(done.stdout) / (1024 if sys.platform == "linux" else 1 << 20)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bundle, public = signed_bundle(Path(scratch) / "large", options.mib)
        small, small_public = signed_bundle(Path(scratch) / "small", 1)
        files = [path for path in bundle.rglob("*") if path.is_file()]
        keys = [load_public_key(public)]
        command = ["openssl", "dgst", "-sha256", *files]
        times: dict[str, list[float]] = {"openssl dgst -sha256": [], "hashlib": [], "edgepack verify": []}
        for _ in range(options.rounds + 1):  # the first round warms the file cache
            times["openssl dgst -sha256"].append(
                seconds(lambda: subprocess.run(command, capture_output=True, check=True))
            )
            times["edgepack verify"].append(seconds(lambda: verify_bundle(bundle, keys)))
            times["hashlib"].append(seconds(lambda: [_hashed(path) for path in files]))
        table = Table(title=f"A signed bundle of {options.mib} MiB, files cached (host)", title_justify="left")
        for heading in ("what", "seconds", "MiB/s", "of openssl's speed"):
            table.add_column(heading, justify="left" if heading == "what" else "right")
        medians = {what: statistics.median(each[1:]) for what, each in times.items()}
        for what, median in medians.items():
            ratio = medians["openssl dgst -sha256"] / median
            table.add_row(what, f"{median:.2f}", f"{options.mib / median:,.0f}", f"{ratio:.0%}")
        console = Console()
        console.print(table)
        console.print(
            f"peak memory of a process that verifies it: {peak_mib(bundle, public):.0f} MiB; "
            f"of one that verifies a bundle of 1 MiB: {peak_mib(small, small_public):.0f} MiB"
        )


def _hashed(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
