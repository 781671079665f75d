"""One token serves one request at a time, whoever on this machine sends it."""

from __future__ import annotations

import http.server
import itertools
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from erp_sandbox.serpi import SECRET_KEY, TOKEN
from support.serpi_tap import (
    ARTICLES,
    TYPES,
    held,
    run,
    selection,
    settings,
    texts,
)
from support.singer import started

if TYPE_CHECKING:
    from pathlib import Path

    from support.servers import RunningSandbox


def test_two_taps_with_one_token(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.latency_ms = 4
    sandbox.serpi.switches.simultaneous_use = "401"
    given = settings(sandbox, page_size=20, request_timeout=20)
    catalog = selection(ARTICLES)
    # One address in two spellings is one address.
    other = {**given, "api_url": sandbox.serpi_url.replace("http://", "HTTP://") + "/"}
    with (
        started("tap_serpi", given, catalog=catalog) as first,
        started("tap_serpi", other, catalog=catalog) as second,
        ThreadPoolExecutor() as pool,
    ):
        # What is not read fills the pipe and holds a tap up, so both are at work from here on.
        for tap in (first, second):
            tap.read_until("RECORD")
        outputs = list(pool.map(lambda tap: tap.ended().ok(), (first, second)))
    for output in outputs:
        assert texts(output, ARTICLES) == held(sandbox.serpi, ARTICLES)
    assert sandbox.serpi.overlaps == 0
    # They did run side by side.
    peers = [request.peer for request in sandbox.serpi.requests]
    assert len(set(peers)) == 2
    assert sum(peer != after for peer, after in itertools.pairwise(peers)) > 2


def test_other_tokens_do_not_wait(sandbox: RunningSandbox) -> None:
    # This server holds its first request until the other address has answered a whole run.
    arrived, go_on = threading.Event(), threading.Event()

    class Slow(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            arrived.set()
            go_on.wait(10)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Slow) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        with started(
            "tap_serpi", settings(sandbox, api_url=address), catalog=selection(TYPES)
        ) as slow:
            assert arrived.wait(10)
            run(sandbox, TYPES).ok()
            go_on.set()
            slow.ended().ok()
        thread.join()


def test_the_lock_file_tells_nothing(sandbox: RunningSandbox, tmp_path: Path) -> None:
    run(sandbox, TYPES).ok()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert TOKEN not in path.name
        assert SECRET_KEY not in path.name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert TOKEN.encode() not in path.read_bytes()


def test_a_killed_tap_leaves_no_lock(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.latency_ms = 300
    with started("tap_serpi", settings(sandbox), catalog=selection(TYPES)) as process:
        while not sandbox.serpi.requests:
            time.sleep(0.01)
        process.process.kill()
        process.ended()
    sandbox.serpi.switches.latency_ms = 0
    run(sandbox, TYPES).ok()
