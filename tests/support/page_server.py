"""A tiny HTTP server on loopback that holds pages as bytes: what the kit's dummy tap reads."""

from __future__ import annotations

import http.server
import threading
from collections import defaultdict
from collections.abc import Iterable
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit


class PageServer:
    """Listens while it is entered.

    Attributes:
        pages: path -> its pages' bodies; behind the last one the answer is `[]`.
        statuses: (path, page) -> status in place of 200.
        held: (path, page) -> set to let the answer go.
        asked: (path, page) of each request, in order.
    """

    def __init__(self) -> None:
        self.pages: dict[str, list[bytes]] = {}
        self.statuses: dict[tuple[str, int], int] = {}
        self.held: dict[tuple[str, int], threading.Event] = {}
        self.asked: list[tuple[str, int]] = []
        self._asked = threading.Condition()

    def reset(self, **pages: Iterable[bytes]) -> None:
        """Hold these pages, by stream, and forget all else."""
        self.pages = {f"/{stream}": [*bodies] for stream, bodies in pages.items()}
        self.statuses.clear()
        self.held.clear()
        self.asked.clear()

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def wait_for(self, path: str, page: int, seconds: float = 20) -> None:
        """Wait until a page was asked for."""
        with self._asked:
            assert self._asked.wait_for(lambda: (path, page) in self.asked, seconds)

    def counts(self) -> dict[str, int]:
        """How often each path was asked for."""
        counts: dict[str, int] = defaultdict(int)
        for path, _ in self.asked:
            counts[path] += 1
        return counts

    def __enter__(self) -> Self:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for event in self.held.values():
            event.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, target: str) -> tuple[int, bytes]:
        parts = urlsplit(target)
        page = int(parse_qs(parts.query).get("page", ["1"])[0])
        with self._asked:
            self.asked.append((parts.path, page))
            self._asked.notify_all()
        if (event := self.held.get((parts.path, page))) is not None:
            event.wait(30)
        status = self.statuses.get((parts.path, page), 200)
        bodies = self.pages.get(parts.path, [])
        return status, bodies[page - 1] if 0 < page <= len(bodies) else b"[]"

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        answer = self._answer

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one packet an answer
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                status, body = answer(self.path)
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        return Handler
