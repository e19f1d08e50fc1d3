"""A real headless Chromium, driven through its debugging pipe: no driver, no network, no further package.

Source: https://chromedevtools.github.io/devtools-protocol/ (messages are JSON, each ended by a NUL byte; Chromium reads
file descriptor 3 and writes file descriptor 4).
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DEADLINE_S = 60.0


def executable() -> str | None:
    """Chromium's path, if one is installed."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One browser with one page, as a context manager."""

    def __init__(self, path: str) -> None:
        self._home = tempfile.mkdtemp(prefix="edgepack-chromium-")
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        # the shell moves the two ends to the descriptors that Chromium expects, whatever their numbers here
        flags = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --no-first-run"
        script = f'exec "$0" {flags} --remote-debugging-pipe --user-data-dir="$1" 3<&{to_browser} 4>&{from_browser}'
        self._process = subprocess.Popen(
            ["bash", "-c", script, path, self._home],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._buffer = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session: str | None = None
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        os.close(self._out)
        os.close(self._in)
        shutil.rmtree(self._home, ignore_errors=True)

    def call(self, method: str, **parameters: Any) -> Any:
        """The result of one of the protocol's methods; events that come meanwhile are kept in `events`."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if getattr(self, "_session", None):
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def open(self, url: str, *, width: int = 1200, height: int = 900, dark: bool = False) -> None:
        """Loads a page at a size and in a colour scheme, and waits until it has loaded."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._read()

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page (a promise's, once it is fulfilled)."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"])[:2000])
        return found["result"].get("value")

    def screenshot(self, path: Path) -> None:
        """Writes the whole page as a PNG."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def complaints(self) -> list[str]:
        """What the console, the log or the page itself complained of since `open`."""
        bad = []
        for event in self.events:
            match event["method"]:
                case "Runtime.exceptionThrown":
                    bad.append(str(event["params"]["exceptionDetails"]))
                case "Runtime.consoleAPICalled" if event["params"]["type"] in ("error", "warning"):
                    bad.append(str(event["params"]["args"]))
                case "Log.entryAdded" if event["params"]["entry"]["level"] in ("error", "warning"):
                    bad.append(str(event["params"]["entry"]["text"]))
        return bad

    def requests(self) -> list[str]:
        """The addresses asked for since `open`."""
        sent = [event for event in self.events if event["method"] == "Network.requestWillBeSent"]
        return [str(event["params"]["request"]["url"]) for event in sent]

    def _read(self) -> dict[str, Any]:
        """The next message; an event is kept too."""
        deadline = time.monotonic() + DEADLINE_S
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise TimeoutError("Chromium does not answer")
            chunk = os.read(self._in, 1 << 16)
            if not chunk:
                raise RuntimeError("Chromium has ended")
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        if "method" in found:
            self.events.append(found)
        return found
