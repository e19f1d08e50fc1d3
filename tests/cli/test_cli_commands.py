"""Every command as a user types it, on a real registry, with its exit code."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import edgepack as edgepack_package


def test_export_writes_a_bundle_with_both_artifacts_and_passing_verdicts(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert {a["target"] for a in manifest["artifacts"]} == {"onnx", "coreml"}
    assert {v["status"] for v in manifest["verdicts"]} <= {"measured", "proved"}
    assert all(v["rows"] > 500 for v in manifest["verdicts"])
    assert manifest["source"]["uri"] == "models:/trips/1"
    assert manifest["source"]["lineage"]["run"]["run_id"]
    assert (bundle / "model.sig").is_file()


def test_verify_accepts_the_bundle_and_names_it(edgepack: Any, bundle: Path) -> None:
    done = edgepack("verify", bundle, "--key", "key.pub", "--min-version", 1, "--expect-name", "trips")
    assert (done.code, done.err) == (0, "")
    assert "trips version 1" in done.out


@pytest.mark.parametrize("name", ["onnx/model.onnx", "golden.json", "manifest.json", "model.sig"])
def test_one_changed_byte_fails_verify_with_6_and_names_the_file(
    edgepack: Any, bundle: Path, tmp_path: Path, name: str
) -> None:
    copy = shutil.copytree(bundle, tmp_path / bundle.name)
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    done = edgepack("verify", copy, "--key", "key.pub")
    assert done.code == 6
    assert name in done.err
    assert len(done.err.splitlines()) == 1


def test_python_m_edgepack_is_edgepack(bundle: Path) -> None:
    words = [sys.executable, "-m", "edgepack", "verify", str(bundle), "--key", "nothing.pub"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert "nothing.pub" in done.stderr


@pytest.mark.parametrize(("option", "value"), [("--min-version", 2), ("--expect-name", "others")])
def test_verify_refuses_an_older_version_and_another_name(
    edgepack: Any, bundle: Path, option: str, value: object
) -> None:
    assert edgepack("verify", bundle, "--key", "key.pub", option, value).code == 6


def test_parity_passes_and_writes_junit_and_markdown(edgepack: Any, bundle: Path, tmp_path: Path) -> None:
    junit, markdown = tmp_path / "junit.xml", tmp_path / "parity.md"
    done = edgepack("parity", bundle, "--rows", 1000, "--junit", junit, "--markdown", markdown, "--data", "rows.csv")
    assert done.code == 0, done.err
    suite = ElementTree.parse(junit).getroot()
    assert len(suite.findall(".//testcase")) == 2
    assert not suite.findall(".//failure")
    assert "| onnx |" in markdown.read_text()


def test_parity_without_the_registry_compares_golden_rows_or_says_how(
    edgepack: Any, bundle: Path, tmp_path: Path
) -> None:
    assert edgepack("parity", bundle, "--golden", cwd=tmp_path).code == 0
    done = edgepack("parity", bundle, cwd=tmp_path)
    assert done.code == 3
    assert "mlflow.db" in done.err


def test_parity_fails_with_5_when_the_artifact_answers_something_else(
    edgepack: Any, bundle: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(bundle, tmp_path / bundle.name)
    golden = json.loads((copy / "golden.json").read_text())
    answers = golden["rows"][0]["answers"]
    answers["label"] = "no" if answers["label"] == "yes" else "yes"
    (copy / "golden.json").write_text(json.dumps(golden))
    _reseal(copy)
    done = edgepack("parity", copy, "--golden")
    assert done.code == 5
    assert "label" in done.err


def test_the_self_test_finds_every_planted_mistake(edgepack: Any, bundle: Path) -> None:
    done = edgepack("parity", bundle, "--self-test", "--rows", 2000, "--json")
    assert done.code == 0, done.err
    document = done.json()
    assert document["passed"]
    assert {trial["target"] for trial in document["trials"]} == {"onnx", "coreml"}
    assert {trial["outcome"] for trial in document["trials"]} == {"caught", "equivalent"}
    assert document["sampled_miss_rate"] > 0


def test_predict_gives_the_servers_labels_as_csv_and_json(edgepack: Any, bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers.csv"
    done = edgepack("predict", bundle, "--input", "rows.csv", "--output", out)
    assert done.code == 0, done.err
    rows = list(csv.DictReader(out.open()))
    assert set(rows[0]) == {"label", "probability[no]", "probability[yes]"}
    document = edgepack("predict", bundle, "--input", "rows.csv", "--target", "coreml", "--json").json()
    assert document["label"] == [row["label"] for row in rows]
    assert np.allclose([float(r["probability[yes]"]) for r in rows], np.array(document["probabilities"])[:, 1])


def test_python_opens_the_bundle_and_runs_rows_in_every_form(bundle: Path) -> None:
    runner = edgepack_package.Bundle.open(bundle).runner("onnx")
    rows = {"age": [30.0, None], "fare": [10.0, 20.0], "city": ["rome", None]}
    answers = runner.run(rows)
    assert answers["label"].shape == (2,)
    assert answers["probabilities"].shape == (2, 2)


def test_report_and_diff_of_a_bundle(edgepack: Any, bundle: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = edgepack("report", bundle, "--key", "key.pub", "--previous", bundle, "--out", page, "--json")
    assert done.code == 0, done.err
    document = done.json()
    assert document["signature"]["state"] == "verified"
    assert {verdict["target"] for verdict in document["verdicts"]} == {"onnx", "coreml"}
    assert page.read_text().startswith("<!doctype html>")
    assert edgepack("report", bundle, "--out", bundle / "again.html").code == 2
    assert edgepack("report", bundle, "--bench", bundle / "manifest.json", "--out", page).code == 2
    found = edgepack("diff", bundle, bundle, "--json").json()
    assert found["interface"] == found["lineage"] == []
    assert {change["label_changes"] for change in found["answers"]} == {0}


def test_inspect_shows_a_bundle_and_a_models_program(edgepack: Any, bundle: Path) -> None:
    assert "models:/trips/1" in edgepack("inspect", bundle).out
    text = edgepack("inspect", "models:/trips@champion", "--program").out
    assert "Forest(" in text
    assert "Affine" not in text
    assert "Affine" in edgepack("inspect", bundle, "--program", "--lowered").out


def test_check_lists_every_problem_with_its_step_and_exits_4(edgepack: Any, registry: Path) -> None:
    done = edgepack("check", "models:/odd/1", "--target", "coreml")
    assert done.code == 4
    assert "dummyclassifier → DummyClassifier" in done.err
    assert "Traceback" not in done.err
    steps = edgepack("check", "models:/odd/1", "--json").json()["steps"]
    assert [set(step["status"].values()) for step in steps] == [{"not checked"}] * 4 + [{"unsupported"}]
    assert edgepack("check", "models:/odd/1").out.count("unsupported") == 2


def test_check_tells_what_each_target_makes_of_each_step(edgepack: Any, registry: Path) -> None:
    fine = edgepack("check", "models:/trips/1", "--json").json()
    assert (fine["supported"], fine["targets"], fine["problems"]) == (True, ["onnx", "coreml"], [])
    assert [step["step"].split(" → ")[-1] for step in fine["steps"]] == [
        "SimpleImputer", "StandardScaler", "SimpleImputer", "OneHotEncoder", "RandomForestClassifier",
    ]  # fmt: skip
    assert all(step["status"] == {"onnx": "supported", "coreml": "supported"} for step in fine["steps"])


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("export", "models:/trips@champio"), 3, "champion"),
        (("export", "models:/trip/1"), 3, "trips"),
        (("export", "models:/trips/7"), 3, "no version 7"),
        (("export", "nowhere"), 3, "no such folder"),
        (("export", "models:/trips/1", "--target", "onx"), 2, "onx: no such target"),
        (("export", "models:/trips/1"), 2, "--overwrite"),
        (("export", "models:/trips/1", "--data", "none.csv"), 2, "none.csv"),
        (("export", "models:/trips/1", "--out", "key.pub"), 2, "key.pub: is a file"),
        (("demo", "--out", "key.pub"), 2, "key.pub: no folder can be made there"),
        (("demo", "--out", "key.pub/demo"), 2, "key.pub/demo: no folder can be made there"),
        (("export", "models:/trips/1", "--sign-key", "none.pem"), 2, "none.pem"),
        (("export", "models:/trips/1", "--sign-public", "key.pub"), 2, "key.pub: nothing is signed with it"),
        (("export", "models:/trips/1", "--identity-token", "token"), 2, "token: nothing is signed with it"),
        (("export", "models:/trips/1", "--expires", "2020-01-01"), 2, "2020-01-01: 2020-01-01T00:00:00Z is past"),
        (("verify", "nowhere", "--key", "key.pub"), 2, "nowhere"),
        (("verify", "dist/trips-1", "--key", "key.pub", "--alias", "champion"), 2, "--alias champion: only the reg"),
        (("parity", "nowhere"), 2, "nowhere"),
        (("predict", "dist/trips-1", "--input", "none.csv"), 2, "none.csv"),
        (("predict", "dist/trips-1", "--input", "rows.csv", "--target", "litert"), 2, "litert"),
        (("keygen", "--out", "key.pem"), 2, "key.pem"),
        (("bench", "dist/trips-1", "--serve", "--server", "http://x"), 2, "choose one"),
        (("bench", "dist/trips-1", "--out", "bench.txt"), 2, "bench.txt: suffix '.txt' is not known"),
    ],
)
def test_a_users_mistake_is_one_line_and_its_own_exit_code(
    edgepack: Any, bundle: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    done = edgepack(*words)
    assert done.code == code, done.err
    assert says in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_demo_needs_nothing_and_gives_a_verified_bundle(edgepack: Any, tmp_path: Path) -> None:
    done = edgepack("demo", "--target", "onnx", "--target", "coreml", cwd=tmp_path)
    assert done.code == 0, done.err
    folder = tmp_path / "edgepack-demo"
    assert edgepack("verify", folder / "dist" / "wines-1", "--key", folder / "key.pub").code == 0
    assert {p.name for p in tmp_path.iterdir()} == {"edgepack-demo"}
    again = edgepack("demo", cwd=tmp_path)
    assert again.code == 2
    assert "not empty" in again.err


def test_export_leaves_nothing_behind_when_it_fails(edgepack: Any, bundle: Path, tmp_path: Path) -> None:
    done = edgepack("export", "models:/odd/1", "--target", "coreml", "--out", tmp_path / "out")
    assert done.code == 4
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize("words", [(), ("export",), ("targets",)])
def test_help_and_targets_import_nothing_heavy(words: tuple[str, ...]) -> None:
    arguments = [*words, "--help"] if words != ("targets",) else ["targets"]
    script = (
        "import sys; sys.argv = ['edgepack', *" + repr(arguments) + "]\n"
        "from edgepack.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'sklearn', 'mlflow', 'onnx', 'onnxruntime', 'coremltools', 'rich.console'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "HEAVY []" in done.stdout


def _reseal(folder: Path) -> None:
    """Writes the golden rows' new digest into the manifest, as somebody without the key could."""
    from hashlib import sha256

    content = (folder / "golden.json").read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["golden"].update(sha256=sha256(content).hexdigest(), size_bytes=len(content))
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_ctrl_c_ends_in_one_line_and_leaves_nothing(registry: Path, tmp_path: Path) -> None:
    scratch, out = tmp_path / "scratch", tmp_path / "dist"
    scratch.mkdir()
    words = ("export", "models:/trips/1", "--out", str(out), "--rows", "2000000")
    command = [sys.executable, "-c", "from edgepack.cli import main; main()", *words]
    environment = os.environ | {"TMPDIR": str(scratch)}
    process = subprocess.Popen(command, cwd=registry, env=environment, stderr=subprocess.PIPE, text=True)
    while not any(scratch.iterdir()):  # it works once it has a folder to work in
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "edgepack: interrupted; nothing was left half-written\n")
    assert not out.exists()
    assert not list(scratch.iterdir())


def test_another_method_is_exported_and_checked_again(edgepack: Any, registry: Path, tmp_path: Path) -> None:
    done = edgepack("export", "models:/trips/1", "--output", "predict", "--out", tmp_path, "--rows", 500)
    assert done.code == 0, done.err
    assert "probabilities" not in edgepack("inspect", tmp_path / "trips-1", "--json").json()["interface"]["outputs"]
    assert edgepack("parity", tmp_path / "trips-1", "--rows", 500).code == 0
    refused = edgepack("export", "models:/trips/1", "--output", "transform", "--out", tmp_path)
    assert (refused.code, refused.err) == (
        4,
        "edgepack: Pipeline: gives no transform; choose predict or predict_proba\n",
    )


def test_check_of_a_bundle_looks_at_its_files(edgepack: Any, bundle: Path, tmp_path: Path) -> None:
    done = edgepack("check", bundle)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == ["onnx: sound", "coreml: sound"]
    assert edgepack("check", bundle, "--json").json() == {"sound": True, "artifacts": {"onnx": [], "coreml": []}}


def test_check_of_a_bundle_looks_at_the_targets_that_are_named(edgepack: Any, bundle: Path) -> None:
    assert edgepack("check", bundle, "-t", "coreml").out.splitlines() == ["coreml: sound"]
    done = edgepack("check", bundle, "-t", "tflite")
    assert (done.code, done.err) == (2, "edgepack: tflite: not in this bundle; choose one of onnx, coreml\n")


@pytest.mark.parametrize(
    ("words", "unused"),
    [
        (("--self-test", "--golden"), "--golden: of no use with --self-test"),
        (("--self-test", "--junit", "j.xml"), "--junit: of no use with --self-test"),
        (("--golden", "--rows", 300), "--rows: of no use with --golden"),
        (("--log", "answers.jsonl", "--runtime", "node"), "--runtime: of no use with --log"),
    ],
)
def test_options_of_parity_that_another_leaves_no_use_for_are_refused(
    edgepack: Any, bundle: Path, words: tuple[object, ...], unused: str
) -> None:
    done = edgepack("parity", bundle, *words)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"edgepack: {unused}; leave one of them out\n"


def test_a_column_of_true_answers_that_nothing_asks_for_is_refused(edgepack: Any, registry: Path) -> None:
    done = edgepack("export", "models:/trips@champion", "--label-column", "late", "--out", "never")
    assert (done.code, (registry / "never").exists()) == (2, False)
    assert done.err.startswith("edgepack: --label-column late: true answers are for a metric; add --max-metric-drop")


def test_check_of_a_bundle_with_an_unsound_file_ends_with_6_and_names_the_place(
    edgepack: Any, bundle: Path, tmp_path: Path
) -> None:
    import onnx

    copy = shutil.copytree(bundle, tmp_path / bundle.name)
    model = onnx.load(copy / "onnx/model.onnx")
    model.ir_version += 1
    onnx.save(model, copy / "onnx/model.onnx")
    manifest = json.loads((copy / "manifest.json").read_text())
    artifact = next(a for a in manifest["artifacts"] if a["target"] == "onnx")
    data = (copy / "onnx/model.onnx").read_bytes()
    artifact["files"][0].update(sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
    artifact["size_bytes"] = len(data)
    (copy / "manifest.json").write_text(json.dumps(manifest))
    done = edgepack("check", copy)
    assert done.code == 6
    assert "onnx/model.onnx: ir_version: " in done.err
    assert "onnx: 1 problem" in done.out


def test_export_leaves_packages_for_apps_beside_the_bundle(edgepack: Any, bundle: Path, tmp_path: Path) -> None:
    words = ("--target", "coreml", "--target", "onnx", "--sdk", "web", "--sdk", "ios", "--rows", 300, "--json")
    done = edgepack("export", "models:/trips@champion", "--out", tmp_path, *words)
    assert done.code == 0, done.err
    assert done.json()["packages"] == [str(tmp_path / "trips-web"), str(tmp_path / "trips-ios")]
    assert "readonly age?: number | null | undefined;" in (tmp_path / "trips-web" / "index.d.ts").read_text()
    assert "public var age: Double?" in (tmp_path / "trips-ios/Sources/Trips/TripsInput.swift").read_text()


def test_a_bundle_is_called_as_its_folder_was(edgepack: Any, registry: Path) -> None:
    """What is printed can be typed again, and shows nobody's folders."""
    done = edgepack("export", "models:/trips@champion", "--out", "near", "--rows", 300, "--json")
    assert done.json()["bundle"].split("/")[0] == "near"
    assert edgepack("check", done.json()["bundle"]).code == 0


def test_a_package_that_is_there_already_is_noticed_before_the_work(edgepack: Any, registry: Path) -> None:
    (registry / "taken" / "trips-web").mkdir(parents=True)
    done = edgepack("export", "models:/trips@champion", "--out", "taken", "--sdk", "web")
    assert done.code == 2
    assert "trips-web: is there already" in done.err
    assert [place.name for place in (registry / "taken").iterdir()] == ["trips-web"]
