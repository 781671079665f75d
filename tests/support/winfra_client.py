"""The WINFRA API as a test asks it: one requests call each, nothing retried."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import requests

from erp_sandbox import winfra

if TYPE_CHECKING:
    from erp_sandbox.winfra.app import Winfra


class WinfraClient:
    """Speaks the API with the sandbox's own credentials, which a test may change.

    Attributes:
        auth_url, domain_url: Base addresses without a final slash.
        auth_pair, domain_pair: The two Basic pairs.
        token: What goes into the header; taken when first needed.
    """

    def __init__(self, auth_url: str, domain_url: str | None = None) -> None:
        self.auth_url = auth_url
        self.domain_url = domain_url or auth_url
        self.auth_pair: tuple[Any, Any] = (winfra.AUTH_USER, winfra.AUTH_PASSWORD)
        self.domain_pair: tuple[Any, Any] = (winfra.DOMAIN_USER, winfra.DOMAIN_PASSWORD)
        self.token: str | None = None
        self.verify: bool | str = True

    def ask_token(self, domain: str = winfra.DOMAIN, api: str = "xxl") -> requests.Response:
        return requests.post(
            f"{self.auth_url}/api_token/",
            auth=self.auth_pair,
            json={"domain": domain, "api": api},
            verify=self.verify,
            timeout=30,
        )

    def take_token(self, domain: str = winfra.DOMAIN, api: str = "xxl") -> str:
        answer = self.ask_token(domain, api)
        answer.raise_for_status()
        self.token = answer.json()["WINFRA-API-TOKEN"]
        return self.token

    def call(self, method: str, path: str, json: object = None) -> requests.Response:
        token = self.token or self.take_token()
        return requests.request(
            method,
            f"{self.domain_url}/{path}",
            auth=self.domain_pair,
            headers={"WINFRA-API-TOKEN": token},
            json=json,
            verify=self.verify,
            timeout=30,
        )

    def get(self, path: str) -> requests.Response:
        return self.call("GET", path)

    def ask(self, *items: dict[str, Any] | str) -> requests.Response:
        """Send a petition; a dataset's name alone stands for an item without parameters."""
        asked = [{"dataset": item} if isinstance(item, str) else item for item in items]
        return self.call("POST", "api_v1/generar_xxl", json=asked)

    def petition(self, *items: dict[str, Any] | str) -> str:
        """Send a petition and return its id."""
        answer = self.ask(*items)
        answer.raise_for_status()
        return str(answer.json()["peticion_id"])

    def look(self, petition: str) -> dict[str, Any]:
        """Return the petition's state."""
        answer = self.get(f"api_v1/estado_xxl/{petition}")
        answer.raise_for_status()
        state: dict[str, Any] = answer.json()
        return state

    def ready(self, *items: dict[str, Any] | str) -> str:
        """Send a petition, look until it has ended, and return its id."""
        petition = self.petition(*items)
        while self.look(petition)["estado"] not in ("OK", "ERROR"):
            pass
        return petition

    def rows(self, petition: str, dataset: str, piece: str = "") -> requests.Response:
        """Fetch a dataset, whole or (with ``/offset/limit``) in part."""
        return self.get(f"api_v1/datos_xxl/{petition}/{dataset}{piece}")

    def fetch(self, item: dict[str, Any] | str) -> bytes:
        """Ask for one dataset, wait, and return the whole answer."""
        dataset = item if isinstance(item, str) else item["dataset"]
        answer = self.rows(self.ready(item), dataset)
        answer.raise_for_status()
        return answer.content


def array_of(rows: list[bytes]) -> bytes:
    """Write rows as the API does by default."""
    return b"[" + b",".join(rows) + b"]"


def year_to_today(vendor: Winfra) -> dict[str, str]:
    """Return the longest window that `ventas` accepts, up to the clock's today."""
    last = vendor.clock.today()
    first = last - timedelta(days=364)
    return {"fecha_desde": f"{first}T00:00:00", "fecha_hasta": f"{last}T23:59:59"}
