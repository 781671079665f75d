"""target-serpi in front of random servers, with random input whose outcome is known beforehand."""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos.canaries import canary
from chaos.plans import Ground
from chaos.tap_scenarios import EMPTY_ANSWERS, TEXTS
from chaos.warehouse import Json
from support.serpi_target import article, document, line, record, schema, state
from support.singer import read_line

if TYPE_CHECKING:
    from erp_sandbox.server import Sandbox
    from support.raw_server import Received

ARTICLES = "articulos"
DOCUMENTS = "documentos_contables"

LATE = 0.05
"""Seconds after which a server that lost its client does what it was asked for."""

SETTLE = 0.35
"""`settle_time` of the runs: longer than that, on a busy machine too."""

WRITE_TROUBLES: tuple[Any, ...] = ("success_false", "errors", "body_500", "html", "broken_json")

CUSTOM = "camposPersonalizados"
STORED_DOCUMENT = ("categoriaDocumento", "prefijo", "numeroDoc", "nitTerceroEnc", "fechaDocumento")


@dataclass
class Given:
    """A record of the input and what must become of it.

    Attributes:
        stream: SERPI's name.
        key: its business key.
        fields: as it comes.
        fate: `stored`; `rejected` (it is not valid, or SERPI refuses it); `kept` (SERPI's own differs
            and stays, without a complaint); `conflict` (the same, with one).
    """

    stream: str
    key: Any
    fields: Json
    fate: str = "stored"


@dataclass
class Input:
    """The whole input, in order."""

    given: list[Given] = field(default_factory=list)
    between_states: int = 7

    def lines(self, start: int = 0) -> list[bytes]:
        """Write the input as a tap would that goes on after so many records."""
        lines = [schema(ARTICLES), schema(DOCUMENTS)]
        for number, each in enumerate(self.given[start:], start + 1):
            lines.append(record(each.fields, each.stream))
            if number % self.between_states == 0 or number == len(self.given):
                lines.append(state({"bookmarks": {"read": {"records": number}}}))
        return lines


class TargetScenario:
    """One server, one input, and what SERPI must hold in the end.

    Attributes:
        secrets: that must never show.
        input: what comes in.
        settings: of the target.
        allowed_rejects: whether rejected records let state pass.
    """

    connector = "target_serpi"

    def __init__(self, sandbox: Sandbox, chance: random.Random) -> None:
        self.sandbox = sandbox
        self.chance = chance
        serpi = sandbox.serpi
        self.secrets = [canary(chance), canary(chance)]
        serpi.token, serpi.secret_key = self.secrets
        self._make_server()
        self.on_existing = chance.choice(("skip", "fail", "replace", "replace"))
        self.allows_rejects = chance.random() < 0.5
        self.input = Input(between_states=chance.choice((1, 3, 7, 1000)))
        self._articles(chance)
        self._documents(chance)
        if chance.random() < 0.7:
            self._shuffle(chance)
        self._before = {row["codigo"]: row for row in serpi.articles}
        self._own = {_key(row): row for row in serpi.documents}
        self.settings: Json = {
            "token": self.secrets[0],
            "secret_key": self.secrets[1],
            "batch_size": chance.choice((1, 4, 10, 100)),
            "on_existing_document": self.on_existing,
            "max_rejects": 1000 if self.allows_rejects else 0,
            "ledger_path": "ledger.sqlite3",
            "rejects_path": "rejects.jsonl",
            "report_path": "report.html",
            "settle_time": SETTLE,
            "lock_timeout": 5,
        }

    # What is made

    def _make_server(self) -> None:
        chance, switches = self.chance, self.sandbox.serpi.switches
        switches.page_maximum = chance.choice((0, 0, 9))
        switches.empty_answer = chance.choice(EMPTY_ANSWERS)
        switches.codigo_filter = chance.choice(("exact", "exact", "number", "prefix", "ignored"))
        switches.key_spelling = chance.choice(("json", "table", "mixed"))
        switches.dates = chance.choice(("day", "datetime"))
        switches.document_ids_change = chance.random() < 0.3
        switches.created_http = chance.choice((200, 201))
        switches.write_refusal = chance.choice(("http", "body"))
        switches.error_shape = chance.choice(("strings", "objects", "object_of_lists"))
        switches.atomic_batches = chance.random() < 0.5
        switches.batch_maximum = chance.choice((0, 0, 3))
        switches.store_at_most = chance.choice((None, None, None, 2))
        switches.decimals = chance.choice(("five_places", "as_sent"))
        switches.duplicate_articles = chance.choice(("refuse", "store", "store"))
        switches.duplicate_documents = chance.choice(("refuse", "store", "store"))
        switches.put_absent = chance.choice(("keep", "null"))
        switches.put_custom = chance.choice(("merge", "replace"))
        switches.write_keys = chance.choice(("any_case", "exact"))
        switches.unknown_fields = chance.choice(("ignore", "refuse"))
        switches.lose_write_answers = chance.choice(("none",) * 6 + ("first", "some"))
        if chance.random() < 0.3:
            switches.write_trouble = chance.choice(WRITE_TROUBLES)

    def _articles(self, chance: random.Random) -> None:
        held = self.sandbox.serpi.articles.all()
        for number in range(chance.choice((0, 3, 15))):
            fields = article(f"C-{number:03}", descripcion=f"Caos {number} {chance.choice(TEXTS)}")
            fields["costo"] = _amount(chance)
            if chance.random() < 0.4:
                fields[CUSTOM] = {"Color": chance.choice(("rojo", "añil")), "Nº": str(number)}
            self._add(Given(ARTICLES, fields["codigo"], fields))
            if chance.random() < 0.2:
                change = {"codigo": fields["codigo"], "costo": _amount(chance)}
                self._add(Given(ARTICLES, fields["codigo"], change))
        for row in chance.sample(held, min(len(held), chance.choice((0, 2, 6)))):
            change = {"codigo": row["codigo"], "costo": _amount(chance)}
            if chance.random() < 0.4:
                change["descripcion"] = f"Cambio {chance.randrange(1000)} ñ"
            if chance.random() < 0.3:
                change[CUSTOM] = {"Color": f"c{chance.randrange(1000)}"}
            self._add(Given(ARTICLES, row["codigo"], change))
        for number in range(chance.choice((0, 0, 1, 2))):
            fields = article(f"MALO-{number}", descripcion=None)
            self._add(Given(ARTICLES, fields["codigo"], fields, "rejected"))

    def _documents(self, chance: random.Random) -> None:
        held = self.sandbox.serpi.documents.all()
        for number in range(chance.choice((0, 4, 15))):
            fields = _document(chance, number)
            self._add(Given(DOCUMENTS, _key(fields), fields))
            if chance.random() < 0.1:
                self._add(Given(DOCUMENTS, _key(fields), copy.deepcopy(fields)))
        for row in chance.sample(held, min(len(held), chance.choice((0, 2, 5)))):
            fields = _as_input(row)
            fate = "stored"
            if chance.random() < 0.6:
                fields["detalles"][0]["detalle"] = f"otro texto {chance.randrange(1000)}"
                fate = {"skip": "kept", "fail": "conflict", "replace": "stored"}[self.on_existing]
            self._add(Given(DOCUMENTS, _key(fields), fields, fate))
        for number in range(chance.choice((0, 0, 1, 2))):
            fields = document(90_000 + number, line("D"), line("C", "1.00"))
            self._add(Given(DOCUMENTS, _key(fields), fields, "rejected"))
            if chance.random() < 0.5:
                fields = document(91_000 + number, prefijo="NADA")
                self._add(Given(DOCUMENTS, _key(fields), fields, "rejected"))

    def _add(self, given: Given) -> None:
        self.input.given.append(given)

    def _shuffle(self, chance: random.Random) -> None:
        """Mix the records; those with one key keep their order."""
        groups: dict[tuple[str, Any], list[Given]] = {}
        for given in self.input.given:
            groups.setdefault((given.stream, given.key), []).append(given)
        names = [name for name, group in groups.items() for _ in group]
        chance.shuffle(names)
        self.input.given = [groups[name].pop(0) for name in names]

    # What is asked of it

    @property
    def has_everything(self) -> bool:
        """Whether every kind of write comes up, and nothing of the input is refused."""
        given = self.input.given
        changed = {each.key for each in given if each.stream == ARTICLES} & set(self._before)
        replaced = {each.key for each in given if each.stream == DOCUMENTS} & set(self._own)
        return (
            self.on_existing == "replace"
            and len(given) > 20
            and len(changed) > 1
            and len(replaced) > 2
            and any(each.key not in self._own for each in given if each.stream == DOCUMENTS)
            and any(each.key not in self._before for each in given if each.stream == ARTICLES)
            and all(each.fate == "stored" for each in given)
            and self.sandbox.serpi.switches.write_trouble == "none"
        )

    @property
    def ground(self) -> Ground:
        """What a plan can strike."""
        writes = ["articulos.post", "articulos.put", "documentos.post"]
        if self.on_existing == "replace":
            writes.append("documentos.delete")
        return Ground(
            ("articulos.get", "consultar", "tipos"),
            tuple(writes),
            len(self.input.lines()),
            is_target=True,
        )

    @staticmethod
    def addresses(url: str) -> Json:
        """Give the settings that name the server."""
        return {"api_url": f"{url}/serpi/api/v1"}

    @staticmethod
    def name_of(request: Received) -> str:
        """Give the path under which a request is counted."""
        path, method = request.path, request.method
        if path.endswith("/GetTipoDocumento"):
            return "tipos"
        if path.endswith("/ConsultarDocumentoContables"):
            return "consultar"
        if path.endswith("/Articulo"):
            return f"articulos.{method.lower()}"
        return "documentos.delete" if method == "PUT" else "documentos.post"

    # What must be true

    def wrong(self, folder: Path, *, upto: int, is_complete: bool) -> Iterator[str]:
        """Compare SERPI with the input.

        Args:
            folder: of the target's files.
            upto: so many records of the input were said to be dealt with.
            is_complete: whether the run said that all of them are.

        Yields:
            what is wrong, in words.
        """
        rejected = rejected_keys(folder)
        by_key: dict[tuple[str, Any], list[tuple[int, Given]]] = {}
        for number, given in enumerate(self.input.given, 1):
            by_key.setdefault((given.stream, given.key), []).append((number, given))
        for (stream, key), each in by_key.items():
            judge = self._wrong_article if stream == ARTICLES else self._wrong_document
            said = sum(number <= upto for number, _ in each)
            yield from judge(key, [given for _, given in each], said, key_text(key) in rejected,
                             is_complete=is_complete)  # fmt: skip
        yield from self._wrong_others(set(by_key))

    def _wrong_article(
        self, code: str, each: Sequence[Given], said: int, is_rejected: bool, *, is_complete: bool
    ) -> Iterator[str]:
        held = self.sandbox.serpi.articles.find(code)
        before = self._before.get(code)
        if len(held) > 1:
            yield f"(b) article {code} is stored {len(held)} times"
            return
        if each[0].fate == "rejected":
            if held:
                yield f"(b) article {code} is not valid and is stored"
            if (said or is_complete) and not is_rejected:
                yield f"(c) article {code} is not valid, and no reason is kept"
            return
        if is_rejected:
            return
        folds = [before]
        for given in each:
            folds.append(_overlaid(folds[-1], given.fields))
        allowed = folds[-1:] if is_complete else folds[1:] if said else folds
        found = held[0] if held else None
        if not any(_holds_article(found, fold) for fold in allowed):
            what = (
                "missing"
                if found is None
                else f"another than the input: {_gap(found, allowed[-1])}"
            )
            yield f"({'c' if found is None else 'b'}) article {code} is {what}"

    def _wrong_document(
        self, key: Any, each: Sequence[Given], said: int, is_rejected: bool, *, is_complete: bool
    ) -> Iterator[str]:
        held = self.sandbox.serpi.documents.find(key)
        fate = each[0].fate
        is_owed = (said > 0 or is_complete) and not is_rejected
        if len(held) > 1:
            yield f"(b) document {key} is stored {len(held)} times"
        elif fate == "stored":
            found = held[0] if held else None
            yield from self._wrong_stored(key, each[0].fields, found, is_owed, is_complete)
        else:
            if held and fate == "rejected":
                yield f"(b) document {key} is not valid and is stored"
            if fate != "rejected" and list(map(_as_input, held)) != [_as_input(self._own[key])]:
                yield f"(b) SERPI's own document {key} was changed"
            if fate != "kept" and is_owed:
                yield f"(c) document {key} is not taken, and no reason is kept"

    def _wrong_stored(
        self, key: Any, fields: Json, found: Json | None, is_owed: bool, is_complete: bool
    ) -> Iterator[str]:
        """Look at a document that must be stored; until then SERPI's own stands, or is put back."""
        own = self._own.get(key)
        if found is None:
            if own is not None and is_complete:
                yield f"(b) SERPI's own document {key} is gone"
            elif is_owed:
                yield f"(c) document {key} is missing"
        elif not _holds_document(found, fields):
            if own is None or _as_input(found) != _as_input(own):
                yield f"(b) document {key} is another than the input and than SERPI's own"
            elif is_owed:
                yield f"(c) document {key} was not replaced, and no reason is kept"

    def _wrong_others(self, given: set[tuple[str, Any]]) -> Iterator[str]:
        """Look at what SERPI held and the input does not name."""
        serpi = self.sandbox.serpi
        articles = Counter(serpi.articles.all_keys())
        for code, row in self._before.items():
            if (ARTICLES, code) not in given and serpi.articles.find(code) != [row]:
                yield f"(b) article {code}, which is none of the input, was changed"
        for key, row in self._own.items():
            found = serpi.documents.find(key)
            if (DOCUMENTS, key) not in given and [_as_input(each) for each in found] != [
                _as_input(row)
            ]:
                yield f"(b) document {key}, which is none of the input, was changed"
        known = {key for stream, key in given if stream == ARTICLES} | set(self._before)
        if strange := set(articles) - known:
            yield f"(b) articles that nobody sent: {strange}"
        documents = {key for stream, key in given if stream == DOCUMENTS} | set(self._own)
        if odd := set(serpi.documents.all_keys()) - documents:
            yield f"(b) documents that nobody sent: {odd}"

    def changed_documents(self) -> list[Any]:
        """Give the keys of SERPI's own documents that are gone or another now."""
        find = self.sandbox.serpi.documents.find
        return [
            key
            for key, row in self._own.items()
            if list(map(_as_input, find(key))) != [_as_input(row)]
        ]

    def expected_exit(self) -> int:
        """Give the exit code of a run without troubles."""
        refused = any(given.fate in ("rejected", "conflict") for given in self.input.given)
        return 4 if refused and not self.allows_rejects else 0


def _amount(chance: random.Random) -> Decimal:
    return Decimal(chance.choice((0, 1, 7, 12345, 10**12, chance.randrange(10**9)))) / Decimal(
        chance.choice((1, 10, 100, 100_000))
    )


def _document(chance: random.Random, number: int) -> Json:
    amounts = [_amount(chance) + Decimal("0.01") for _ in range(chance.choice((1, 1, 2, 5)))]
    lines = [line("D", str(amount), detalle=chance.choice(TEXTS)) for amount in amounts]
    lines.append(line("C", str(sum(amounts)), cruceNumero=chance.choice((None, number))))
    category, prefix = chance.choice((("CCO", "COM"), ("NC", "NCC"), ("FV", "FE")))
    day = f"2026-0{chance.randrange(1, 9)}-{chance.randrange(10, 28)}"
    return document(number, *lines, categoriaDocumento=category, prefijo=prefix, fechaDocumento=day)


def _key(row: Json) -> tuple[str, str, int]:
    return row["categoriaDocumento"], row["prefijo"], int(row["numeroDoc"])


def key_text(key: Any) -> str:
    """Write a key as the target does."""
    return key if isinstance(key, str) else "/".join(map(str, key))


def _as_input(row: Json) -> Json:
    """Give a stored document as a tap would bring it, without what only a read gives."""
    fields = {name: row[name] for name in STORED_DOCUMENT}
    fields["detalles"] = [
        {name: value for name, value in each.items() if name != "nombreTerceroDet"}
        for each in row["detalles"]
    ]
    return fields


def _same(sent: Any, held: Any) -> bool:
    """Compare as a bookkeeper would: amounts by value, days by day, text to the letter."""
    if isinstance(sent, Decimal | int) and not isinstance(sent, bool):
        return isinstance(held, Decimal | int) and not isinstance(held, bool) and sent == held
    if isinstance(sent, str) and isinstance(held, str):
        return sent == held
    if isinstance(sent, dict) and isinstance(held, dict):
        return sent.keys() == held.keys() and all(_same(sent[name], held[name]) for name in sent)
    return bool(sent == held)


def _overlaid(held: Json | None, sent: Json) -> Json:
    whole = {**(held or {}), **sent}
    theirs = (held or {}).get(CUSTOM)
    if isinstance(sent.get(CUSTOM), dict) and isinstance(theirs, dict):
        whole[CUSTOM] = {**theirs, **sent[CUSTOM]}
    return whole


def _holds_article(found: Json | None, wanted: Json | None) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return all(_same(value, found.get(name)) for name, value in wanted.items())


def _gap(found: Json, wanted: Json | None) -> str:
    names = [n for n, value in (wanted or {}).items() if not _same(value, found.get(n))]
    return ", ".join(f"{n}: {found.get(n)!r} for {(wanted or {})[n]!r}" for n in names[:3])


def _holds_document(found: Json, sent: Json) -> bool:
    if not all(_same(value, found.get(name)) for name, value in sent.items() if name != "detalles"):
        return False
    rest = list(found["detalles"])
    for each in sent["detalles"]:
        place = next((p for p, row in enumerate(rest) if _same_line(each, row)), None)
        if place is None:
            return False
        del rest[place]
    return not rest


def _same_line(sent: Json, held: Json) -> bool:
    return all(
        _same(value, held.get(name)) or (value is None and held.get(name) in (0, None))
        for name, value in sent.items()
    )


def rejected_keys(folder: Path) -> set[str]:
    """Give the keys of all records that any run has rejected with a reason."""
    return {told["key"] for path in folder.glob("rejects*.jsonl") for told in rejections(path)}


def rejections(path: Path) -> list[Json]:
    """Give what one file says of its rejected records; none where there is no file."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    found = [told for line in lines if (told := read_line(line).get("rejected")) is not None]
    assert all(told["reason"] for told in found), "a rejected record without a reason"
    return found
