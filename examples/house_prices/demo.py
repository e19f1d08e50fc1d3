"""Run the whole walk: train, export, verify, check parity, time, report, write packages. This is `make demo`.

Each command is printed before it runs and can be pasted into a shell in the checkout. The bundle lands in
`dist/house-prices-1/`, the packages for apps beside it (`dist/house-prices-web/`, …); everything else (MLflow's store,
the key) in `build/demo/`, which starts empty every time.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = Path("build/demo")
BUNDLE = Path("dist/house-prices-1")
REPORT = Path("dist/house-prices-1.report.html")
PLATFORMS = (("coreml", "ios"), ("onnx", "android"), ("onnx", "web"))
STORE = f"sqlite:///{WORK / 'mlflow.db'}"


def targets() -> list[str]:
    """Return the targets that this machine can emit: Core ML needs coremltools, which Linux on arm64 does not have."""
    found = ["onnx"]
    if importlib.util.find_spec("coremltools") is None:
        print("coremltools is not installed: this demo leaves Core ML out")
    else:
        found.append("coreml")
    return found


def run(*command: str, folder: Path = Path()) -> None:
    """Print a command as a user would type it, then run it; end the demo with its exit code if it fails."""
    line = shlex.join(command)
    print(f"\n$ {line}" if folder == Path() else f"\n$ (cd {folder} && {line})", flush=True)
    scripts = str(Path(sys.executable).parent)
    # The demo's own store, whatever the shell says: training makes it, MLflow's default, in the folder it runs in.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    environment["PATH"] = os.pathsep.join([scripts, environment.get("PATH", "")])
    environment["MLFLOW_LOGGING_LEVEL"] = "WARNING"
    if folder == Path():
        environment["MLFLOW_TRACKING_URI"] = STORE
    code = subprocess.run(command, cwd=ROOT / folder, env=environment, check=False).returncode
    if code != 0:
        sys.exit(code)


def show_files() -> None:
    """Print the bundle's files with their sizes."""
    print(f"\n{BUNDLE}/")
    for path in sorted((ROOT / BUNDLE).rglob("*")):
        if path.is_file():
            print(f"  {path.relative_to(ROOT / BUNDLE)!s:44}{path.stat().st_size:>12,} bytes")
    print(f"Key to verify with: {WORK / 'key.pub'}")


def main() -> None:
    """Run every step in order."""
    work = ROOT / WORK
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    key, public = str(WORK / "key.pem"), str(WORK / "key.pub")
    chosen = [word for target in targets() for word in ("--target", target)]

    train = Path("../..") / Path(__file__).resolve().with_name("train.py").relative_to(ROOT)
    run("python", str(train), folder=WORK)
    print(f"\n$ export MLFLOW_TRACKING_URI={STORE}")
    run("edgepack", "keygen", "--out", key)
    model = "models:/house-prices@champion"
    run("edgepack", "export", model, *chosen, "--out", "dist", "--sign-key", key, "--overwrite")
    run("edgepack", "verify", str(BUNDLE), "--key", public)
    run("edgepack", "parity", str(BUNDLE))
    platforms = [word for target, name in PLATFORMS if target in chosen for word in ("--platform", name)]
    run("edgepack", "sdk", str(BUNDLE), *platforms, "--overwrite")
    show_files()
    bench = str(WORK / "bench.json")
    run("edgepack", "bench", str(BUNDLE), "--serve", "--network", "lte", "--out", bench)
    run("edgepack", "report", str(BUNDLE), "--bench", bench, "--key", public, "--out", str(REPORT))
    print(f"Open {(ROOT / REPORT).as_uri()}")


if __name__ == "__main__":
    main()
