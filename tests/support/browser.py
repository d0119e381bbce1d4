"""A headless Chromium, spoken to over its DevTools pipe: no driver, no package, no port.

``python -m support.browser --install`` gets Chromium where there is none and apt-get may be used without a password.
"""

from __future__ import annotations

import base64
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from leadterm.spark.install_java import apt_install

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MACOS = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
APT_PACKAGES = ("chromium", "chromium-browser")
REMEDY = "install Debian's chromium (make test does where it may), or put Chrome on PATH"

KEYS = {
    "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
    "Enter": 13, "Escape": 27, "Tab": 9, "Home": 36, "End": 35, " ": 32,
}  # fmt: skip
"""Names of keys and the codes that Windows gave them, which DevTools wants."""

LAUNCHER = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for place, end in enumerate(ends, 3):
    os.dup2(end, place)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Puts the two ends of the pipes where the browser looks for them: 3 and 4."""


def find_browser() -> str | None:
    """Find Chromium or Chrome."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return found or (str(MACOS) if MACOS.exists() else None)


@functools.cache
def why_no_browser() -> str | None:
    """Say why the tests that need a browser are skipped; None if there is one that starts."""
    program = find_browser()
    if program is None:
        return f"no Chromium on this machine: {REMEDY}"
    try:
        with open_browser() as browser:
            return None if browser.evaluate("1 + 1") == 2 else f"{program} does not run scripts"
    except (OSError, EOFError, TimeoutError) as error:
        return f"{program} does not start here ({error}): {REMEDY}"


class Browser:
    """One page of a browser, with the log of what it asked for and what went wrong in it."""

    def __init__(self, process: subprocess.Popen[bytes], commands: int, answers: int) -> None:
        self._process, self._commands, self._answers = process, commands, answers
        self._buffer, self._number, self._session = b"", 0, ""
        self.requests: list[str] = []
        self.problems: list[str] = []
        self._loaded = False
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Give a command and wait for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise OSError(f"{method}: {answer['error']}")
                return answer["result"]

    def _receive(self) -> dict[str, Any]:
        """Read a message; events go to the logs."""
        while b"\0" not in self._buffer:
            part = os.read(self._answers, 2**20)
            if not part:
                raise EOFError("the browser closed its pipe")
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        found = json.loads(message)
        self._note(found.get("method", ""), found.get("params", {}))
        return found

    def _note(self, method: str, parameters: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(parameters["exceptionDetails"]))
        elif method == "Log.entryAdded":
            self.problems.append(json.dumps(parameters["entry"]))
        elif method == "Runtime.consoleAPICalled":
            self.problems.append(json.dumps(parameters["args"]))
        elif method == "Page.javascriptDialogOpening":
            self.problems.append(f"dialog: {parameters['message']}")
        elif method == "Page.loadEventFired":
            self._loaded = True

    def open(self, path: Path, width: int = 1280, height: int = 900, scheme: str = "light") -> None:
        """Open a file, and wait until it is loaded; the logs start anew."""
        self.view(width, height, scheme)
        self.requests.clear()
        self.problems.clear()
        self._loaded = False
        self.send("Page.navigate", url=path.as_uri())
        while not self._loaded:
            self._receive()

    def view(self, width: int, height: int, scheme: str) -> None:
        """Set the size of the window, and whether the user prefers light or dark pages."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.send("Emulation.setScrollbarsHidden", hidden=True)
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def evaluate(self, expression: str) -> Any:
        """Give the value of a JavaScript expression."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def text(self, selector: str) -> list[str]:
        """Give the text of each element that a selector names, as it is seen."""
        return self.evaluate(f"[...document.querySelectorAll({selector!r})].map((one) => one.innerText.trim())")

    def count(self, selector: str) -> int:
        """Count the elements that a selector names."""
        return self.evaluate(f"document.querySelectorAll({selector!r}).length")

    def click(self, selector: str) -> None:
        """Click the first element that a selector names."""
        self.evaluate(f"document.querySelector({selector!r}).click()")

    def focus(self, selector: str) -> None:
        """Give the first element that a selector names the focus."""
        self.evaluate(f"document.querySelector({selector!r}).focus()")

    def press(self, *keys: str) -> None:
        """Press and let go of keys, as a user would."""
        for key in keys:
            fields = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS.get(key, 0)}
            self.send("Input.dispatchKeyEvent", type="keyDown", **fields, **({"text": "\r"} if key == "Enter" else {}))
            self.send("Input.dispatchKeyEvent", type="keyUp", **fields)

    def type(self, text: str) -> None:
        """Put text in where the focus is."""
        self.send("Input.insertText", text=text)

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """Save a picture of the whole page, or of what the window shows."""
        answer = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start a browser with a profile of its own; it is gone after the block."""
    program, folder = find_browser(), tempfile.mkdtemp(prefix="browser-")
    if program is None:
        raise OSError(REMEDY)
    (read_there, write_here), (read_here, write_there) = os.pipe(), os.pipe()
    flags = ["--headless=new", "--remote-debugging-pipe", f"--user-data-dir={folder}", "--no-first-run"]
    flags += ["--no-sandbox"] if os.geteuid() == 0 else []  # Which Chromium does not offer to root.
    flags += ["--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-extensions"]
    command = [sys.executable, "-ISc", LAUNCHER, str(read_there), str(write_there), program, *flags, "about:blank"]
    process = subprocess.Popen(
        command, pass_fds=(read_there, write_there), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(read_there)
    os.close(write_there)
    try:
        yield Browser(process, write_here, read_here)
    finally:
        os.close(write_here)  # It leaves when its pipe is closed.
        os.close(read_here)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for _ in range(20):  # Its helpers may still write.
            shutil.rmtree(folder, ignore_errors=True)
            if not Path(folder).exists():
                break
            time.sleep(0.1)


def main(arguments: list[str]) -> int:
    """Install Chromium where there is none and that may be done; say so where the tests will be skipped."""
    if find_browser() is None and "--install" in arguments:
        sys.stderr.write("Installing Chromium for the tests of the report with apt-get\n")
        apt_install(APT_PACKAGES)
    if find_browser() is None:
        sys.stderr.write(f"The tests of the report in a browser will be skipped: {REMEDY}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
