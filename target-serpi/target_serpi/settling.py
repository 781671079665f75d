"""What earlier runs left without an end is looked up before anything is read.

By look-up alone, save that a document which was deleted to be replaced is put back.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from target_serpi.articles import ArticleResource
from target_serpi.documents import DocumentResource
from target_serpi.exact import decode
from target_serpi.items import Item
from target_serpi.ledger import Action, Attempt, Ledger, State
from target_serpi.mapping.articulos import ARTICLE, CODIGO
from target_serpi.mapping.documentos import key_of, stored_document
from target_serpi.outcomes import Outcome
from target_serpi.protocol import Finding, Resource, Write
from target_serpi.replacing import Replacement, Replacer, Stands, replacement_of
from target_serpi.settings import ARTICULOS

EARLIER = "an earlier run ended before this was confirmed; "
AS_IT_WAS = EARLIER + "the stored document stands as it was"
PUT_BACK = EARLIER + "the stored document had been deleted and was put back"
OTHER = EARLIER + "SERPI holds something else"

logger = logging.getLogger("target-serpi")


class Settler:
    """Settles the open rows of the ledger."""

    def __init__(
        self,
        ledger: Ledger,
        articles: ArticleResource,
        documents: DocumentResource,
        replacer: Replacer,
        settle_time: float,
    ) -> None:
        """Prepare.

        Args:
            ledger: of this run.
            articles: looks at articles.
            documents: looks at documents.
            replacer: puts documents back.
            settle_time: seconds after which what is absent is believed to be absent.
        """
        self._ledger = ledger
        self._articles = articles
        self._documents = documents
        self._replacer = replacer
        self._settle_time = settle_time

    def settle(self) -> Counter[State]:
        """Settle all open rows.

        Returns:
            how many rows came to which state.

        Raises:
            ConnectorError: SERPI could not be asked, or a document could not be put back.
        """
        rows = self._ledger.unsettled()
        if not rows:
            return Counter()
        logger.info("%d writes of an earlier run have no end; they are looked up first", len(rows))
        plain = [row for row in rows if row.state in (State.SENDING, State.UNKNOWN)]
        self._settle_plain(self._articles, [_article(row) for row in plain if _is_article(row)])
        self._settle_plain(self._documents, [_document(r) for r in plain if not _is_article(r)])
        for row in rows:
            if row.state in (State.DELETING, State.DELETED):
                self._settle_replacement(replacement_of(row))
        settled = Counter(row.state for row in rows)
        words = ", ".join(f"{count} {state}" for state, count in settled.items())
        logger.info("the writes of the earlier run are settled: %s", words)
        return settled

    def _settle_plain(self, resource: Resource[Any], writes: Sequence[Write[Any]]) -> None:
        open_writes = self._looked_up(resource, writes)
        if open_writes and self._wait([write.attempt for write, _ in open_writes]):
            open_writes = self._looked_up(resource, [write for write, _ in open_writes])
        for write, finding in open_writes:
            if finding is Finding.ABSENT:
                reason = EARLIER + "SERPI does not hold it, so it is sent when it comes again"
                self._ledger.note([write.attempt], State.ABSENT, reason)
            else:
                self._ledger.note([write.attempt], State.CONFLICT, OTHER)

    def _looked_up(
        self, resource: Resource[Any], writes: Sequence[Write[Any]]
    ) -> list[tuple[Write[Any], Finding]]:
        """Confirm what is stored and return the rest."""
        if not writes:
            return []
        found = resource.look_up(writes)
        findings = [(w, resource.finding(w, found.get(w.item.key, ()))) for w in writes]
        stored = [write.attempt for write, finding in findings if finding is Finding.STORED]
        if stored:
            self._ledger.note(stored, State.CONFIRMED, EARLIER + "SERPI holds it")
        return [(write, finding) for write, finding in findings if finding is not Finding.STORED]

    def _wait(self, attempts: Sequence[Attempt]) -> bool:
        """Wait until SERPI cannot be working on writes any more; False where no wait is needed."""
        youngest = max(attempt.updated for attempt in attempts)
        # A clock that was put back must not make the wait longer than it ever is.
        seconds = min(self._settle_time, youngest + self._settle_time - time.time())
        if seconds <= 0:
            return False
        logger.info("looking again in %.1f s: SERPI may still be working on them", seconds)
        time.sleep(seconds)
        return True

    def _settle_replacement(self, both: Replacement) -> None:
        stands = self._replacer.stands(both)
        if stands in (Stands.NOTHING, Stands.OLD) and self._wait([both.attempt]):
            stands = self._replacer.stands(both)
        if stands is Stands.NOTHING:
            self._ledger.note([both.attempt], State.DELETED, both.attempt.reason)
            self._replacer.put_back(both)
        state, reason = AFTER[stands]
        self._ledger.note([both.attempt], state, reason)


AFTER: Mapping[Stands, tuple[State, str]] = {
    Stands.NEW: (State.CONFIRMED, EARLIER + "SERPI holds it"),
    Stands.OLD: (State.CONFLICT, AS_IT_WAS),
    Stands.NOTHING: (State.CONFLICT, PUT_BACK),
    Stands.OTHER: (State.CONFLICT, OTHER),
}


def _is_article(row: Attempt) -> bool:
    return row.stream == ARTICULOS


def _article(row: Attempt) -> Write[str]:
    payload = ARTICLE.stored(decode(row.payload))
    outcome = Outcome.CREATED if row.action is Action.CREATE else Outcome.UPDATED
    return Write(Item(payload[CODIGO], payload, []), payload, outcome, row)


def _document(row: Attempt) -> Write[Any]:
    payload = stored_document(decode(row.payload))
    return Write(Item(key_of(payload), payload, []), payload, Outcome.CREATED, row)
