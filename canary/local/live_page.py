"""Serves the status page on loopback: its files and the documents of this run."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

__all__ = ["LivePage", "PortInUseError"]

_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}

Document = Callable[[], bytes | None]


class PortInUseError(OSError):
    """Another program listens on the port that was asked for."""


class LivePage:
    """A page at `url`; `documents` maps a name to what answers it, or to None (404)."""

    def __init__(self, port: int, documents: Mapping[str, Document]) -> None:
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(documents))
        except OSError as error:
            raise PortInUseError(
                f"--port {port} cannot be used ({error.strerror}); choose another, or 0 for any"
            ) from error
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever, name="page", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()


def as_json(document: Mapping[str, Any]) -> bytes:
    """A document's bytes as the page reads them."""
    return json.dumps(document, separators=(",", ":")).encode()


def _handler(documents: Mapping[str, Document]) -> type[BaseHTTPRequestHandler]:
    pages = files("canary.local") / "page"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.split("?")[0].lstrip("/") or "index.html"
            kind = _TYPES.get(name.rpartition(".")[2], "application/json")
            source = pages / name
            if name in documents:
                body = documents[name]()
            elif "/" not in name and source.is_file():
                body = source.read_bytes()
            else:
                body = None
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing: the terminal belongs to the run's own view."""

    return Handler
