"""Runs target-serpi against the sandbox's SERPI, and reads what it leaves: ledger, rejects, report."""

from __future__ import annotations

import functools
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import simplejson

from erp_sandbox import exact
from erp_sandbox.serpi import SECRET_KEY, TOKEN
from support.singer import Json, Run, read_line, run_command
from target_serpi.target import TargetSerpi

if TYPE_CHECKING:
    from erp_sandbox.serpi.app import Serpi
    from support.servers import RunningSandbox

ARTICLES = "articulos"
DOCUMENTS = "documentos_contables"
OUTCOMES = ("created", "updated", "unchanged", "merged", "skipped", "rejected", "unknown")
SUMMARY = re.compile(
    r"\| ([^|\n]+): read ([\d,]+) = ([a-z]+ [\d,]+(?: \+ [a-z ]+ [\d,]+)*)(?: \(dry run[^\n]*)?\n"
)


def schema(stream: str = ARTICLES) -> bytes:
    """A SCHEMA message; the target looks at SERPI's own tables only."""
    return message(type="SCHEMA", stream=stream, schema={"properties": {}}, key_properties=[])


def record(fields: Mapping[str, Any], stream: str = ARTICLES) -> bytes:
    """A RECORD message; Decimals keep their digits."""
    return message(type="RECORD", stream=stream, record=dict(fields))


def state(value: Any) -> bytes:
    """A STATE message."""
    return message(type="STATE", value=value)


def message(**members: Any) -> bytes:
    """Any message, on a line."""
    text: str = simplejson.dumps(members, use_decimal=True, ensure_ascii=False)
    return text.encode() + b"\n"


def stream_of(records: Iterable[Mapping[str, Any]], stream: str = ARTICLES) -> list[bytes]:
    """A SCHEMA, the records, and a STATE that says how many there are."""
    lines = [schema(stream)]
    lines += [record(fields, stream) for fields in records]
    return [*lines, state({"records": len(lines) - 1})]


def article(code: str, **fields: Any) -> Json:
    """A valid article."""
    return {
        "codigo": code,
        "descripcion": f"Artículo {code}",
        "idgrupocontable": 2,
        "idlinea": 1,
        "idcategoria": 2,
        "idpresentacion": 5,
        "idmarca": 1,
        "idunidadmedida": 3,
        "costo": Decimal("1000.00"),
        "activo": True,
        **fields,
    }


def line(naturaleza: str, valor: str = "67900.00000", **fields: Any) -> Json:
    """A valid line of a document."""
    return {
        "cuenta": 52954501 if naturaleza == "D" else 23359501,
        "nitTerceroDet": "1234567890",
        "naturaleza": naturaleza,
        "valor": Decimal(valor),
        "detalle": "SERV DE TRANSP INFORMAL",
        **fields,
    }


def document(number: int, *lines: Json, **fields: Any) -> Json:
    """A valid document with a number that the sandbox does not hold; a debit and a credit by default."""
    return {
        "categoriaDocumento": "CCO",
        "prefijo": "COM",
        "numeroDoc": 700_000 + number,
        "nitTerceroEnc": "1234567890",
        "fechaDocumento": "2026-03-01",
        "detalles": [*lines] or [line("D"), line("C")],
        **fields,
    }


class Target:
    """Runs the target with files of its own.

    Attributes:
        folder: where ledger, rejects and report are.
    """

    def __init__(self, sandbox: RunningSandbox, folder: Path) -> None:
        self._sandbox = sandbox
        self.folder = folder

    @property
    def serpi(self) -> Serpi:
        return self._sandbox.serpi

    def settings(self, **further: Any) -> dict[str, Any]:
        """Settings that work, their waits short enough for tests."""
        return {
            "api_url": self._sandbox.serpi_url,
            "token": TOKEN,
            "secret_key": SECRET_KEY,
            "retry_wait": 0.01,
            "retry_time": 0.2,
            "settle_time": 0.05,
            "request_timeout": 5,
            "lock_timeout": 0.2,
            "ledger_path": str(self.folder / "ledger.sqlite3"),
            "rejects_path": str(self.folder / "rejects.jsonl"),
            "report_path": str(self.folder / "report.html"),
            **further,
        }

    def config_file(self, **further: Any) -> Path:
        """The settings in a file."""
        path = self.folder / "config.json"
        path.write_text(json.dumps(self.settings(**further)), encoding="utf-8")
        return path

    def run(
        self, lines: Sequence[bytes] = (), *, args: Sequence[str] = (), **further: Any
    ) -> TargetRun:
        """Run the target over lines."""
        config = self.config_file(**further)
        done = run_command(TargetSerpi, ["--config", str(config), *args], b"".join(lines))
        return TargetRun(done)

    def ledger(self, sql: str = "SELECT * FROM attempts ORDER BY id") -> list[dict[str, Any]]:
        """Ask the ledger."""
        connection = sqlite3.connect(self.folder / "ledger.sqlite3")
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(sql)]
        finally:
            connection.close()

    def states(self) -> Counter[str]:
        """How many of the ledger's rows have which state; none before its tables are there."""
        try:
            return Counter(row["state"] for row in self.ledger())
        except sqlite3.OperationalError:
            return Counter()

    def rejects(self) -> list[Json]:
        """The messages in the file of rejected records."""
        path = self.folder / "rejects.jsonl"
        return [read_line(line) for line in path.read_bytes().splitlines()] if path.exists() else []

    def reasons(self) -> list[str]:
        """The reasons in the file of rejected records."""
        return [m["rejected"]["reason"] for m in self.rejects() if m["type"] == "RECORD"]

    def report(self) -> Report:
        """The HTML report."""
        return Report((self.folder / "report.html").read_text(encoding="utf-8"))

    def has_article(self, code: str) -> bool:
        """Whether SERPI holds a code."""
        return bool(self.serpi.articles.ids(code))

    def held_documents(self) -> list[Json]:
        """The documents that the tests' own numbers name, as SERPI holds them."""
        return [held for held in self.serpi.documents if held["numeroDoc"] >= 700_000]

    def bodies(self, kind: str) -> list[bytes]:
        """The bodies of the requests of one kind."""
        return [received.body for received in self.serpi.requests if received.kind == kind]

    def sent(self, kind: str) -> list[Any]:
        """The same, decoded exactly."""
        return [exact.loads(body) for body in self.bodies(kind)]


class TargetRun:
    """A run that has ended."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.exit_code = run.exit_code
        self.stderr = run.stderr

    @property
    def states(self) -> list[Any]:
        """What was written on standard output."""
        return [json.loads(line, parse_float=Decimal) for line in self.run.output.lines]

    @functools.cached_property
    def summary(self) -> dict[str, Counter[str]]:
        """The summary's counts by stream; they must add up."""
        found: dict[str, Counter[str]] = {}
        for stream, read, parts in SUMMARY.findall(self.stderr):
            counts = Counter(
                {
                    name: int(number.replace(",", ""))
                    for name, _, number in (part.rpartition(" ") for part in parts.split(" + "))
                }
            )
            assert sum(counts.values()) == int(read.replace(",", "")), (read, counts)
            found[stream.strip()] = +counts
        return found

    def counts(self, stream: str = ARTICLES) -> dict[str, int]:
        """The counts of one stream, without noughts."""
        return dict(self.summary[stream])

    def ok(self, **counts: int) -> TargetRun:
        """The run must have ended well, with these counts over all streams if any are given."""
        return self.ended(0, **counts)

    def ended(self, exit_code: int, *words: str, **counts: int) -> TargetRun:
        """The run must have ended so, with words for the user and counts over all streams."""
        self.run.failed(exit_code, *words)
        if counts:
            assert dict(sum(self.summary.values(), Counter())) == counts
        return self


class Report(HTMLParser):
    """A report, parsed.

    Attributes:
        counts: by stream and name, without noughts.
        records: keys by outcome.
        text: what a reader sees, folded bodies too.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.counts: dict[str, dict[str, int]] = {}
        self.records: dict[str, list[str]] = {}
        self.exit_code: int | None = None
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._texts: list[str] = []
        self._stream = self._outcome = ""
        self._waiting_for = ""
        self.feed(page)
        self.close()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if "data-stream" in given:
            self._stream = str(given["data-stream"])
            self.counts[self._stream] = {}
        if "data-outcome" in given:
            self._outcome = str(given["data-outcome"])
        if "data-exit-code" in given:
            self.exit_code = int(str(given["data-exit-code"]))
        self._waiting_for = str(given.get("data-count", "")) or ("key" if tag == "h3" else "")

    def handle_data(self, data: str) -> None:
        self._texts.append(data)
        if self._waiting_for == "key":
            self.records.setdefault(self._outcome, []).append(data)
        elif self._waiting_for and int(data):
            self.counts[self._stream][self._waiting_for] = int(data)
        self._waiting_for = ""
