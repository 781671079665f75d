"""Ten nights at a vendor: rows are added, changed and removed between two runs of a tap."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

from chaos.tap_scenarios import FacturaDirectaTap, counted
from chaos.warehouse import Json
from erp_sandbox import exact, facturadirecta, serpi, winfra
from erp_sandbox.serpi.generate import FIRST_DAY, LAST_DAY
from erp_sandbox.winfra.datasets import DATASETS, KEYS

if TYPE_CHECKING:
    from erp_sandbox.server import Sandbox

NIGHTS = 10

FIRST_NIGHT = datetime(LAST_DAY.year, LAST_DAY.month, LAST_DAY.day, 9, tzinfo=UTC) + timedelta(1)
"""The night after the last day of SERPI's documents, in Bogotá too."""


class Source(ABC):
    """A vendor whose data change.

    Attributes:
        connector: the tap's package.
        streams: that are read.
        keyless: those of them whose rows a loader can only append.
    """

    connector: ClassVar[str]
    streams: ClassVar[tuple[str, ...]]
    keyless: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, sandbox: Sandbox, seed: int) -> None:
        self.sandbox = sandbox
        self.chance = random.Random(seed)  # noqa: S311 - a predictable one is the point
        self.night = 0
        self.prepare()

    def prepare(self) -> None:  # noqa: B027 - most have nothing to do
        """Make the vendor ready."""

    @abstractmethod
    def settings(self, url: str) -> Json:
        """Give the tap's settings.

        Args:
            url: of the sandbox.
        """

    @abstractmethod
    def change(self) -> None:
        """Let a day pass and rows be added, changed and removed."""

    @abstractmethod
    def rows(self, stream: str) -> list[Json]:
        """Give what a warehouse must hold now."""

    def truth(self, stream: str) -> Counter[str]:
        """Give the same in the one form in which rows are compared."""
        return counted(self.rows(stream))

    def seen(self, rows: Counter[str]) -> Counter[str]:
        """Give a warehouse's rows in the form of the truth."""
        return rows


class SerpiSource(Source):
    """SERPI: the catalogue is read whole each night, documents with a lookback."""

    connector = "tap_serpi"
    streams = ("articulos", "documentos_contables", "tipos_documento")
    document_keys: ClassVar[list[str]] = ["id"]

    def prepare(self) -> None:
        self.sandbox.serpi.now = lambda: FIRST_NIGHT + timedelta(days=self.night)

    def settings(self, url: str) -> Json:
        return {
            "api_url": f"{url}/serpi/api/v1",
            "token": serpi.TOKEN,
            "secret_key": serpi.SECRET_KEY,
            "start_date": FIRST_DAY.isoformat(),
            "window_days": 60,
            "page_size": 40,
            "key_properties": {"documentos_contables": self.document_keys},
        }

    def change(self) -> None:
        self.night += 1
        chance, vendor = self.chance, self.sandbox.serpi
        vendor.articles.add(codigo=f"NOCHE-{self.night}", costo=exact.Number("0.10000"))
        held = vendor.articles.all()
        for row in chance.sample(held, 3):
            vendor.articles.change(row["id"], costo=exact.Number(f"{chance.randrange(10**9)}.5"))
        vendor.articles.remove(chance.choice(held)["id"])
        self._change_documents()

    def _change_documents(self) -> None:
        documents = self.sandbox.serpi.documents
        today = FIRST_NIGHT.date() + timedelta(days=self.night)
        # Entries are back-dated; the lookback of 30 days finds them.
        day = today - timedelta(days=self.chance.randrange(25))
        documents.add(numeroDoc=910_000 + self.night, fechaDocumento=day.isoformat())
        since = (today - timedelta(days=25)).isoformat()
        recent = [row for row in documents.all() if row["fechaDocumento"] >= since]
        row = self.chance.choice(recent)
        row["detalles"][0]["detalle"] = f"corregido {self.night}"
        documents.change(row["id"], detalles=row["detalles"])

    def rows(self, stream: str) -> list[Json]:
        return cast("list[Json]", self.sandbox.serpi.data(stream))


class KeylessSerpiSource(SerpiSource):
    """The same without a key for documents: whole past days, each row once."""

    document_keys: ClassVar[list[str]] = []
    keyless = frozenset({"documentos_contables"})

    def _change_documents(self) -> None:
        # What is entered for the day that begins; yesterday's are read tonight.
        today = FIRST_NIGHT.date() + timedelta(days=self.night)
        for number in range(self.chance.randrange(4)):
            self.sandbox.serpi.documents.add(
                numeroDoc=920_000 + 10 * self.night + number, fechaDocumento=today.isoformat()
            )

    def rows(self, stream: str) -> list[Json]:
        rows = super().rows(stream)
        # Nine in the morning UTC is four in Bogotá: the same day.
        today = (FIRST_NIGHT.date() + timedelta(days=self.night)).isoformat()
        if stream == "documentos_contables":
            rows = [row for row in rows if row["fechaDocumento"] < today]
        return rows


class WinfraSource(Source):
    """WINFRA: snapshots, increments by date of change, windows with a lookback, days without a key."""

    connector = "tap_winfra_xxl"
    streams = ("articulos", "stocks", "interlocutores", "ventas", "compras", "diario")
    keyless = frozenset({"diario"})
    KEYED = ("interlocutores", "ventas", "compras", "stocks")

    def prepare(self) -> None:
        vendor = self.sandbox.winfra
        vendor.switches.history_days = 60
        vendor.switches.pending_looks = 0
        vendor.clock.set(datetime(2026, 11, 10, 3, tzinfo=UTC))

    def settings(self, url: str) -> Json:
        return {
            "auth_url": f"{url}/winfra",
            "auth_user": winfra.AUTH_USER,
            "auth_password": winfra.AUTH_PASSWORD,
            "domain": winfra.DOMAIN,
            "domain_url": f"{url}/winfra",
            "domain_user": winfra.DOMAIN_USER,
            "domain_password": winfra.DOMAIN_PASSWORD,
            "start_date": "2026-08-01",
            "window_days": 30,
            "poll_interval": 0.01,
            "key_properties": {name: KEYS[name] for name in self.KEYED},
        }

    def change(self) -> None:
        self.night += 1
        chance, vendor = self.chance, self.sandbox.winfra
        vendor.clock.advance(days=1)
        now = vendor.clock.local().isoformat()
        for name in ("articulos", "stocks"):
            rows = vendor.records(name)
            key = DATASETS[name].identity(rows[0])
            new = dict(zip(DATASETS[name].key, key, strict=True))
            new[DATASETS[name].key[0]] = f"N{self.night:05}"
            vendor.add(name, {**chance.choice(rows), **new})
            vendor.remove(name, *DATASETS[name].identity(chance.choice(rows)))
        vendor.change(
            "interlocutores", *self._some("interlocutores"), razon_social=f"Ñ {self.night}"
        )
        partner = {**vendor.records("interlocutores")[0], "codigo": f"Z{self.night:04}"}
        vendor.add("interlocutores", {**partner, "fecha_modificacion": now})
        vendor.change("ventas", *self._some("ventas"), portes=exact.Number(f"{self.night}.10"))
        # A purchase that is entered days after its date; the lookback finds it.
        day = vendor.clock.today() - timedelta(days=chance.randrange(20))
        bought = {**vendor.records("compras")[0], "id": 800_000 + self.night}
        vendor.add("compras", {**bought, "fecha": f"{day}T00:00:00"})
        for number in range(chance.randrange(4)):
            entry = {**vendor.records("diario")[0], "id": 900_000 + 10 * self.night + number}
            vendor.add("diario", {**entry, "fecha": f"{vendor.clock.today()}T00:00:00"})

    def _some(self, dataset: str) -> tuple[object, ...]:
        return DATASETS[dataset].identity(self.chance.choice(self.sandbox.winfra.records(dataset)))

    def rows(self, stream: str) -> list[Json]:
        vendor = self.sandbox.winfra
        rows = vendor.records(stream)
        if stream in self.keyless:
            today = vendor.clock.today().isoformat()
            rows = [row for row in rows if str(row[DATASETS[stream].date_field])[:10] < today]
        return rows


class FacturaDirectaSource(Source):
    """FacturaDirecta: the whole list each time."""

    connector = "tap_facturadirecta"
    streams = ("providers",)

    def settings(self, url: str) -> Json:
        return {
            "api_url": f"{url}/facturadirecta",
            "api_token": facturadirecta.TOKEN,
            "page_size": 20,
        }

    def change(self) -> None:
        self.night += 1
        chance, vendor = self.chance, self.sandbox.facturadirecta
        vendor.add(name=f"Noche {self.night} & ñ", taxCode="00012345")
        identifier = chance.choice(list(vendor.providers))
        vendor.put_provider({**vendor.providers[identifier], "notes": f"nota {self.night}"})
        vendor.remove(chance.choice([each for each in vendor.providers if each != identifier]))

    def rows(self, stream: str) -> list[Json]:
        del stream
        return FacturaDirectaTap.records(self.sandbox)

    def seen(self, rows: Counter[str]) -> Counter[str]:
        return FacturaDirectaTap.with_lists(rows)


SOURCES: tuple[type[Source], ...] = (
    SerpiSource,
    KeylessSerpiSource,
    WinfraSource,
    FacturaDirectaSource,
)


def catalog(source: Source, others: tuple[str, ...] = ()) -> Json:
    """Select a source's streams."""
    return {
        "streams": [
            {
                "tap_stream_id": name,
                "stream": name,
                "schema": {"type": "object", "properties": {}},
                "metadata": [{"breadcrumb": [], "metadata": {"selected": name in source.streams}}],
            }
            for name in (*source.streams, *others)
        ]
    }


__all__ = ["NIGHTS", "SOURCES", "Any", "Source", "catalog"]
