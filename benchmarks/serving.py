"""The sandbox as a server for measurements: its own process, with two kinds of address more.

    python benchmarks/serving.py --port 8900 --articles 200000 --sales 200000

`/first/N/<address>` serves the first N rows of a list and then its end, whatever there is: so a slow
contender reads fewer rows, and a run without rows shows what starting up costs.
`/by_query/<address>?offset=O&limit=L` is `<address>/O/L`, for tools that cannot put an offset into the
path. Both only change the request; what answers is the sandbox. SERPI's and FacturaDirecta's pages are
made once and kept until something is written: making them would be measured too.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import sys
import threading
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

from erp_sandbox.running import Listener
from erp_sandbox.server import Sandbox
from erp_sandbox.vendor import Setup

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

ARTICLES_AT_SCALE_1 = 1200
BEYOND = 10**9
KEEPING = ("serpi", "facturadirecta")
SLICE = re.compile(r"(?P<list>.*/datos_xxl/[^/]+/[^/]+)/(?P<offset>\d+)/(?P<limit>\d+)")


class MeasuredSandbox(Sandbox):
    """The sandbox behind the two kinds of address, with pages that are made once."""

    def __init__(self, setup: Setup) -> None:
        """Start with no page made."""
        super().__init__(setup)
        self._pages: dict[tuple[str, bytes], list[Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Translate the address and answer."""
        scope = translated(scope)
        vendor = scope["path"].split("/", 2)[1]
        if scope["method"] != "GET":
            self._pages.clear()
        if scope["method"] != "GET" or vendor not in KEEPING:
            await super().__call__(scope, receive, send)
            return
        address = (scope["path"], scope["query_string"])
        page = self._pages.get(address)
        if page is None:
            page = self._pages[address] = []
            await super().__call__(scope, receive, _keeping(page, send))
            return
        latency = self.vendors[vendor].switches.latency_ms
        if latency:
            await asyncio.sleep(latency / 1000)
        for message in page:
            await send(message)


def _keeping(page: list[Message], send: Send) -> Send:
    async def send_and_keep(message: Message) -> None:
        page.append(message)
        await send(message)

    return send_and_keep


def translated(scope: Scope) -> Scope:
    """Return a request to the sandbox's own address.

    Args:
        scope: ASGI's, of a request to any address of this server.

    Returns:
        the same one where nothing is to be translated.
    """
    path: str = scope["path"]
    query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    rows = None
    if path.startswith("/first/"):
        _, _, count, rest = path.split("/", 3)
        path, rows = f"/{rest}", int(count)
    if path.startswith("/by_query/"):
        path = path.removeprefix("/by_query")
        path = f"{path}/{query.pop('offset', '0')}/{query.pop('limit', '100')}"
    elif rows is None:
        return scope
    if rows is not None:
        path, query = _ended(path, query, rows)
    return {
        **scope,
        "path": path,
        "raw_path": path.encode(),
        "query_string": urlencode(query).encode(),
    }


def _ended(path: str, query: dict[str, str], rows: int) -> tuple[str, dict[str, str]]:
    """Send a request for rows that lie behind the first ones to where nothing is."""
    if (found := SLICE.fullmatch(path)) is not None:
        if int(found["offset"]) >= rows:
            path = f"{found['list']}/{BEYOND}/{found['limit']}"
    elif "pagina" in query:
        if (int(query["pagina"]) - 1) * int(query["limite"]) >= rows:
            query["pagina"] = str(BEYOND)
    elif int(query.get("start", "0")) >= rows:
        query["start"] = str(BEYOND)
    return path, query


def main() -> int:
    """Serve until a signal ends it; one line `ready <address>` says that it answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--articles", type=int, default=ARTICLES_AT_SCALE_1)
    parser.add_argument("--sales", type=int, default=0, help="0: as many as the scale makes")
    options = parser.parse_args()
    sandbox = MeasuredSandbox(Setup(options.articles / ARTICLES_AT_SCALE_1, 7))
    if options.sales:
        sandbox.winfra.switches.update(
            {"row_counts": {"ventas": options.sales}, "history_days": 360}
        )
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with Listener(sandbox, options.port) as listener:
        sys.stdout.write(f"ready {listener.url}\n")
        sys.stdout.flush()
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
