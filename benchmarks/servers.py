"""The sandbox as a process of its own, on a core of its own."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from erp_sandbox import facturadirecta, serpi, winfra
from measuring import ENVIRONMENT, SERVER_CORE

HISTORY_DAYS = 360
"""The sandbox's sales lie on so many days before today."""

SECONDS_TO_PREPARE = 120


@dataclass(frozen=True)
class Petition:
    """A petition of WINFRA's that is ready.

    Attributes:
        id: of the petition.
        headers: with the credentials of its slices.
        token: the one among them.
        rows: of `ventas`.
    """

    id: str
    headers: dict[str, str]
    token: str
    rows: int


@dataclass(frozen=True)
class Server:
    """A running sandbox.

    Attributes:
        url: its base address.
    """

    url: str

    def first(self, rows: int | None) -> str:
        """Return a base address under which lists end after so many rows, None for all."""
        return self.url if rows is None else f"{self.url}/first/{rows}"

    def switch(self, vendor: str, **values: object) -> None:
        """Set switches of a vendor."""
        self._post(f"/_control/{vendor}/switches", values)

    def forget(self) -> None:
        """Drop the lists that are kept in memory."""
        self.switch("winfra", latency_ms=0)

    def reset(self) -> None:
        """Begin anew: fresh data, default switches, nothing counted."""
        self._post("/_control/reset", {})

    def counts(self, vendor: str) -> dict[str, Any]:
        """Return the requests so far, by kind."""
        counts: dict[str, Any] = json.loads(self._get(f"/_control/{vendor}/counts"))
        return counts

    def petition(self, first: date, last: date) -> Petition:
        """Have the sales of some days prepared, and wait for them.

        Args:
            first: day.
            last: day, included.
        """
        asked = {"domain": winfra.DOMAIN, "api": winfra.API_NAME}
        basic = _basic(winfra.AUTH_USER, winfra.AUTH_PASSWORD)
        token = json.loads(self._post("/winfra/api_token/", asked, basic))["WINFRA-API-TOKEN"]
        headers = {
            **_basic(winfra.DOMAIN_USER, winfra.DOMAIN_PASSWORD),
            "WINFRA-API-TOKEN": token,
        }
        wanted = {
            "dataset": "ventas",
            "fecha_desde": f"{first}T00:00:00",
            "fecha_hasta": f"{last}T23:59:59",
        }
        state = json.loads(self._post("/winfra/api_v1/generar_xxl", [wanted], headers))
        until = time.monotonic() + SECONDS_TO_PREPARE
        while state["estado"] != "OK" and time.monotonic() < until:
            path = f"/winfra/api_v1/estado_xxl/{state['peticion_id']}"
            state = json.loads(self._get(path, headers))
        rows = state["datasets"][0]["numero_registros"]
        return Petition(state["peticion_id"], headers, token, rows)

    def _get(self, path: str, headers: dict[str, str] | None = None) -> bytes:
        return _asked(urllib.request.Request(self.url + path, headers=headers or {}))

    def _post(self, path: str, body: object, headers: dict[str, str] | None = None) -> bytes:
        return _asked(
            urllib.request.Request(
                self.url + path,
                method="POST",
                data=json.dumps(body).encode(),
                headers={"Content-Type": "application/json", **(headers or {})},
            )
        )


def _asked(request: urllib.request.Request) -> bytes:
    with urllib.request.urlopen(request, timeout=SECONDS_TO_PREPARE) as answer:
        body: bytes = answer.read()
        return body


def _basic(user: str, password: str) -> dict[str, str]:
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


@contextmanager
def running_server(*, articles: int, sales: int = 0) -> Iterator[Server]:
    """Run a sandbox until the block ends.

    Args:
        articles: how many SERPI holds; the other vendors' data grow with them.
        sales: how many WINFRA holds; 0 for as many as go with `articles`.

    Yields:
        the server.
    """
    program = Path(__file__).parent / "serving.py"
    command = [sys.executable, str(program), "--articles", str(articles), "--sales", str(sales)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE}),  # noqa: PLW1509 - no threads here
    )
    try:
        assert process.stdout is not None
        yield Server(process.stdout.readline().removeprefix("ready ").strip())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def history() -> tuple[date, date]:
    """Return the first and the last day of the sandbox's sales."""
    today = datetime.now(ZoneInfo("Europe/Madrid")).date()
    return today - timedelta(days=HISTORY_DAYS - 1), today


def days_without_sales() -> tuple[date, date]:
    """Return two days before all sales."""
    first, _ = history()
    return first - timedelta(days=120), first - timedelta(days=110)


SERPI_HEADERS = {"secretkey": serpi.SECRET_KEY, "Authorization": f"Bearer {serpi.TOKEN}"}
"""What every call of SERPI's needs."""

FACTURADIRECTA_HEADERS = _basic(facturadirecta.TOKEN, "x")
"""What every call of FacturaDirecta's needs."""
