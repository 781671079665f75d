"""A document put in the place of a stored one: the one use of SERPI's PUT, which deletes a range.

The stored content is in the ledger before anything is deleted, one number on one day is deleted, and
where the new document does not come to stand the old one is put back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from typing import Any

from connector_kit.errors import UpstreamError
from connector_kit.signals import GUARD
from serpi_client.client import SerpiClient
from serpi_client.results import Verdict, WriteResult
from target_serpi.document_lookup import WHERE, DocumentLookup
from target_serpi.documents import DocumentResource
from target_serpi.exact import decode, encode
from target_serpi.ledger import Attempt, Ledger, State
from target_serpi.mapping.documentos import (
    DATE,
    DocumentKey,
    key_of,
    same_document,
    stored_document,
)
from target_serpi.mapping.kinds import anything
from target_serpi.protocol import (
    MOST_TRIES,
    Deliverer,
    Steps,
    Unclear,
    Write,
    as_unclear,
    refuses,
)

DELETING = Steps(State.DELETING, State.DELETING, State.NOT_SENT)
DELETED = Steps(State.DELETED, State.DELETED, State.DELETED)

logger = logging.getLogger("target-serpi")


class Stands(Enum):
    """What SERPI holds under the key of a replacement."""

    NEW = "new"
    OLD = "old"
    NOTHING = "nothing"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Replacement:
    """A stored document and what is to take its place.

    Attributes:
        key: of both.
        old: what was stored, in a payload's form.
        new: what is sent.
        attempt: the row in the ledger, which has both.
    """

    key: DocumentKey
    old: dict[str, Any]
    new: dict[str, Any]
    attempt: Attempt


def replacement_of(attempt: Attempt) -> Replacement:
    """Read a replacement out of its row.

    Args:
        attempt: with action `replace`.
    """
    new = stored_document(decode(attempt.payload))
    return Replacement(key_of(new), stored_document(decode(attempt.stored)), new, attempt)


class Replacer:
    """Replaces documents one at a time."""

    def __init__(
        self, client: SerpiClient, lookup: DocumentLookup, deliverer: Deliverer, ledger: Ledger
    ) -> None:
        """Prepare.

        Args:
            client: sends.
            lookup: asks what SERPI holds.
            deliverer: knows how to send once.
            ledger: of this run.
        """
        self._client = client
        self._lookup = lookup
        self._deliverer = deliverer
        self._ledger = ledger
        self._resource = DocumentResource(lookup)

    def replace(self, write: Write[DocumentKey], type_id: int) -> None:
        """Delete the stored document and create the new one, or leave or put back the old one.

        Args:
            write: with the stored document in its attempt.
            type_id: of the stored document's type.

        Raises:
            ConnectorError: the run must end; the ledger has the old document.
        """
        both = replacement_of(write.attempt)
        # A signal waits until one of the two stands: a deleted document is in nobody's books.
        with GUARD.guarded():
            if self._delete(write, both, type_id):
                self._create(write, both)

    def _delete(self, write: Write[DocumentKey], both: Replacement, type_id: int) -> bool:
        """Delete the stored document; False where that came to nothing, which is then put down."""
        day = date.fromisoformat(both.old[DATE])

        def delete(_: Sequence[bytes]) -> WriteResult:
            return self._client.borrar_un_documento(type_id, both.key.number, day, where=WHERE)

        def deleted() -> None:
            self._ledger.note([both.attempt], State.DELETED)

        unclear = Unclear("", 0.0)
        for _ in range(MOST_TRIES):
            answer = self._deliverer.send([both.attempt], delete, DELETING, deleted)
            if isinstance(answer, WriteResult) and answer.verdict is Verdict.ACCEPTED:
                return True
            unclear = as_unclear(answer)
            stands = Stands.OLD if refuses(answer) else self._look(both, unclear, Stands.OLD)
            if stands is Stands.NOTHING:
                deleted()
                self._require_one(write, both, answer)
                return True
            if stands is not Stands.OLD or isinstance(answer, WriteResult):
                reason = f"the stored document was not deleted: {unclear.reason}"
                self._deliverer.conflict(self._resource, write, reason)
                return False
        self._deliverer.give_up(self._resource, write, unclear)
        return False

    def _require_one(
        self, write: Write[DocumentKey], both: Replacement, answer: WriteResult | Unclear
    ) -> None:
        """Stop where SERPI says that it deleted more than the one document that was meant."""
        if isinstance(answer, Unclear) or (answer.done or 0) <= 1:
            return
        self.put_back(both)
        reason = f"SERPI says that it deleted {answer.done} documents where one was meant"
        self._deliverer.conflict(self._resource, write, f"{reason}; the one was put back")
        raise UpstreamError(
            f"SERPI, {WHERE}: {both.key}: {reason}. The one that is known was put back; nothing more is"
            " sent. Look at this document type in SERPI before you run again."
        )

    def _create(self, write: Write[DocumentKey], both: Replacement) -> None:
        """Create the new document, or put the old one back."""
        words = ""
        for _ in range(MOST_TRIES):
            answer = self._deliverer.send(
                [both.attempt], self._post, DELETED, lambda: self._deliverer.confirm(write)
            )
            if isinstance(answer, WriteResult) and answer.verdict is Verdict.ACCEPTED:
                return
            unclear = as_unclear(answer)
            words = unclear.reason
            stands = Stands.NOTHING
            if not refuses(answer):
                stands = self._look(both, unclear, Stands.NOTHING)
            if stands is Stands.NEW:
                self._deliverer.confirm(write)
                return
            if stands is not Stands.NOTHING:
                self._deliverer.conflict(self._resource, write, "SERPI holds something else now")
                return
            if isinstance(answer, WriteResult):
                break
        self.put_back(both)
        reason = f"the new document failed and the old one was put back: {words}"
        self._deliverer.conflict(self._resource, write, reason)

    def put_back(self, both: Replacement) -> None:
        """Create the old document again; SERPI holds nothing under its key.

        Args:
            both: with its row in state DELETED.

        Raises:
            UpstreamError: it could not be put back; the ledger has it.
        """
        again = replace(both.attempt, payload=encode(anything(both.old)))
        words = ""
        for _ in range(MOST_TRIES):
            answer = self._deliverer.send([again], self._post, DELETED, lambda: None)
            if isinstance(answer, WriteResult) and answer.verdict is Verdict.ACCEPTED:
                return
            unclear = as_unclear(answer)
            words = unclear.reason
            if refuses(answer):
                break
            if self._look(both, unclear, Stands.NOTHING) is not Stands.NOTHING:
                return
        raise UpstreamError(
            f"SERPI, {WHERE}: the document {both.key} was deleted and could not be put back ({words})."
            f" Its content is in the ledger, table attempts, id {both.attempt.id}, column stored. Run"
            " again; if it stays so, enter it in SERPI by hand."
        )

    def _look(self, both: Replacement, unclear: Unclear, open_end: Stands) -> Stands:
        """Look what stands, again after a pause where the first look may have been too early."""
        asked = time.monotonic()
        stands = self.stands(both)
        if stands is open_end and unclear.pause > 0:
            logger.warning("%s: %s; looking again in %g s", WHERE, unclear.reason, unclear.pause)
            time.sleep(max(0.0, unclear.pause - (time.monotonic() - asked)))
            stands = self.stands(both)
        return stands

    def stands(self, both: Replacement) -> Stands:
        """Ask what SERPI holds under the key of a replacement, now."""
        held = self._lookup.fetch([both.key]).get(both.key, [])
        if not held:
            return Stands.NOTHING
        if len(held) > 1:
            return Stands.OTHER
        if same_document(both.new, held[0].content):
            return Stands.NEW
        return Stands.OLD if same_document(both.old, held[0].content) else Stands.OTHER

    def _post(self, bodies: Sequence[bytes]) -> WriteResult:
        return self._client.crear_documentos(bodies, where=WHERE)
