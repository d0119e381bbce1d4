"""A small Hugging Face hub on this machine: data sets with commits, as the hub's client asks for them."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = 64
"""From so many bytes on a file is kept apart, as the hub keeps large files, and its hash is listed."""
PAGE = 3
"""Entries of a listing that come in one answer."""
_API = re.compile(r"/api/datasets/([^/]+/[^/]+)(?:/(revision|tree|paths-info)/([^/]+)(?:/(.+))?)?")
_RESOLVE = re.compile(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")


@dataclass
class DataSet:
    """A data set: its commits, what its names of revisions stand for, and who may read it."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    token: str | None = None
    gated: bool = False

    def commit(self, files: dict[str, bytes], name: str = "main") -> str:
        """Add a commit, for which a name stands from now on."""
        told = json.dumps([len(self.commits), *sorted((path, data.hex()) for path, data in files.items())])
        sha = hashlib.sha1(told.encode()).hexdigest()
        self.commits[sha], self.names[name] = dict(files), sha
        return sha


@dataclass
class Hub:
    """The server."""

    url: str
    datasets: dict[str, DataSet] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    failing: int = 0
    """The status of every answer, if it is not 0."""
    forged: bool = False
    """Whether the hashes that are listed are others than the files'."""


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        is_json = "json" in self.headers.get("Content-Type", "")
        self._answer(json.loads(body) if is_json else parse_qs(body))

    def do_GET(self) -> None:
        self._answer({})

    def _answer(self, form: dict) -> None:
        parts = urlsplit(self.path)
        self.hub.asked.append(f"{self.command} {parts.path} {self.headers.get('Range', '')}".strip())
        if self.hub.failing:
            return self._send(self.hub.failing, b"{}")
        if parts.path.startswith("/large/"):
            return self._large(parts.path.rpartition("/")[2])
        if api := _API.fullmatch(parts.path):
            repo, what, revision, path = (unquote(part) if part else part for part in api.groups())
            found = self._files(repo, revision or "main")
            if found is None:
                return None
            if what == "tree":
                return self._tree(found[1], path or "", parse_qs(parts.query))
            if what == "paths-info":
                wanted = [entry for path in form.get("paths", []) for entry in _entries(found[1], path, exact=True)]
                return self._json(wanted)
            return self._json({"id": repo, "sha": found[0], "siblings": [{"rfilename": path} for path in found[1]]})
        if resolve := _RESOLVE.fullmatch(parts.path):
            repo, revision, path = (unquote(part) for part in resolve.groups())
            found = self._files(repo, revision)
            return None if found is None else self._resolve(*found, path)
        return self._send(404, b"{}")

    def _files(self, repo: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """Find a commit; answer, and give None, where there is none or it may not be read."""
        dataset = self.hub.datasets.get(repo)
        given = self.headers.get("Authorization", "").removeprefix("Bearer ") or None
        if dataset is None or (dataset.token and not dataset.gated and given != dataset.token):
            self._send(404 if given else 401, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif dataset.gated and given != dataset.token:
            self._send(403, b"{}", {"X-Error-Code": "GatedRepo"})
        elif (sha := dataset.names.get(revision, revision)) not in dataset.commits:
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        else:
            return sha, dataset.commits[sha]
        return None

    def _tree(self, files: dict[str, bytes], folder: str, query: dict) -> None:
        recursive = query.get("recursive", ["false"])[0].lower() in ("true", "1")
        entries = _entries(files, folder, recursive=recursive)
        if folder and not entries:
            return self._send(404, b"{}", {"X-Error-Code": "EntryNotFound"})
        for entry in entries if self.hub.forged else ():
            entry.get("lfs", {})["oid"] = "0" * 64
        start = int(query.get("cursor", ["0"])[0])
        headers = {}
        if start + PAGE < len(entries):
            more = f"{self.hub.url}{urlsplit(self.path).path}?recursive={recursive}&cursor={start + PAGE}"
            headers["Link"] = f'<{more}>; rel="next"'
        return self._json(entries[start : start + PAGE], headers)

    def _resolve(self, sha: str, files: dict[str, bytes], path: str) -> None:
        if path not in files:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": sha})
        data, headers = files[path], {"X-Repo-Commit": sha}
        if len(data) < LARGE:
            return self._ranged(data, {**headers, "ETag": f'"{hashlib.sha1(data).hexdigest()}"'})
        etag = hashlib.sha256(data).hexdigest()
        linked = {
            "X-Linked-Size": str(len(data)),
            "X-Linked-ETag": f'"{etag}"',
            "Location": f"{self.hub.url}/large/{etag}",
        }
        return self._send(302, b"", {**headers, **linked})

    def _large(self, etag: str) -> None:
        every = (
            data for one in self.hub.datasets.values() for files in one.commits.values() for data in files.values()
        )
        self._ranged(next(data for data in every if hashlib.sha256(data).hexdigest() == etag), {"ETag": f'"{etag}"'})

    def _ranged(self, data: bytes, headers: dict[str, str]) -> None:
        headers = {**headers, "Accept-Ranges": "bytes"}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not wanted:
            return self._send(200, data, headers)
        first, last = int(wanted[1]), min(int(wanted[2] or len(data) - 1), len(data) - 1)
        if first >= len(data):
            return self._send(416, b"", headers)
        return self._send(
            206, data[first : last + 1], {**headers, "Content-Range": f"bytes {first}-{last}/{len(data)}"}
        )

    def _json(self, value: object, headers: dict[str, str] | None = None) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _entries(files: dict[str, bytes], at: str, *, recursive: bool = False, exact: bool = False) -> list[dict]:
    """Describe files and folders below a folder, or what lies exactly there."""
    folders = {path[:cut] for path in files for cut in range(len(path)) if path[cut] == "/"}
    described = [{"type": "directory", "path": path, "oid": "0" * 40, "size": 0} for path in sorted(folders)]
    for path, data in sorted(files.items()):
        entry = {"type": "file", "path": path, "oid": hashlib.sha1(data).hexdigest(), "size": len(data)}
        if len(data) >= LARGE:
            entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        described.append(entry)
    if exact:
        return [entry for entry in described if entry["path"] == at]
    start = f"{at}/" if at else ""
    below = [entry for entry in described if entry["path"].startswith(start)]
    return [entry for entry in below if recursive or "/" not in entry["path"][len(start) :]]


@contextmanager
def running_hub() -> Iterator[Hub]:
    """Run a hub on a free port of the loopback for a block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    hub = _Handler.hub = Hub(f"http://127.0.0.1:{server.server_address[1]}")
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
