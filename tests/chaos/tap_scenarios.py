"""The three taps in front of random data and servers: settings, faults' paths, and the truth."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

from chaos.canaries import ODD, basic, canary
from chaos.plans import Ground
from chaos.warehouse import Json, canonical
from erp_sandbox import exact
from erp_sandbox.serpi.generate import FIRST_DAY, LAST_DAY
from erp_sandbox.winfra.datasets import DATASETS, KEYS

if TYPE_CHECKING:
    from erp_sandbox.facturadirecta.structure import Node
    from erp_sandbox.server import Sandbox
    from support.raw_server import Received

TEXTS = (
    "ñandú", "línea\nnueva", 'dice "hola"', "barra \\ y / y \\u00e9", "\u2028 separador", "emoji 🧾",
    "  blancos  ", "", "0012", "1.50", "null", "<b>&amp;</b>", "a" * 2000, "tab\there", "\x7f",
)  # fmt: skip

EMPTY_ANSWERS: tuple[Any, ...] = ("code204", "code201", "http204", "null_result", "empty_list")
"""SERPI's; HTTP 404 is one more, which the first page of a list may not be."""

EMPTY_LISTS: tuple[Any, ...] = ("self_closing", "pair", "not_found_404", "not_found_200")
"""FacturaDirecta's."""

WAITS: Mapping[str, Any] = {"retry_wait": 0.01, "retry_time": 0.6, "request_timeout": 0.5}
"""Limits of the runs that meet troubles."""

CALM: Mapping[str, Any] = {"retry_wait": 0.05, "retry_time": 20, "request_timeout": 20}
"""Limits of those that meet none: a busy machine is no failure."""


class TapScenario(ABC):
    """A tap, its server and what it must bring.

    Attributes:
        connector: the tap's package.
        secrets: that must never show.
        streams: the selected ones.
        keyless_dated: streams whose rows a loader can only append.
        whole_windows: those of them that read a window anew from its first row when it was cut off.
        refuses: whether a single 401 ends the tap for good.
    """

    connector: ClassVar[str]
    all_streams: ClassVar[tuple[str, ...]]
    reads: ClassVar[tuple[str, ...]]

    def __init__(self, sandbox: Sandbox, chance: random.Random) -> None:
        self.sandbox = sandbox
        self.chance = chance
        self.secrets: list[str] = []
        self.streams: tuple[str, ...] = self.all_streams
        self.keyless_dated: set[str] = set()
        self.whole_windows: set[str] = set()
        self.settings: Json = {}
        self.prepare()

    @abstractmethod
    def prepare(self) -> None:
        """Make data, secrets and settings at random."""

    @abstractmethod
    def addresses(self, url: str) -> Json:
        """Give the settings that name the server.

        Args:
            url: of the proxy in front of it.
        """

    @abstractmethod
    def truth(self, stream: str) -> Counter[str]:
        """Give the rows that the server holds and the tap must bring."""

    @staticmethod
    @abstractmethod
    def name_of(request: Received) -> str:
        """Give the path under which a request is counted."""

    def seen(self, stream: str, rows: Counter[str]) -> Counter[str]:
        """Give rows in the form of the truth."""
        del stream
        return rows

    def between_runs(self) -> None:  # noqa: B027 - most have nothing to do
        """Do what the world does while no run goes on; the truth stays."""

    @property
    def ground(self) -> Ground:
        """What a plan can strike."""
        lines = sum(self.truth(stream).total() for stream in self.streams) + 2 * len(self.streams)
        return Ground(self.reads, (), lines)

    def secret(self, odd: str = ODD) -> str:
        """Make a secret and remember it."""
        self.secrets.append(canary(self.chance, odd))
        return self.secrets[-1]

    def catalog(self) -> Json:
        """Select the streams, as Meltano does."""
        return {
            "streams": [
                {
                    "tap_stream_id": name,
                    "stream": name,
                    "schema": {"type": "object", "properties": {}},
                    "metadata": [
                        {"breadcrumb": [], "metadata": {"selected": name in self.streams}}
                    ],
                }
                for name in self.all_streams
            ]
        }


def counted(rows: Iterable[Any]) -> Counter[str]:
    """Give rows in their one form."""
    return Counter(map(canonical, rows))


class SerpiTap(TapScenario):
    """tap-serpi: three streams, pages that the server cuts as it likes."""

    connector = "tap_serpi"
    all_streams = ("articulos", "documentos_contables", "tipos_documento")
    reads = ("articulos", "consultar", "tipos")

    def prepare(self) -> None:
        chance, serpi = self.chance, self.sandbox.serpi
        serpi.token, serpi.secret_key = self.secret(), self.secret()
        for number in range(chance.randrange(4)):
            serpi.articles.add(
                codigo=f"AZAR-{number}",
                descripcion=chance.choice(TEXTS),
                palabrasClave=chance.choice(TEXTS),
                camposPersonalizados={chance.choice(TEXTS) or "x": [chance.choice(TEXTS)]},
            )
        switches = serpi.switches
        switches.page_maximum = chance.choice((0, 0, 7, 20))
        switches.past_end = chance.choice(("empty", "last_page", "http404"))
        switches.empty_answer = chance.choice(EMPTY_ANSWERS)
        switches.key_spelling = chance.choice(("json", "table", "mixed"))
        keys = [] if chance.random() < 0.4 else ["id"]
        if not keys:
            self.keyless_dated = self.whole_windows = {"documentos_contables"}
        self.settings = {
            "token": serpi.token,
            "secret_key": serpi.secret_key,
            "start_date": FIRST_DAY.isoformat(),
            "end_date": LAST_DAY.isoformat(),
            "page_size": chance.choice((5, 13, 50)),
            "window_days": chance.choice((45, 120, 500)),
            "lookback_days": 30,
            "key_properties": {"documentos_contables": keys},
        }
        if chance.random() < 0.3:
            self.streams = tuple(chance.sample(self.all_streams, 2))

    def addresses(self, url: str) -> Json:
        return {"api_url": f"{url}/serpi/api/v1"}

    def truth(self, stream: str) -> Counter[str]:
        return counted(cast("list[Json]", self.sandbox.serpi.data(stream)))

    @staticmethod
    def name_of(request: Received) -> str:
        path = request.path
        if path.endswith("/GetTipoDocumento"):
            return "tipos"
        return "consultar" if path.endswith("/ConsultarDocumentoContables") else "articulos"


DATED = frozenset(
    name for name, each in DATASETS.items() if "fecha_desde" in each.parameters and name != "deudas"
)


class WinfraTap(TapScenario):
    """tap-winfra-xxl: petitions that end, vanish or are refused, tokens that expire, slices."""

    connector = "tap_winfra_xxl"
    all_streams = tuple(DATASETS)
    reads = ("token", "generar", "estado", "lista", "datos", "datos")

    def prepare(self) -> None:
        chance, switches = self.chance, self.sandbox.winfra.switches
        switches.auth_password, switches.domain_password = self.secret(), self.secret()
        self.secrets += [
            basic(switches.auth_user, switches.auth_password),
            basic(switches.domain_user, switches.domain_password),
        ]
        self.streams = tuple(chance.sample(sorted(DATASETS), chance.choice((1, 2, 3, 4))))
        switches.history_days = chance.choice((30, 90))
        switches.row_counts = {name: chance.choice((0, 1, 12, 40)) for name in self.streams}
        switches.pending_looks = chance.choice((0, 1, 2))
        switches.token_calls = chance.choice((0, 0, 3, 8))
        switches.expired_token_status = chance.choice((401, 555))
        switches.serve_before_petition_ok = chance.random() < 0.7
        switches.dataset_looks = {name: chance.randrange(3) for name in self.streams}
        switches.json_style = chance.choice(("compact", "spaced", "pretty", "lines"))
        switches.decimals = chance.choice(("numbers", "strings"))
        switches.data_path = chance.choice(("api_v1", "both", "bare"))
        switches.past_end = chance.choice(("empty", "404"))
        keyed = {name: KEYS[name] for name in self.streams if chance.random() < 0.5}
        self.keyless_dated = {name for name in self.streams if name in DATED and name not in keyed}
        today = self.sandbox.winfra.clock.today()
        self.settings = {
            "auth_user": switches.auth_user,
            "auth_password": switches.auth_password,
            "domain": switches.domain,
            "domain_user": switches.domain_user,
            "domain_password": switches.domain_password,
            "start_date": (today - timedelta(days=switches.history_days + 10)).isoformat(),
            "window_days": chance.choice((10, 40, 365)),
            "page_size": chance.choice((0, 3, 10, 1000)),
            "download_ahead": chance.choice((0, 2, 8)),
            "poll_interval": 0.01,
            "poll_max_interval": 0.05,
            "generation_timeout": 20,
            "key_properties": keyed,
        }
        if chance.random() < 0.3:
            self.settings["webhook"] = f"http://127.0.0.1:9/{self.secret('-')}"

    def addresses(self, url: str) -> Json:
        return {"auth_url": f"{url}/winfra", "domain_url": f"{url}/winfra/"}

    def truth(self, stream: str) -> Counter[str]:
        winfra = self.sandbox.winfra
        rows = winfra.records(stream)
        if stream in self.keyless_dated:
            today = winfra.clock.today().isoformat()
            field = DATASETS[stream].date_field
            rows = [row for row in rows if str(row[field])[:10] < today]
        if winfra.switches.decimals == "strings":
            rows = [cast("Json", _spelled_out(row)) for row in rows]
        return counted(rows)

    def between_runs(self) -> None:
        winfra = self.sandbox.winfra
        if self.chance.random() < 0.2:
            winfra.expire_tokens()
        if self.chance.random() < 0.2:
            for petition in list(winfra.petitions):
                winfra.forget(petition)

    @staticmethod
    def name_of(request: Received) -> str:
        path = request.path
        if "/datos_xxl/" in path:
            return "datos"
        if path.endswith("/estado_xxl"):
            return "lista"
        if "/estado_xxl/" in path:
            return "estado"
        return "generar" if path.endswith("/generar_xxl") else "token"


def _spelled_out(value: Any) -> Any:
    """Give a value with its decimals as text."""
    if isinstance(value, dict):
        return {name: _spelled_out(child) for name, child in value.items()}
    if isinstance(value, list):
        return [_spelled_out(child) for child in value]
    return value.text if isinstance(value, exact.Number) else value


class FacturaDirectaTap(TapScenario):
    """tap-facturadirecta: XML in every spelling, lists in any order and of any length."""

    connector = "tap_facturadirecta"
    all_streams = ("providers",)
    reads = ("list", "list", "detail")

    def prepare(self) -> None:
        chance, vendor = self.chance, self.sandbox.facturadirecta
        vendor.token = self.secret("&+/=%")
        self.secrets += [basic(vendor.token, "x")]
        for _ in range(chance.randrange(4)):
            vendor.add(name=chance.choice(TEXTS).replace("\x7f", "") or "x", notes="ñ\nú & <b>")
        switches = vendor.switches
        switches.order = chance.choice(("id", "name", "newest_first"))
        switches.past_end = chance.choice(("empty", "last_page"))
        switches.empty_list = chance.choice(EMPTY_LISTS)
        switches.silent_cap = chance.choice((0, 7))
        switches.text = chance.choice(("as_documented", "cdata", "split_cdata", "plain", "varied"))
        switches.list_items = chance.choice(("full", "thin", "without_custom_attributes"))
        switches.comments = chance.random() < 0.3
        switches.encoding = chance.choice(("UTF-8", "UTF-8", "ISO-8859-1"))
        if switches.encoding != "UTF-8":
            # What Latin-1 lacks is a character reference then, which CDATA cannot hold.
            switches.text = "plain"
        details = ("auto", "never") if switches.list_items == "full" else ("auto", "always")
        self.settings = {
            "api_token": vendor.token,
            "page_size": chance.choice((5, 20, 250)),
            "details": chance.choice(details),
        }

    def addresses(self, url: str) -> Json:
        return {"api_url": f"{url}/facturadirecta"}

    def truth(self, stream: str) -> Counter[str]:
        del stream
        return counted(self.records(self.sandbox))

    @staticmethod
    def records(sandbox: Sandbox) -> list[Json]:
        """Give the records that the account's providers must become, lists where there may be any."""
        return [_provider(each) for each in sandbox.facturadirecta.providers.values()]

    def seen(self, stream: str, rows: Counter[str]) -> Counter[str]:
        del stream
        return self.with_lists(rows)

    @staticmethod
    def with_lists(rows: Counter[str]) -> Counter[str]:
        """Give rows with a list wherever an element may repeat."""
        found: Counter[str] = Counter()
        for row, count in rows.items():
            found[canonical(_lists(exact.loads(row)))] += count
        return found

    @staticmethod
    def name_of(request: Received) -> str:
        return "list" if request.path.endswith("/providers.xml") else "detail"


def _provider(provider: Mapping[str, Node]) -> Json:
    record = dict(provider)
    if record.get("customAttributes") == []:
        record["customAttributes"] = None
    return cast("Json", _lists(record))


REPEATED = frozenset({"contactPerson", "phone", "tag", "dueDate"})
"""Elements that repeat in some providers; one alone is an object until a path was seen to be a list."""


def _lists(value: Any, name: str = "", parent: str = "") -> Any:
    if isinstance(value, dict):
        value = {key: _lists(child, key, name) for key, child in value.items()}
    elif isinstance(value, list):
        value = [_lists(child, "", name) for child in value]
    is_list = name in REPEATED and (name != "phone" or parent == "phones")
    return [value] if is_list and not isinstance(value, list) else value


TAPS: tuple[type[TapScenario], ...] = (SerpiTap, WinfraTap, FacturaDirectaTap)
