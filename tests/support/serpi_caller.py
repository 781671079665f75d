"""SERPI's calls as a plain client makes them: one session, nothing retried, nothing hidden."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self, cast

import requests

from erp_sandbox import exact
from erp_sandbox.serpi import SECRET_KEY, TOKEN
from erp_sandbox.serpi.generate import FIRST_DAY, LAST_DAY

if TYPE_CHECKING:
    from types import TracebackType

ALL_TYPES = [1, 2, 15, 16]


class SerpiCaller:
    """A session with SERPI's two headers; every call returns the response as it came."""

    def __init__(self, url: str, token: str = TOKEN, secret_key: str = SECRET_KEY) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"secretkey": secret_key, "Authorization": f"Bearer {token}"})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()

    def call(
        self, method: str, path: str, body: bytes | str | None = None, **query: Any
    ) -> requests.Response:
        return self._session.request(
            method,
            f"{self._url}/{path}",
            params=query,
            data=body.encode() if isinstance(body, str) else body,
            timeout=10,
            allow_redirects=False,
        )

    def articles(self, **query: Any) -> requests.Response:
        return self.call("GET", "Articulo", **query)

    def types(self, **query: Any) -> requests.Response:
        return self.call("GET", "DocumentoContable/GetTipoDocumento", **query)

    def documents(self, body: dict[str, Any] | None = None, **query: Any) -> requests.Response:
        wanted = {
            "tiposDocumentos": ALL_TYPES,
            "numeroDesde": None,
            "numeroHasta": None,
            "fechaDesde": FIRST_DAY.isoformat(),
            "fechaHasta": LAST_DAY.isoformat(),
            **(body or {}),
        }
        path = "DocumentoContable/ConsultarDocumentoContables"
        return self.call("POST", path, json.dumps(wanted), **query)

    def create_articles(self, *records: object) -> requests.Response:
        return self.call("POST", "Articulo", exact.dumps(records))

    def update_articles(self, *records: object) -> requests.Response:
        return self.call("PUT", "Articulo", exact.dumps(records))

    def create_documents(self, *records: object) -> requests.Response:
        return self.call("POST", "DocumentoContable", exact.dumps(records))

    def delete_documents(self, **body: object) -> requests.Response:
        return self.call("PUT", "DocumentoContable", exact.dumps(body))


def body_of(response: requests.Response) -> dict[str, Any]:
    """Decode an answer with its numbers exact."""
    return cast("dict[str, Any]", exact.loads(response.content))


def rows_of(response: requests.Response) -> list[dict[str, Any]]:
    """Return an answer's rows with their numbers exact."""
    return cast("list[dict[str, Any]]", body_of(response)["result"])


def new_article(code: str, **fields: object) -> dict[str, Any]:
    """Return what a write of a new article needs."""
    return {
        "codigo": code,
        "descripcion": f"Artículo {code}",
        "idgrupocontable": 2,
        "idlinea": 1,
        "idcategoria": 2,
        "idpresentacion": 5,
        "idmarca": 1,
        "idunidadmedida": 3,
        "activo": True,
        **fields,
    }


def new_document(number: int, amount: str = "67900.00000", **fields: object) -> dict[str, Any]:
    """Return what a write of a balanced document needs."""
    line = {"nitTerceroDet": "1234567890", "valor": exact.Number(amount)}
    return {
        "categoriaDocumento": "CCO",
        "prefijo": "COM",
        "numeroDoc": number,
        "nitTerceroEnc": "1234567890",
        "fechaDocumento": "2026-03-01",
        "detalles": [
            {"cuenta": 52954501, "naturaleza": "D", **line},
            {"cuenta": 23359501, "naturaleza": "C", **line},
        ],
        **fields,
    }
