"""A hub of models on loopback, as huggingface_hub asks one: the list of a repository's files, and the files."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

REVISION = "0123456789abcdef0123456789abcdef01234567"


class ModelHub:
    """Serves the files of a folder as those of every repository; can be made to fail, and says what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lies: dict[str, bytes] = {}  #: file → other content than its checksum says
        self.stops: dict[str, int] = {}  #: file → bytes after which nothing more comes
        self.stopped = Event()  #: one of them has
        self.status = 200  #: of all answers
        self.asked: list[str] = []  #: files that were sent, "model.onnx from 100"
        self.others: list[str] = []  #: what was asked besides
        self.address = ""

    def files(self) -> list[dict[str, Any]]:
        """As the hub lists them: a SHA-256 for large files, git's checksum for the others."""
        return [self._listed(path) for path in sorted(self.folder.rglob("*")) if path.is_file()]

    def _listed(self, path: Path) -> dict[str, Any]:
        data = path.read_bytes()
        git = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        name = path.relative_to(self.folder).as_posix()
        listed: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": git}
        if path.suffix == ".onnx":
            listed["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        return listed


class _Handler(BaseHTTPRequestHandler):
    hub: ModelHub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        name = self.path.partition(f"/resolve/{REVISION}/")[2]
        if self.hub.status != 200:
            self.say(self.hub.status, b"{}", {}, body)
        elif self.path.startswith("/api/models/"):
            known = {"id": "any/model", "sha": REVISION, "siblings": self.hub.files()}
            self.say(200, json.dumps(known).encode(), {"Content-Type": "application/json"}, body)
        elif (self.hub.folder / name).is_file():
            self.send_file(name, body)
        else:
            self.hub.others.append(self.path)
            self.say(404, b"{}", {}, body)

    def send_file(self, name: str, body: bool) -> None:
        data = self.hub.lies.get(name) or (self.hub.folder / name).read_bytes()
        mark = hashlib.sha256((self.hub.folder / name).read_bytes()).hexdigest()
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(found[1]) if found else 0
        if body:
            self.hub.asked.append(f"{name} from {start}" if start else name)
        span = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        headers = {"ETag": f'"{mark}"', "X-Repo-Commit": REVISION, "Accept-Ranges": "bytes", **span}
        self.say(206 if start else 200, data[start:], headers, body, self.hub.stops.get(name))

    def say(self, status: int, data: bytes, headers: dict[str, str], body: bool, most: int | None = None) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data[:most])
            self.wfile.flush()
        if body and most is not None:
            self.hub.stopped.set()
            self.close_connection = True

    def log_message(self, *words: object) -> None:
        """Nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[ModelHub]:
    """Run a hub as long as the block lasts."""
    hub = ModelHub(folder)

    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
