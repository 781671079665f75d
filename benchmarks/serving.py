"""The server of the measurements: the sandbox, and before it a memory of its lists.

python benchmarks/serving.py [--port 8900] [--articles N] [--sales N]
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

from erp_sandbox.running import Listener
from erp_sandbox.server import Sandbox
from erp_sandbox.vendor import Setup
from front import Front, Memory
from servers import HISTORY_DAYS

ARTICLES_AT_SCALE_1 = 1200
THREADS = 16
"""So many calls may wait for the sandbox at once."""


async def serve(port: int, sandbox_port: int) -> None:
    """Serve until a signal ends it; one line `ready <address>` says that it answers.

    Args:
        port: 0 takes any free one.
        sandbox_port: of the sandbox.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    memory = Memory()
    with ThreadPoolExecutor(THREADS) as executor:
        server = await loop.create_server(
            lambda: Front(memory, sandbox_port, executor), "127.0.0.1", port, backlog=100
        )
        sys.stdout.write(f"ready http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await ended.wait()
        server.close()


def main() -> int:
    """Make the data and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--articles", type=int, default=ARTICLES_AT_SCALE_1)
    parser.add_argument("--sales", type=int, default=0, help="0: as many as the scale makes")
    options = parser.parse_args()
    sandbox = Sandbox(Setup(options.articles / ARTICLES_AT_SCALE_1, 7))
    if options.sales:
        sandbox.winfra.switches.update(
            {"row_counts": {"ventas": options.sales}, "history_days": HISTORY_DAYS}
        )
    with Listener(sandbox) as listener:
        asyncio.run(serve(options.port, listener.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
