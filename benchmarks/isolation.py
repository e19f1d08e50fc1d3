"""What an environment of its own costs an export that is warm: `edgepack export --env …` of the same pickles, in turn.

python -m benchmarks.isolation [--rounds 5] [--rows 20000]
"""

from __future__ import annotations

import argparse
import json
import pickle
import platform
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import houses

ENVS = ("current", "auto", "isolated")
COMMAND = (sys.executable, "-c", "from edgepack.cli import main; main()", "export", "--allow-pickle", "--overwrite")


def saved(case: houses.Case, folder: Path) -> Path:
    """A folder as MLflow writes it: the pipeline as a pickle, an example, and this environment's versions."""
    folder.mkdir(parents=True)
    (folder / "model.pkl").write_bytes(pickle.dumps(case.estimator))
    (folder / "input_example.json").write_text(case.rows[:10].to_json(orient="split", index=False))
    packages = ("numpy", "pandas", "scikit-learn", "scipy")
    (folder / "requirements.txt").write_text("\n".join(f"{name}=={version(name)}" for name in packages))
    flavor = {
        "pickled_model": "model.pkl",
        "serialization_format": "pickle",
        "sklearn_version": version("scikit-learn"),
    }
    description = {
        "flavors": {"sklearn": flavor, "python_function": {"python_version": platform.python_version()}},
        "saved_input_example_info": {"artifact_path": "input_example.json", "type": "dataframe"},
    }
    (folder / "MLmodel").write_text(json.dumps(description))
    return folder


def export_s(model: Path, env: str, rows: int) -> tuple[float, float]:
    """Seconds of a clock and of processors, of the export and its worker. Raises `RuntimeError` where it fails."""
    words = [*COMMAND, str(model), "--env", env, "--rows", str(rows), "--out", str(model.parent / "dist")]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True)
    wall_s, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{model.name}, --env {env}: {done.stderr.strip()[-500:]}")
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def isolation_table(rounds: int, rows: int) -> Table:
    """The shortest of some exports per model and `--env`, and what it takes above `--env current`."""
    title = f"Export to ONNX, {rows:,} boundary rows, warm: the shortest of {rounds}, in turn"
    table = Table(title=title, title_justify="left")
    for heading in ("pipeline", "--env", "wall s", "CPU s", "wall above", "CPU above"):
        table.add_column(heading, justify="left" if heading in ("pipeline", "--env") else "right")
    with tempfile.TemporaryDirectory(prefix="edgepack-") as scratch:
        for number, case in enumerate(houses.cases()):
            model = saved(case, Path(scratch) / f"case{number}" / "model")
            export_s(model, "isolated", 100)  # makes the environment, where it is not there yet
            found = [{env: export_s(model, env, rows) for env in ENVS} for _ in range(rounds)]
            least = {env: [min(seconds) for seconds in zip(*(one[env] for one in found), strict=True)] for env in ENVS}
            for env in ENVS:
                above = ["", ""] if env == "current" else _above(least[env], least["current"])
                name = case.name if env == ENVS[0] else ""
                table.add_row(name, env, *(f"{seconds:.2f}" for seconds in least[env]), *above)
    return table


def _above(seconds: list[float], beside: list[float]) -> list[str]:
    return [f"{a - b:+.2f}" for a, b in zip(seconds, beside, strict=True)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.isolation", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=20_000, help="about how many boundary rows parity compares")
    arguments = parser.parse_args()
    Console(width=140).print(isolation_table(arguments.rounds, arguments.rows))


if __name__ == "__main__":
    main()
