"""``python -m erp_sandbox``: the sandbox as a process of its own."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from erp_sandbox.journal import JournalError
from erp_sandbox.running import Listener
from erp_sandbox.server import Sandbox
from erp_sandbox.switches import SwitchError
from erp_sandbox.vendor import Setup

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Listen until a signal ends it.

    Writes one line ``ready <address>`` to stdout when it answers.

    Returns:
        0 after SIGINT or SIGTERM, 2 for a setting that is wrong.
    """
    options = _parser().parse_args(arguments)
    try:
        sandbox = Sandbox(Setup(options.scale, options.seed, options.clock), options.data_file)
        _set_switches(sandbox, options.latency_ms, options.switch)
        listener = Listener(sandbox, options.port, _tls(options))
    except (SwitchError, JournalError, OSError) as error:
        sys.stderr.write(f"erp_sandbox: {error}\n")
        return 2
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with listener:
        sys.stdout.write(f"ready {listener.url}\n")
        sys.stdout.flush()
        ended.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m erp_sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8900, help="0 takes a free one")
    parser.add_argument("--scale", type=float, default=1, help="size of the data")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--clock", type=_moment, metavar="MOMENT", help="where WINFRA's clock starts, with its zone"
    )
    parser.add_argument("--latency-ms", type=float, default=0, help="before each answer")
    parser.add_argument("--data-file", type=Path, help="where writes are kept")
    parser.add_argument("--tls-cert", type=Path, help="certificate file, for HTTPS")
    parser.add_argument("--tls-key", type=Path, help="its key file")
    parser.add_argument(
        "--switch",
        action="append",
        default=[],
        metavar="VENDOR.NAME=VALUE",
        help="set a quirk; may be given several times",
    )
    return parser


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def _set_switches(sandbox: Sandbox, latency_ms: float, given: Sequence[str]) -> None:
    for vendor in sandbox.vendors.values():
        vendor.switches.latency_ms = latency_ms
    for text in given:
        where, found, value = text.partition("=")
        name, dot, switch = where.partition(".")
        if not (found and dot and name in sandbox.vendors):
            raise SwitchError(f"--switch takes VENDOR.NAME=VALUE, not {text!r}")
        sandbox.vendors[name].switches.set_text(switch, value)


def _tls(options: argparse.Namespace) -> tuple[Path, Path] | None:
    if options.tls_cert and options.tls_key:
        return options.tls_cert, options.tls_key
    return None


if __name__ == "__main__":
    sys.exit(main())
