"""Articles: created where their code is unknown, changed where it is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from connector_kit.errors import RefusedError
from serpi_client.results import WriteResult
from target_serpi.accounting import Rejection
from target_serpi.article_queue import ArticleQueue, Items
from target_serpi.catalogue import WHERE, Article, Catalogue
from target_serpi.custom_fields import CustomFieldsCheck
from target_serpi.delivery import WriterParts
from target_serpi.exact import decode, encode
from target_serpi.items import Item, Source, batched
from target_serpi.ledger import Action, Attempt, State
from target_serpi.mapping.articulos import (
    ARTICLE,
    CODIGO,
    CUSTOM,
    ID,
    changes,
    holds,
    map_article,
    merged,
)
from target_serpi.mapping.fields import Fault
from target_serpi.mapping.kinds import anything
from target_serpi.outcomes import Outcome
from target_serpi.protocol import Finding, Write
from target_serpi.settings import ARTICULOS

NO_CODE = "(without a code)"
KNOWN = "its code is known"


class ArticleResource:
    """How the protocol looks at articles."""

    stream = ARTICULOS

    def __init__(self, catalogue: Catalogue) -> None:
        """Prepare.

        Args:
            catalogue: asks SERPI.
        """
        self._catalogue = catalogue

    def look_up(self, writes: Sequence[Write[str]]) -> dict[str, list[Article]]:
        """Ask SERPI, now, for the writes' codes."""
        return self._catalogue.fetch([write.item.key for write in writes])

    def finding(self, write: Write[str], found: Sequence[Mapping[str, Any]]) -> Finding:
        """Compare what was found under a code with what was sent."""
        if write.attempt.action is Action.CREATE and not found:
            return Finding.ABSENT
        if len(found) != 1:
            return Finding.DIFFERENT
        if holds(found[0], write.payload):
            return Finding.STORED
        before = write.attempt.stored
        if before and holds(found[0], merged(decode(before), {})):
            return Finding.ABSENT
        return Finding.DIFFERENT


class ArticleWriter:
    """Collects articles into batches and brings them to SERPI."""

    def __init__(self, parts: WriterParts, catalogue: Catalogue) -> None:
        """Prepare.

        Args:
            parts: what every writer works with.
            catalogue: asks what SERPI holds.
        """
        self._client = parts.client
        self._delivery = parts.delivery
        self._accounting = parts.accounting
        self._limits = parts.limits
        self._settings = parts.settings
        self._catalogue = catalogue
        self._resource = ArticleResource(catalogue)
        self._queue = ArticleQueue(catalogue, self._settings["batch_size"])
        self._custom = CustomFieldsCheck(catalogue, self._settings["custom_fields_key"])
        self._rehearsed: dict[str, Article] = {}

    @property
    def is_full(self) -> bool:
        """Whether a batch is complete."""
        return self._queue.is_full

    def add(self, record: Mapping[str, Any], source: Source) -> None:
        """Take a record; one that is not valid is rejected at once.

        Args:
            record: after stream maps.
            source: where it came from.
        """
        payload, faults = map_article(record, self._settings["unknown_fields"])
        if faults:
            code = payload.get(CODIGO) or NO_CODE
            self._reject(Item(code, payload, [source]), faults)
            return
        self._queue.put(Item(payload[CODIGO], payload, [source]))

    def refuse(self, source: Source, reason: str) -> None:
        """Reject a record that could not be read as one.

        Args:
            source: where it came from.
            reason: for a person.
        """
        item = Item(NO_CODE, {}, [source])
        self._accounting.rejected(item, ARTICULOS, Rejection(reason))

    def flush_full(self) -> None:
        """Bring what makes full batches to SERPI.

        Raises:
            ConnectorError: the run must end.
        """
        self._write(self._queue.take_full())

    def flush(self) -> None:
        """Bring what waits to SERPI.

        Raises:
            ConnectorError: the run must end.
        """
        self._write(self._queue.take_all())

    def _write(self, waiting: Items) -> None:
        items = {code: item for code, item in waiting.items() if not self._is_skipped(item)}
        found = self._found(items)
        creates: list[Write[str]] = []
        updates: list[Write[str]] = []
        for code, item in items.items():
            held = found.get(code, [])
            if not held:
                creates += self._create(item)
            elif self._settings["write_mode"] == "create":
                self._skip(item, KNOWN)
            elif len(held) > 1:
                reason = f"SERPI holds {len(held)} articles with this code"
                rejection = Rejection(reason, state=State.CONFLICT)
                self._accounting.rejected(item, ARTICULOS, rejection)
            else:
                updates += self._update(item, held[0])
        size = self._settings["batch_size"]
        calls: Iterator[tuple[Sequence[Write[str]], Sequence[Write[str]]]] = zip_longest(
            batched(creates, size), batched(updates, size), fillvalue=()
        )
        for new, changed in calls:
            self._limits.take(creates=len(new), updates=len(changed))
            self._delivery.deliver(self._resource, new, self._post)
            self._catalogue.created(write.item.key for write in new)
            self._deliver_updates(changed)

    def _is_skipped(self, item: Item[str]) -> bool:
        """Skip a code that is known, where only unknown ones are wanted: nothing need be asked."""
        if self._settings["write_mode"] != "create" or not self._catalogue.has(item.key):
            return False
        self._skip(item, KNOWN)
        return True

    def _skip(self, item: Item[str], reason: str) -> None:
        self._accounting.done(item, Outcome.SKIPPED, reason=reason)

    def _found(self, items: Mapping[str, Item[str]]) -> dict[str, list[Article]]:
        """Read the articles at hand as they are now."""
        rehearsed = {
            code: [self._rehearsed[code]] for code in items.keys() & self._rehearsed.keys()
        }
        asked = [c for c in items if c not in rehearsed and self._catalogue.has(c) is not False]
        return rehearsed | (self._catalogue.fetch(asked) if asked else {})

    def _create(self, item: Item[str]) -> list[Write[str]]:
        if self._settings["write_mode"] == "update":
            self._skip(item, "its code is unknown")
            return []
        if missing := ARTICLE.missing(item.payload):
            self._reject(item, missing)
            return []
        body = self._encoded(item, item.payload)
        if body is None:
            return []
        self._rehearse(item.key, item.payload)
        attempt = self._attempt(item, Action.CREATE, body)
        return [Write(item, item.payload, Outcome.CREATED, attempt)]

    def _update(self, item: Item[str], held: Article) -> list[Write[str]]:
        whole = merged(held, item.payload)
        found = changes(held, whole)
        if not found:
            self._accounting.done(item, Outcome.UNCHANGED)
            return []
        if missing := ARTICLE.missing(whole):
            self._reject(item, missing)
            return []
        body = self._encoded(item, {ID: held.get(ID), **self._renamed(whole)})
        if body is None:
            return []
        self._rehearse(item.key, {ID: held.get(ID), **whole})
        attempt = self._attempt(item, Action.UPDATE, body)
        attempt.stored = encode(anything(held))
        return [Write(item, whole, Outcome.UPDATED, attempt, found)]

    def _renamed(self, whole: Mapping[str, Any]) -> dict[str, Any]:
        key = self._settings["custom_fields_key"]
        return {key if name == CUSTOM else name: value for name, value in whole.items()}

    def _encoded(self, item: Item[str], payload: Mapping[str, Any]) -> bytes | None:
        try:
            return encode(payload)
        except UnicodeEncodeError:
            self._reject(item, [Fault("text", "half a surrogate pair, which is no character")])
            return None

    def _attempt(self, item: Item[str], action: Action, body: bytes) -> Attempt:
        return Attempt(ARTICULOS, item.stream, item.label, action, State.SENDING, body)

    def _reject(self, item: Item[str], faults: Sequence[Fault]) -> None:
        self._accounting.rejected(item, ARTICULOS, Rejection("; ".join(map(str, faults))))

    def _rehearse(self, code: str, article: Article) -> None:
        """Remember in a dry run what SERPI would hold, for a record that comes later."""
        if self._settings["dry_run"]:
            self._rehearsed[code] = article

    def _deliver_updates(self, updates: Sequence[Write[str]]) -> None:
        checked = None if self._settings["dry_run"] else self._custom.pick(updates)
        if checked is not None:
            self._delivery.deliver(self._resource, [checked], self._put)
            try:
                self._custom.check(checked)
            except RefusedError as error:
                self._delivery.doubt(checked, str(error))
                raise
        rest = [write for write in updates if write is not checked]
        self._delivery.deliver(self._resource, rest, self._put)

    def _post(self, bodies: Sequence[bytes]) -> WriteResult:
        return self._client.crear_articulos(bodies, where=WHERE)

    def _put(self, bodies: Sequence[bytes]) -> WriteResult:
        return self._client.modificar_articulos(bodies, where=WHERE)
