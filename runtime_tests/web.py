"""onnxruntime-web in a page of a headless Chromium, served from loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from browser import Browser

from runtime_tests.session import RuntimeFailed, SpeaksJson


class Page(SpeaksJson):
    """A remote runtime in a browser's page."""

    def __init__(self, browser: Browser, version: str) -> None:
        """Takes a page in which `window.answer` is ready."""
        self._browser = browser
        chromium = browser.call("Browser.getVersion")["product"]
        self.runtime = f"onnxruntime-web {version} wasm, {chromium}"

    def ask(self, request: Mapping[str, Any]) -> Any:
        """See `SpeaksJson`."""
        call = f"answer({json.dumps(request)}).then(result => ({{result}}), error => ({{error: String(error)}}))"
        answer: Any = self._browser.run(call)
        if "error" in answer:
            raise RuntimeFailed(answer["error"][:300])
        return answer["result"]


class _Files(SimpleHTTPRequestHandler):
    """`/` a blank page, `/ort/…` the package's files, `/serve/…` ours."""

    def __init__(self, *args: Any, roots: Mapping[str, Path], **options: Any) -> None:
        self._roots = roots
        self.extensions_map = {".mjs": "text/javascript", ".wasm": "application/wasm", ".html": "text/html"}
        super().__init__(*args, **options)

    def translate_path(self, path: str) -> str:
        root, _, name = path.partition("?")[0].strip("/").rpartition("/")
        return str(self._roots.get(root, Path("/nowhere")) / name)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def open_page(chromium: str, package: Path, serve: Path) -> Iterator[Page]:
    """A page with onnxruntime-web loaded, one thread."""
    handler = partial(_Files, roots={"ort": package / "dist", "serve": serve})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, Browser(chromium) as browser:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.open(f"http://127.0.0.1:{server.server_address[1]}/serve/blank.html")
        browser.run("""(async () => {
          const ort = await import('/ort/ort.wasm.min.mjs');
          const { answerer } = await import('/serve/answer.mjs');
          ort.env.wasm.wasmPaths = '/ort/';
          ort.env.wasm.numThreads = 1;
          ort.env.logLevel = 'fatal';
          window.answer = answerer(ort, { executionProviders: ['wasm'] });
        })()""")
        try:
            yield Page(browser, json.loads((package / "package.json").read_text())["version"])
        finally:
            server.shutdown()
