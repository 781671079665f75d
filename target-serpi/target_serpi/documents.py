"""Accounting documents: created where their key is unknown, and never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from serpi_client.results import WriteResult
from target_serpi.accounting import Rejection
from target_serpi.delivery import WriterParts
from target_serpi.document_lookup import WHERE, DocumentLookup, StoredDocument
from target_serpi.exact import encode
from target_serpi.items import Item, Source
from target_serpi.ledger import Action, Attempt, State
from target_serpi.mapping.documentos import (
    DocumentKey,
    document_changes,
    key_of,
    map_document,
    same_document,
)
from target_serpi.mapping.fields import Fault
from target_serpi.outcomes import Outcome
from target_serpi.protocol import Finding, Write
from target_serpi.settings import DOCUMENTOS

NO_KEY = "(without a key)"
MOST_PAIRS_SHOWN = 20
DIFFERS = "SERPI holds this document with another content"
GIVEN_TWICE = "this input has another document with the same key and another content"


class DocumentResource:
    """How the protocol looks at documents."""

    stream = DOCUMENTOS

    def __init__(self, lookup: DocumentLookup) -> None:
        """Prepare.

        Args:
            lookup: asks SERPI.
        """
        self._lookup = lookup

    def look_up(
        self, writes: Sequence[Write[DocumentKey]]
    ) -> dict[DocumentKey, list[dict[str, Any]]]:
        """Ask SERPI, now, for the writes' keys."""
        found = self._lookup.fetch(write.item.key for write in writes)
        return {key: [document.content for document in held] for key, held in found.items()}

    def finding(self, write: Write[DocumentKey], found: Sequence[Mapping[str, Any]]) -> Finding:
        """Compare what was found under a key with what was sent."""
        if not found:
            return Finding.ABSENT
        is_stored = len(found) == 1 and same_document(write.payload, found[0])
        return Finding.STORED if is_stored else Finding.DIFFERENT


class DocumentWriter:
    """Collects documents into batches and brings them to SERPI."""

    def __init__(self, parts: WriterParts, lookup: DocumentLookup) -> None:
        """Prepare.

        Args:
            parts: what every writer works with.
            lookup: asks what SERPI holds.
        """
        self._client = parts.client
        self._delivery = parts.delivery
        self._replacing = parts.replacing
        self._accounting = parts.accounting
        self._limits = parts.limits
        self._settings = parts.settings
        self._lookup = lookup
        self._resource = DocumentResource(lookup)
        self._waiting: dict[DocumentKey, Item[DocumentKey]] = {}
        self._seen: dict[tuple[str, str], dict[int, int]] = {}

    @property
    def is_full(self) -> bool:
        """Whether a batch is complete."""
        return len(self._waiting) >= int(self._settings["batch_size"])

    def add(self, record: Mapping[str, Any], source: Source) -> None:
        """Take a record; one that is not valid is rejected at once.

        Args:
            record: after stream maps.
            source: where it came from.
        """
        payload, faults = map_document(
            record,
            self._settings["unknown_fields"],
            check_balance=self._settings["check_balance"],
        )
        if faults:
            names = ("categoriaDocumento", "prefijo", "numeroDoc")
            label = "/".join(str(payload.get(name, "?")) for name in names)
            self._reject(Item(label, payload, [source]), "; ".join(map(str, faults)))
            return
        item = Item(key_of(payload), payload, [source])
        earlier = self._waiting.get(item.key)
        if earlier is None:
            self._waiting[item.key] = item
        elif same_document(payload, earlier.payload) and same_document(earlier.payload, payload):
            earlier.sources.append(source)
        else:
            self._reject(item, GIVEN_TWICE)

    def refuse(self, source: Source, reason: str) -> None:
        """Reject a record that could not be read as one.

        Args:
            source: where it came from.
            reason: for a person.
        """
        item = Item(NO_KEY, {}, [source])
        self._accounting.rejected(item, DOCUMENTOS, Rejection(reason))

    def flush_full(self) -> None:
        """Bring a full batch to SERPI; all that waits is one."""
        self.flush()

    def flush(self) -> None:
        """Bring what waits to SERPI.

        Raises:
            ConnectorError: the run must end.
        """
        items, self._waiting = self._waiting, {}
        if not items:
            return
        known = [item for item in items.values() if self._has_type(item)]
        found = self._lookup.fetch(item.key for item in known) if known else {}
        creates: list[Write[DocumentKey]] = []
        replacements: list[Write[DocumentKey]] = []
        for item in known:
            body = self._encoded(item)
            if body is None:
                continue
            held = found.get(item.key, [])
            if self._is_repeated(item, held, body):
                continue
            if not held:
                attempt = self._attempt(item, Action.CREATE, body)
                creates.append(Write(item, item.payload, Outcome.CREATED, attempt))
            else:
                replacements += self._judge(item, held, body)
        self._limits.take(creates=len(creates), updates=len(replacements))
        self._delivery.deliver(self._resource, creates, self._post)
        for write in replacements:
            (type_id,) = self._lookup.types()[write.item.key.pair]
            self._replacing.replace(write, type_id)

    def _has_type(self, item: Item[DocumentKey]) -> bool:
        types = self._lookup.types()
        if item.key.pair in types:
            return True
        known = [f"{category} {prefix}" for category, prefix in sorted(types)]
        more = ", ..." if len(known) > MOST_PAIRS_SHOWN else ""
        self._reject(
            item,
            f"SERPI has no document type with category {item.key.category!r} and prefix"
            f" {item.key.prefix!r}; it has {', '.join(known[:MOST_PAIRS_SHOWN])}{more}",
        )
        return False

    def _is_repeated(
        self, item: Item[DocumentKey], held: Sequence[StoredDocument], body: bytes
    ) -> bool:
        """Deal with a document that an earlier batch of this run had; note the others."""
        numbers = self._seen.setdefault(item.key.pair, {})
        digest = hash(body)
        before = numbers.setdefault(item.key.number, 0)
        numbers[item.key.number] = before or digest
        if not before or any(same_document(item.payload, found.content) for found in held):
            return False
        if before != digest:
            self._reject(item, GIVEN_TWICE)
            return True
        if self._settings["dry_run"]:
            self._accounting.done(item, Outcome.UNCHANGED)
            return True
        return False

    def _judge(
        self, item: Item[DocumentKey], held: Sequence[StoredDocument], body: bytes
    ) -> list[Write[DocumentKey]]:
        """Decide about a document whose key SERPI holds already."""
        has_one_type = len(self._lookup.types()[item.key.pair]) == 1
        if any(same_document(item.payload, document.content) for document in held) and (
            len(held) == 1 or not has_one_type
        ):
            self._accounting.done(item, Outcome.UNCHANGED)
            return []
        changes = document_changes(held[0].content, item.payload)
        if len(held) > 1:
            self._reject(item, f"SERPI holds {len(held)} documents with this key", conflict=True)
        elif self._settings["on_existing_document"] == "skip":
            self._accounting.done(item, Outcome.SKIPPED, reason=DIFFERS, changes=changes, body=body)
        elif self._settings["on_existing_document"] == "fail":
            self._reject(item, DIFFERS, conflict=True)
        elif not has_one_type:
            reason = f"{DIFFERS}, under one of several types: none is deleted"
            self._reject(item, reason, conflict=True)
        else:
            attempt = self._attempt(item, Action.REPLACE, body)
            attempt.stored = held[0].raw
            return [Write(item, item.payload, Outcome.UPDATED, attempt, changes)]
        return []

    def _encoded(self, item: Item[DocumentKey]) -> bytes | None:
        try:
            return encode(item.payload)
        except UnicodeEncodeError:
            fault = Fault("text", "half a surrogate pair, which is no character")
            self._reject(item, str(fault))
            return None

    def _attempt(self, item: Item[DocumentKey], action: Action, body: bytes) -> Attempt:
        return Attempt(DOCUMENTOS, item.stream, item.label, action, State.SENDING, body)

    def _reject(self, item: Item[Any], reason: str, *, conflict: bool = False) -> None:
        state = State.CONFLICT if conflict else State.REJECTED
        self._accounting.rejected(item, DOCUMENTOS, Rejection(reason, state=state))

    def _post(self, bodies: Sequence[bytes]) -> WriteResult:
        return self._client.crear_documentos(bodies, where=WHERE)
