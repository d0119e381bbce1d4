"""A small server of S3's calls on loopback: what pyarrow asks of an object store, and the ways in which one fails."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

KEY, SECRET = "AKIAEXAMPLE", "secret"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}
REQUIRED = {"AWS_EC2_METADATA_DISABLED": "true"}
"""So that whoever has no credentials does not ask the network for some."""


@dataclass
class Store:
    """What is in it, and how it behaves.

    Attributes
    ----------
    buckets
        Objects by bucket and key.
    url
        Of the server.
    fault
        Answers a request with a status and a code of S3, given its method and key; None where nothing is wrong.
    askers
        The user agents that asked, and how often.
    """

    buckets: dict[str, dict[str, bytes]] = field(default_factory=dict)
    url: str = ""
    fault: Any = None
    requests: list[tuple[str, str, bool]] = field(default_factory=list)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to reach it."""
        return {**ENVIRONMENT, **REQUIRED, "AWS_ENDPOINT_URL": self.url}


def _joined(stream: Any) -> bytes:
    """Read chunks, each after a line with its length, and the lines that follow the last one."""
    whole = b""
    while size := int(stream.readline().partition(b";")[0], 16):
        whole += stream.read(size)
        stream.readline()
    while stream.readline().strip():
        pass
    return whole


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"
    store: Store

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
        self._answer(status, body, Content_Type="application/xml")

    def _body(self) -> bytes:
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            data = _joined(self.rfile)
        else:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return _joined(BytesIO(data)) if "aws-chunked" in (self.headers.get("Content-Encoding") or "") else data

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        query = parse_qs(parts.query, keep_blank_values=True)
        data, signed = self._body(), f"Credential={KEY}/" in (self.headers.get("Authorization") or "")
        self.store.requests.append((self.command, f"{bucket}/{key}", signed))
        found = self.store.fault(self.command, key) if self.store.fault else None
        if found is None and not signed:
            found = 403, "AccessDenied"
        if found is None and bucket not in self.store.buckets and not (self.command == "PUT" and not key):
            found = 404, "NoSuchBucket"
        if found:
            self._refuse(*found)
        elif not key:
            self._bucket(bucket, query, data)
        else:
            self._object(self.store.buckets[bucket], key, query, data)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _handle

    def _bucket(self, bucket: str, query: dict[str, list[str]], data: bytes) -> None:
        """Look at a bucket, list it, or delete several of its objects."""
        if self.command == "POST":
            for name in re.findall(r"<Key>(.*?)</Key>", data.decode()):
                self.store.buckets[bucket].pop(name, None)
            self._answer(200, b"<DeleteResult></DeleteResult>")
        elif self.command == "GET" and "list-type" in query:
            self._answer(200, self._listed(self.store.buckets[bucket], query).encode(), Content_Type="application/xml")
        else:
            self._answer(200)

    def _listed(self, objects: dict[str, bytes], query: dict[str, list[str]]) -> str:
        prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
        found, folders = [], set()
        for key in sorted(objects):
            rest = key.removeprefix(prefix)
            if not key.startswith(prefix):
                continue
            if delimiter and delimiter in rest:
                folders.add(prefix + rest.partition(delimiter)[0] + delimiter)
            else:
                found.append(key)
        listed = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(objects[key])}</Size>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for key in found[: int(query.get("max-keys", ["1000"])[0])]
        )
        listed += "".join(f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in sorted(folders))
        count = len(found) + len(folders)
        return (
            f"<ListBucketResult><KeyCount>{count}</KeyCount><IsTruncated>false</IsTruncated>{listed}</ListBucketResult>"
        )

    def _object(self, objects: dict[str, bytes], key: str, query: dict[str, list[str]], data: bytes) -> None:
        """Read, write, copy or delete an object, in parts or at once."""
        match self.command:
            case "POST" if "uploads" in query:
                upload = f"upload-{len(self.store.parts)}"
                self.store.parts[upload] = {}
                xml = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
                self._answer(200, xml.encode())
            case "POST":
                parts = self.store.parts[query["uploadId"][0]]
                objects[key] = b"".join(parts[number] for number in sorted(parts))
                xml = "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"
                self._answer(200, xml.encode())
            case "PUT" if "uploadId" in query:
                self.store.parts[query["uploadId"][0]][int(query["partNumber"][0])] = data
                self._answer(200, ETag=f'"{hashlib.md5(data).hexdigest()}"')
            case "PUT" if source := self.headers.get("x-amz-copy-source"):
                bucket, _, name = unquote(source).lstrip("/").partition("/")
                objects[key] = self.store.buckets[bucket][name]
                self._answer(200, b"<CopyObjectResult><ETag>x</ETag></CopyObjectResult>")
            case "PUT":
                objects[key] = data
                self._answer(200, ETag=f'"{hashlib.md5(data).hexdigest()}"')
            case "DELETE":
                objects.pop(key, None)
                self._answer(204)
            case _ if key not in objects:
                self._refuse(404, "NoSuchKey")
            case _:
                self._read(objects[key])

    def _read(self, whole: bytes) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        first, last = (int(asked[1]), int(asked[2] or len(whole) - 1)) if asked else (0, len(whole) - 1)
        body = whole[first : last + 1]
        headers = {"Content_Range": f"bytes {first}-{first + len(body) - 1}/{len(whole)}"} if asked else {}
        self._answer(206 if asked else 200, body, Content_Length=str(len(body)), ETag='"x"', **headers)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def object_store(*buckets: str) -> Iterator[Store]:
    """Run a store with some buckets for a block."""
    store = Store({bucket: {} for bucket in buckets})
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"store": store}))
    store.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
