"""Vendors that hold as many rows as a test likes: each answer is made on demand, and none is kept."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

SERPI_ROW = b'{"id":%d,"codigo":"E%d","descripcion":"%b","costo":12345.67890,"activo":true}'
WINFRA_ROW = b'{"id":%d,"articulo":"E%d","nombre":"%b","cantidad":12345.678}'
PROVIDER = (
    b"<provider><id>%d</id><legalType>J</legalType><name>E%d</name><notes>%b</notes></provider>"
)
FILLING = "Una nota de cien letras, más o menos, para que cada fila tenga algo que copiar.".encode()

PETITION = "0c1f8a52-0000-4000-8000-000000000000"
MOMENT = "2026-11-20T03:00:00"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    rows: ClassVar[int]
    wbufsize = 1 << 16

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its signature
        """Say nothing."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: int(values[0]) for name, values in parse_qs(url.query).items()}
        if url.path.startswith("/serpi"):
            self._serpi(query["limite"], query["pagina"])
        elif url.path.startswith("/facturadirecta"):
            self._facturadirecta(query["start"], query["limit"])
        elif url.path.endswith("/stocks"):
            self._answer_in_chunks()
        elif "/datos_xxl/" in url.path:
            *_, offset, limit = url.path.split("/")
            self._answer(b"[" + b",".join(self._lines(WINFRA_ROW, int(offset), int(limit))) + b"]")
        else:
            state = self._petition()
            is_list = url.path.endswith("/estado_xxl")
            self._answer(json.dumps([state] if is_list else state).encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", "0")))
        if "/api_token/" in self.path:
            self._answer(b'{"WINFRA-API-TOKEN":"a.token.of-this-test"}')
        else:
            self._answer(json.dumps(self._petition()).encode())

    def _lines(self, row: bytes, start: int, count: int) -> Iterator[bytes]:
        for number in range(start + 1, min(start + count, self.rows) + 1):
            yield row % (number, number, FILLING)

    def _serpi(self, limit: int, page: int) -> None:
        rows = b",".join(self._lines(SERPI_ROW, (page - 1) * limit, limit))
        if rows:
            self._answer(
                b'{"success":true,"code":200,"errors":null,"message":"","result":[%b]}' % rows
            )
        else:
            self._answer(b'{"success":true,"code":204,"message":"No se encontraron registros"}')

    def _facturadirecta(self, start: int, limit: int) -> None:
        providers = b"".join(self._lines(PROVIDER, start, limit))
        self._answer(b"<?xml version='1.0' encoding='UTF-8'?><providers>%b</providers>" % providers,
                     "application/xml; charset=utf-8")  # fmt: skip

    def _petition(self) -> dict[str, object]:
        dataset = {
            "dataset": "stocks", "estado": "OK", "fecha_generacion_inicio": MOMENT,
            "fecha_generacion_fin": MOMENT, "numero_registros": self.rows, "error_message": "",
        }  # fmt: skip
        return {
            "peticion_id": PETITION, "fecha_peticion": MOMENT, "error_message": "", "estado": "OK",
            "datasets": [dataset],
        }  # fmt: skip

    def _answer_in_chunks(self) -> None:
        """Give all rows in one answer."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        begin = b"["
        for start in range(0, self.rows, 1000):
            piece = begin + b",".join(self._lines(WINFRA_ROW, start, 1000))
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            begin = b","
        self.wfile.write(b"1\r\n]\r\n0\r\n\r\n")

    def _answer(self, body: bytes, kind: str = "application/json") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def endless_vendors(rows: int) -> Iterator[str]:
    """Answer for all three vendors, each with so many rows; give the address."""
    handler = type("Handler", (_Handler,), {"rows": rows})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
