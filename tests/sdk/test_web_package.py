"""Generated TypeScript, compiled by tsc and run in Node and in Chromium on the server's answers."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, executable

from edgepack.bundle.bundle import Bundle
from edgepack.targets import find_target
from sdk import npm
from sdk.pipelines import PIPELINES

pytestmark = pytest.mark.usefixtures("node")

Packaged = Callable[[str, str], Path]

IN_NODE = ("strict", "review-prices")
TYPED = ("strict", "hostile */ names")
IN_CHROMIUM = ("hostile */ names",)
"""What the default suite runs; `make sdk` runs all."""


def each(names: tuple[str, ...]) -> Any:
    """All pipelines, those of no such name behind the marker."""
    marked = [name if name in names else pytest.param(name, marks=pytest.mark.sdk) for name in PIPELINES]
    return pytest.mark.parametrize("name", marked)


GENERATED = "*.js *.d.ts package.json tsconfig.json test/*.js test/*.ts test/*.html"


@each(IN_NODE)
def test_its_own_tests_pass_in_node(name: str, packaged: Packaged) -> None:
    done = npm.tests(packaged(name, "web"))
    assert done.returncode == 0, failures(done.stdout)
    assert "# skipped 0" in done.stdout and int(re.search(r"# pass (\d+)", done.stdout)[1]) >= 5  # type: ignore[index]


@each(TYPED)
def test_it_is_typed_and_laid_out(name: str, packaged: Packaged) -> None:
    package = packaged(name, "web")
    typed = npm.run(package, "tsc", "--project", ".")
    assert typed.returncode == 0, typed.stdout
    if name in TYPED:  # Prettier is slow to start
        files = [str(f) for pattern in GENERATED.split() for f in package.glob(pattern) if f.name != "golden.json"]
        laid = npm.run(package, "prettier", "--check", *files)
        assert laid.returncode == 0, laid.stderr


@each(IN_CHROMIUM)
def test_its_page_passes_in_chromium(name: str, packaged: Packaged) -> None:
    path = executable()
    if path is None:
        pytest.skip("no Chromium: the generated package was NOT run in a browser")
    package = packaged(name, "web")
    npm.run(package, "node", "--version")  # puts node_modules there
    with served(package) as address, Browser(path) as browser:
        assert in_page(browser, address) == f"passed: {rows(package)} rows"


def test_types_refuse_what_the_model_refuses(packaged: Packaged) -> None:
    package = packaged("strict", "web")
    wrong = {
        'const i: StrictInput = { area: 1, year: 2, zone: "north" };': "roof",
        'const i: StrictInput = { area: 1, year: 2, zone: "north", roof: "none such" };': "none such",
        'const i: StrictInput = { area: 1, year: 2, zone: "north", roof: null };': "null",
        "const l: StrictOutput[\"label\"] = 'maybe';": "maybe",
    }
    for line, says in wrong.items():
        text = f'import type {{ StrictInput, StrictOutput }} from "strict-web";\n{line}\nexport {{}};\n'
        (package / "test" / "usage.ts").write_text(text)
        done = npm.run(package, "tsc", "--project", ".", "--noUnusedLocals", "false")
        assert done.returncode != 0 and says in done.stdout, line


# planted faults


@pytest.mark.parametrize("kind", ["category", pytest.param("weight", marks=pytest.mark.sdk)])
def test_a_changed_artifact_is_found(kind: str, packaged: Packaged, bundled: Callable[[str], Bundle]) -> None:
    """By the answers, where its digest has been made to fit; each package's own tests change a file without that."""
    package, model = packaged("churn", "web"), bundled("churn")
    path = model.path / "onnx" / "model.onnx"
    mutants = find_target("onnx").mutants(path, model.interface, each=1, seed=0)  # type: ignore[attr-defined]
    before = hashlib.sha256((package / "model.onnx").read_bytes()).hexdigest()
    next(m for m in mutants if m.kind == kind).plant(package / "model.onnx")
    edit(package / "contract.js", before, hashlib.sha256((package / "model.onnx").read_bytes()).hexdigest())
    assert "the server says" in red(package)


@pytest.mark.parametrize(
    ("name", "before", "after", "says"),
    [
        ("churn", 'LABELS = ["no", "yes"]', 'LABELS = ["yes", "no"]', "the server says"),
        ("strict", '"flat",', '"flats",', "unknownCategory"),
        pytest.param(
            "review-prices", '["area", "rooms",', '["rooms", "area",', "the server says", marks=pytest.mark.sdk
        ),
        ("review-prices", '"good",', '"goods",', "the server says"),
    ],
)
def test_a_changed_contract_is_found(name: str, before: str, after: str, says: str, packaged: Packaged) -> None:
    package = packaged(name, "web")
    edit(package / "contract.js", before, after)
    assert says in red(package)


def test_an_edited_golden_file_is_found(packaged: Packaged) -> None:
    """By its digest, and by the answers."""
    package = packaged("rents", "web")
    path = package / "test" / "golden.json"
    golden = json.loads(path.read_bytes())
    golden["rows"][7]["answers"]["value"] *= 1.0001
    path.write_text(json.dumps(golden))
    said = red(package)
    assert "golden.json is the one" in said and "row 7: value is" in said


# a bundle that is fetched later


def test_a_bundle_is_verified_before_it_is_loaded(packaged: Packaged, bundled: Callable[[str], Bundle]) -> None:
    package, bundle = packaged("churn", "web"), bundled("churn").path
    (package / "test" / "later.js").write_text(
        """
import { readFileSync, readdirSync } from "node:fs";
import { Churn } from "../index.js";
const [folder, key, ...policy] = process.argv.slice(2);
const files = new Map(readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((e) => e.isFile())
  .map((e) => [`${e.parentPath}/${e.name}`.slice(folder.length + 1), readFileSync(`${e.parentPath}/${e.name}`)]));
for (const [change, spoil] of [
  ["whole", () => {}],
  ["changed model", () => { files.get("onnx/model.onnx")[99] ^= 1; }],
]) {
  spoil();
  try {
    const model = await Churn.loadVerified(files, readFileSync(key, "ascii"), JSON.parse(policy[0]));
    console.log(change, (await model.predict({ year: 1990, rooms: 3, roof: "flat" })).label);
  } catch (error) { console.log(change, error.code, error.message); }
}
"""
    )

    def said(key: Path, policy: Any) -> list[str]:
        done = npm.run(package, "node", "test/later.js", str(bundle), str(key), json.dumps(policy))
        return done.stdout.splitlines() or [done.stderr]

    whole, changed = said(bundle.parent / "key.pub", {"minVersion": 3})
    assert whole in ("whole no", "whole yes")
    assert changed.startswith("changed model artifactChanged onnx/model.onnx: changed since")
    assert "older than 4" in said(bundle.parent / "key.pub", {"minVersion": 4})[0]
    edit(package / "contract.js", '"gable"', '"gables"')
    assert "inputs or outputs are not" in said(bundle.parent / "key.pub", {})[0]


# helpers


def red(package: Path) -> str:
    """What the package's failing tests say."""
    done = npm.tests(package)
    assert done.returncode != 0, "the planted fault was not found"
    return failures(done.stdout)


def failures(text: str) -> str:
    lines = [line for line in text.splitlines() if re.match(r"\s*not ok|\s*error:|.*(row \d+:|code:|artifact)", line)]
    return "\n".join(lines)


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def rows(package: Path) -> int:
    return len(json.loads((package / "test" / "golden.json").read_bytes())["rows"])


class _Files(SimpleHTTPRequestHandler):
    extensions_map = {  # noqa: RUF012
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
        ".html": "text/html",
        ".json": "application/json",
        "": "application/octet-stream",
    }

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def in_page(browser: Browser, address: str) -> str:
    browser.open(f"{address}/test/browser.html")
    script = """(async () => {
      const result = () => document.getElementById("result").textContent;
      for (let k = 0; k < 300 && result() === "running"; k++) await new Promise((done) => setTimeout(done, 100));
      return result();
    })()"""
    return str(browser.run(script))
