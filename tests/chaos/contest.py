"""Plans that meet every contender alike, and what is counted of each: on the server's side of truth."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos.canaries import canary, leaks
from chaos.contenders import Program
from chaos.faults import STDIN, Fault, Stop, Trouble
from chaos.proxy import Proxy
from chaos.running import LimitError, Workshop
from chaos.tap_scenarios import SerpiTap
from chaos.target_scenario import TargetScenario
from chaos.warehouse import Json, Loaders, canonical, messages_of
from erp_sandbox.exact import Number
from erp_sandbox.running import Listener
from erp_sandbox.serpi.app import Serpi
from erp_sandbox.server import Sandbox
from erp_sandbox.vendor import Setup
from support.serpi_target import document, line, record, schema, state

RECORDS = 30
BETWEEN_STATES = 10
MOST_RUNS = 3
"""A scheduler starts a run that failed again, twice."""

LONGEST = 45.0
"""Seconds for a run; the peers' own waits between five tries come to half a minute at most."""

STREAM = "documentos_contables"
POST = "documentos.post"

WAITS: Json = {"request_timeout": 1}
OUR_WAITS: Json = {"retry_wait": 0.05, "retry_time": 20}

Change = Callable[[Serpi], object]


def _nothing(_: Serpi) -> None:
    """Leave SERPI as it is."""


@dataclass(frozen=True)
class Plan:
    """What goes wrong in the first run; the others meet nothing.

    Attributes:
        name: for the table.
        troubles: of the first run.
        prepare: sets SERPI's switches.
        again: whether the whole input is given once more at the end, as by --full-refresh.
        rejects: how many records of the input SERPI refuses, which is no loss.
        page_size: of a read.
    """

    name: str
    troubles: tuple[Trouble, ...] = ()
    prepare: Change = _nothing
    again: bool = False
    rejects: int = 0


@dataclass
class Score:
    """What a plan did to a contender.

    Attributes:
        lost: records that never arrived.
        doubled: records that arrived more than once.
        changed: records that arrived with another content.
        lied: runs that ended in 0 while records were missing, doubled or changed.
        leaked: secrets found in output, log or files.
        hung: runs that were ended from outside.
        codes: exit codes, in order.
    """

    lost: int = 0
    doubled: int = 0
    changed: int = 0
    lied: int = 0
    leaked: int = 0
    hung: int = 0
    codes: list[int] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (
            self.lost or self.doubled or self.changed or self.lied or self.leaked or self.hung
        )

    def words(self) -> str:
        """Say it in a cell of a table."""
        counted = {
            "lost": self.lost, "doubled": self.doubled, "changed": self.changed,
            "wrong exit code": self.lied, "leaked": self.leaked, "hung": self.hung,
        }  # fmt: skip
        return ", ".join(f"{count} {what}" for what, count in counted.items() if count) or "-"


def _at(kind: Any, hit: int = 2, path: str = POST, **more: Any) -> Trouble:
    return Trouble(0, path, hit, Fault(kind, **more))


def _switch(**switches: Any) -> Change:
    return lambda serpi: serpi.switches.update(switches)


WRITES: tuple[Plan, ...] = (
    Plan("nothing goes wrong"),
    Plan("the whole input once more (`--full-refresh`)", again=True),
    Plan("the answer is lost after SERPI has stored", (_at("lost_reset"),)),
    Plan("the same, three times in a row", tuple(_at("lost_close", hit) for hit in (2, 3, 4))),
    Plan("SERPI stores, the client's patience ends first", (_at("stall_body"),)),
    Plan("SERPI works on for 0.2 s after the connection broke", (_at("late", seconds=0.2),)),
    Plan("a gateway says 504 after SERPI has stored", (_at("status_after", status=504),)),
    Plan("503, nothing stored", (_at("status", status=503),)),
    Plan("429 with `Retry-After: 1`", (_at("status", status=429, retry_after="1"),)),
    Plan("a login page with status 200, nothing stored", (_at("html"),)),
    Plan("the answer breaks off", (_at("cut_body"),)),
    Plan("`success: false` beside HTTP 200 after SERPI has stored",
         prepare=_switch(write_trouble="success_false")),
    Plan("SERPI stores 2 of a batch and says so beside `success: true`",
         prepare=_switch(store_at_most=2)),
    Plan("one record of the input is refused", prepare=_switch(check_balance=True), rejects=1),
    Plan("killed (SIGKILL) after SERPI has stored", (Trouble(0, POST, 2, Stop("SIGKILL", "after")),)),
    Plan("killed while it reads", (Trouble(0, STDIN, 18, Stop("SIGKILL")),)),
    Plan("stopped (SIGTERM) while a write is under way",
         (Trouble(0, POST, 2, Stop("SIGTERM", "before")),)),
    Plan("stopped (SIGTERM) between two writes", (Trouble(0, STDIN, 28, Stop("SIGTERM")),)),
    Plan("401 half-way, in words that repeat the token", (_at("status", status=401),)),
)  # fmt: skip

READS: tuple[Plan, ...] = (
    Plan("nothing goes wrong"),
    Plan("a page breaks off", (_at("cut_body", path="articulos"),)),
    Plan("a connection is reset within a page", (_at("reset_body", path="articulos"),)),
    Plan("half a page that looks whole", (_at("garbage_after", path="articulos"),)),
    Plan("a login page with status 200", (_at("html", path="articulos"),)),
    Plan("an empty answer with status 200", (_at("empty_after", path="articulos"),)),
    Plan("a page in Latin-1 that does not say so", (_at("charset", path="articulos"),)),
    Plan("503 with `Retry-After: 1`", (_at("status", path="articulos", status=503, retry_after="1"),)),
    Plan("401 half-way, in words that repeat the token",
         (_at("status", path="articulos", status=401),)),
    Plan("`success: false` beside HTTP 200", prepare=_switch(read_trouble="success_false")),
    Plan("SERPI gives fewer rows a page than asked", prepare=_switch(page_maximum=7)),
    Plan("SERPI repeats its last page for ever", prepare=_switch(past_end="last_page")),
    Plan("SERPI answers 404 past the end", prepare=_switch(past_end="http404")),
    Plan("a field that no document names", prepare=_switch(late_field_from=20)),
    Plan("keys in another spelling", prepare=_switch(key_spelling="mixed")),
    Plan("killed (SIGKILL) half-way", (Trouble(0, "articulos", 3, Stop("SIGKILL", "after")),)),
    Plan("stopped (SIGTERM) half-way", (Trouble(0, "articulos", 3, Stop("SIGTERM", "before")),)),
)  # fmt: skip


class Contest:
    """One plan against one contender, with a SERPI of its own."""

    def __init__(self, plan: Plan, program: Program, folder: Path) -> None:
        self.plan = plan
        self.program = program
        # Some programs look beside their folder.
        self.folder = folder / "run"
        self.folder.mkdir(parents=True)
        self.score = Score()
        chance = random.Random(plan.name)  # noqa: S311 - no secrets but of this test
        self.secrets = [canary(chance, "+/=%"), canary(chance, "+/=%")]
        self.sandbox = Sandbox(Setup(scale=0.02))
        self.serpi = self.sandbox.serpi
        self.serpi.token, self.serpi.secret_key = self.secrets

    def _config(self, proxy: Proxy, *, ours: bool, **more: Any) -> Json:
        waits = {**WAITS, **(OUR_WAITS if ours else {})}
        return {
            "api_url": f"{proxy.url}/serpi/api/v1", "token": self.secrets[0],
            "secret_key": self.secrets[1], **waits, **more,
        }  # fmt: skip

    def _look_for_leaks(self) -> None:
        self.score.leaked = max(self.score.leaked, len(set(leaks(self.secrets, self.folder))))


class WriteContest(Contest):
    """Thirty documents into SERPI."""

    def play(self, *, ours: bool, keeps_own_state: bool) -> Score:
        """Run until a run ends in 0, at most three times.

        Args:
            ours: whether the program has our settings.
            keeps_own_state: whether its state is what it has written, and not what it has read.
        """
        self.serpi.documents.clear()
        # What SERPI itself would not notice is noticed here.
        self.serpi.switches.update({"duplicate_documents": "store"})
        self.plan.prepare(self.serpi)
        kept = self.folder.parent / ".secrets" / "incremental_target_state.json"
        if keeps_own_state:
            kept.parent.mkdir()
        with (
            Listener(self.sandbox) as listener,
            Proxy(listener.url.removeprefix("http://"), TargetScenario.name_of) as proxy,
        ):
            shop = Workshop(self.program, proxy, self.folder, longest=LONGEST)
            start = 0
            for number in range(MOST_RUNS):
                said = self._run(shop, start, number, ours=ours)
                if said and keeps_own_state:
                    kept.write_bytes(said[-1])
                elif said:
                    start = json.loads(said[-1])["records"]
                if self.score.codes[-1] == 0 or self.score.hung:
                    break
            if self.plan.again:
                self._run(shop, 0, MOST_RUNS, ours=ours)
        return self.score

    def _run(self, shop: Workshop, start: int, number: int, *, ours: bool) -> list[bytes]:
        batch = {"batch_size": BETWEEN_STATES, "settle_time": 0.5} if ours else {}
        try:
            ended = shop.run(
                "target_serpi", self._config(shop.proxy, ours=ours, **batch),
                stdin=_lines(start, self.plan),
                troubles=self.plan.troubles if number == 0 else (),
            )  # fmt: skip
        except LimitError:
            self.score.hung += 1
            self.score.codes.append(137)
            return []
        shop.proxy.settled()
        self.score.codes.append(ended.exit_code)
        self._look_for_leaks()
        self._count(ended.exit_code)
        return [line for line in ended.stdout.split(b"\n")[:-1] if line.startswith(b"{")]

    def _count(self, exit_code: int) -> None:
        found: dict[int, list[Json]] = {}
        for row in self.serpi.documents.all():
            found.setdefault(int(row["numeroDoc"]), []).append(row)
        sent = _documents(self.plan)[self.plan.rejects :]
        self.score.lost = sum(each["numeroDoc"] not in found for each in sent)
        self.score.doubled = sum(len(rows) - 1 for rows in found.values())
        self.score.changed = sum(
            not _same_amounts(each, found[each["numeroDoc"]][0])
            for each in sent
            if each["numeroDoc"] in found
        )
        self.score.lied += exit_code == 0 and bool(
            self.score.lost or self.score.doubled or self.score.changed or self.plan.rejects
        )


def _documents(plan: Plan) -> list[Json]:
    made = [
        document(n, line("D", f"{n}.12345"), line("C", f"{n}.12345"), nitTerceroEnc="1234567890")
        for n in range(1, RECORDS + 1)
    ]
    for each in made[: plan.rejects]:
        each["detalles"][1]["valor"] += 1
    return made


def _lines(start: int, plan: Plan) -> list[bytes]:
    """Write the input from a record on, as a tap would that goes on from its state."""
    lines = [_full_schema()]
    for number, each in enumerate(_documents(plan)[start:], start + 1):
        lines.append(record(each, STREAM))
        if number % BETWEEN_STATES == 0:
            lines.append(state({"records": number}))
    return lines


def _full_schema() -> bytes:
    """A SCHEMA that names every property: the SDKs leave out what it does not."""
    found: Json = json.loads(schema(STREAM))
    text, number = {"type": ["null", "string"]}, {"type": ["null", "number"]}
    lines = {"type": "array", "items": {"type": "object", "additionalProperties": True}}
    found["schema"] = {
        "type": "object",
        "properties": {
            "categoriaDocumento": text, "prefijo": text, "numeroDoc": {"type": ["integer", "null"]},
            "nitTerceroEnc": text, "fechaDocumento": text, "detalles": lines, "total": number,
        },
    }  # fmt: skip
    return json.dumps(found).encode() + b"\n"


def _same_amounts(sent: Json, held: Json) -> bool:
    amounts = [sorted(each["valor"] for each in row["detalles"]) for row in (sent, held)]
    return amounts[0] == amounts[1] and sent["nitTerceroEnc"] == held["nitTerceroEnc"]


class ReadContest(Contest):
    """SERPI's catalogue into a warehouse that keeps every row."""

    def play(self, *, ours: bool) -> Score:
        """Run until a run ends in 0, at most three times."""
        if self.plan.prepare is not _nothing:
            self.plan.prepare(self.serpi)
        self.serpi.articles.add(
            codigo="Ñ-1", descripcion="ñandú", costo=Number("12345678901234567.12345")
        )
        loaders = Loaders(merges=True)
        with (
            Listener(self.sandbox) as listener,
            Proxy(listener.url.removeprefix("http://"), SerpiTap.name_of) as proxy,
        ):
            shop = Workshop(self.program, proxy, self.folder, longest=LONGEST)
            for number in range(MOST_RUNS):
                self._run(shop, loaders, number, ours=ours)
                if self.score.codes[-1] == 0 or self.score.hung:
                    break
        return self.score

    def _run(self, shop: Workshop, loaders: Loaders, number: int, *, ours: bool) -> None:
        if number and self.serpi.switches.read_trouble != "none":
            self.serpi.switches.read_trouble = "none"
        catalog = _catalog() if ours else None
        try:
            ended = shop.run(
                "tap_serpi", self._config(shop.proxy, ours=ours, page_size=10), catalog=catalog,
                state=loaders.state, troubles=self.plan.troubles if number == 0 else (),
            )  # fmt: skip
        except LimitError:
            self.score.hung += 1
            self.score.codes.append(137)
            return
        self.score.codes.append(ended.exit_code)
        self._look_for_leaks()
        records = [m for m in messages_of(ended.stdout) if m["type"] == "RECORD"]
        seen = Counter(message["record"]["id"] for message in records)
        self.score.doubled += sum(count - 1 for count in seen.values())
        loaders.take(ended.stdout, ended.exit_code)
        self._count(loaders, ended.exit_code)

    def _count(self, loaders: Loaders, exit_code: int) -> None:
        truth = {row["id"]: canonical(row) for row in self._truth()}
        found = [json.loads(text)["id"] for text in loaders.eager.rows("articulos")]
        rows = set(loaders.eager.rows("articulos"))
        self.score.lost = len(set(truth) - set(found))
        self.score.changed = sum(
            text not in rows for identifier, text in truth.items() if identifier in found
        )
        self.score.lied += exit_code == 0 and bool(self.score.lost or self.score.changed)

    def _truth(self) -> list[Json]:
        rows = self.serpi.articles.all()
        late = self.serpi.switches.late_field_from
        if late:
            for row in rows[late - 1 :]:
                row["campoNuevo"] = Number("1.50000")
        return rows


def _catalog() -> Json:
    return {
        "streams": [
            {
                "tap_stream_id": name, "stream": name,
                "schema": {"type": "object", "properties": {}},
                "metadata": [{"breadcrumb": [], "metadata": {"selected": name == "articulos"}}],
            }
            for name in ("articulos", "documentos_contables", "tipos_documento")
        ]
    }  # fmt: skip


def totals(scores: Sequence[Score]) -> str:
    """Add up a column."""
    total = Score(
        *(sum(getattr(score, name) for score in scores)
          for name in ("lost", "doubled", "changed", "lied", "leaked", "hung"))
    )  # fmt: skip
    return total.words()
