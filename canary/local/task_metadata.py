"""The metadata endpoint of ECS tasks: tells a task its own ARN, as version 4 on Fargate does."""

from __future__ import annotations

import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["TaskMetadata"]


class TaskMetadata:
    """Answers `{uri}` and `{uri}/task` for each known task on an ephemeral port."""

    def __init__(self) -> None:
        self._tasks: dict[str, dict[str, Any]] = {}
        tasks = self._tasks

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                _, _, rest = self.path.partition("/v4/")
                task = tasks.get(rest.partition("/")[0])
                body = json.dumps(task or {}).encode()
                self.send_response(HTTPStatus.OK if task else HTTPStatus.NOT_FOUND)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
                """Nobody reads these lines."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="metadata", daemon=True
        )

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def add(self, task_id: str, document: dict[str, Any]) -> str:
        """Publish a task's document; the answer is its `ECS_CONTAINER_METADATA_URI_V4`."""
        self._tasks[task_id] = document
        return f"http://127.0.0.1:{self._server.server_address[1]}/v4/{task_id}"

    def remove(self, task_id: str) -> None:
        """Forget a task that has ended."""
        self._tasks.pop(task_id, None)
