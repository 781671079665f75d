"""One run: what it works with, how it begins and how it ends."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connector_kit.errors import ConnectorError, SettingsError
from connector_kit.http import HttpSettings
from connector_kit.plugin import user_agent
from connector_kit.retry import RetryPolicy
from serpi_client.client import SerpiClient
from target_serpi.accounting import Accounting
from target_serpi.articles import ArticleResource, ArticleWriter
from target_serpi.catalogue import Catalogue
from target_serpi.delivery import Rehearsal, WriterParts
from target_serpi.document_lookup import DocumentLookup
from target_serpi.documents import DocumentResource, DocumentWriter
from target_serpi.html_report import write_report
from target_serpi.ledger import Ledger
from target_serpi.limits import WriteLimits
from target_serpi.outcomes import Outcome, Outcomes
from target_serpi.protocol import Deliverer
from target_serpi.rejects import RejectsFile
from target_serpi.replacing import Replacer
from target_serpi.report import (
    RunEndedError,
    RunFacts,
    Verdict,
    log_summary,
    state_is_held,
    verdict_of,
    verdict_on,
)
from target_serpi.settings import ARTICULOS, DOCUMENTOS
from target_serpi.settling import Settler

NAME = "target-serpi"
PATH_SETTINGS = ("ledger_path", "rejects_path", "report_path")

logger = logging.getLogger(NAME)

Writer = ArticleWriter | DocumentWriter


class Run:
    """A run of the target; a dry run has neither ledger nor lock nor file of rejected records."""

    def __init__(self, settings: Mapping[str, Any], http: HttpSettings, version: str) -> None:
        """Prepare; nothing is opened or sent.

        Args:
            settings: the target's, checked.
            http: of the client.
            version: of the target.
        """
        self._settings = settings
        self._http = http
        self.facts = RunFacts(
            dry_run=settings["dry_run"],
            max_rejects=settings["max_rejects"],
            api_url=settings["api_url"],
            version=version,
            rejects_path=settings["rejects_path"],
            ledger_path=settings["ledger_path"],
            report_path=settings["report_path"],
        )
        self.outcomes = Outcomes()
        self._ledger: Ledger | None = None
        self._accounting: Accounting | None = None
        self._writers: dict[str, Writer] = {}
        self._open = contextlib.ExitStack()

    def begin(self) -> None:
        """Open what is needed, and settle what earlier runs left without an end.

        Raises:
            ConnectorError: the run cannot begin.
        """
        self._require_folders()
        client = SerpiClient(
            self._settings["api_url"],
            self._settings["token"],
            self._settings["secret_key"],
            self._http,
            user_agent=user_agent(NAME, self.facts.version),
        )
        self._open.callback(client.close)
        catalogue, lookup = Catalogue(client), DocumentLookup(client)
        limits = WriteLimits(self._settings.get("max_creates"), self._settings.get("max_updates"))
        if self.facts.dry_run:
            accounting = Accounting(self.outcomes, None, None, logger)
            rehearsal = Rehearsal(accounting)
            parts = WriterParts(client, rehearsal, rehearsal, accounting, limits, self._settings)
        else:
            self._open.enter_context(client.locks.writer(self._settings["lock_timeout"]))
            ledger, accounting = self._open_books()
            policy = RetryPolicy(self._http.retry_wait, self._http.retry_time)
            settle_time = self._settings["settle_time"]
            deliverer = Deliverer(ledger, accounting, settle_time=settle_time, policy=policy)
            replacer = Replacer(client, lookup, deliverer, ledger)
            parts = WriterParts(client, deliverer, replacer, accounting, limits, self._settings)
            articles, documents = ArticleResource(catalogue), DocumentResource(lookup)
            settler = Settler(ledger, articles, documents, replacer, settle_time)
            self.facts.settled = settler.settle()
        self._accounting = accounting
        self._writers = {
            ARTICULOS: ArticleWriter(parts, catalogue),
            DOCUMENTOS: DocumentWriter(parts, lookup),
        }

    def _require_folders(self) -> None:
        faults = [
            f"setting {name!r}: the folder {folder} does not exist"
            for name in PATH_SETTINGS
            if not (folder := Path(self._settings[name]).absolute().parent).is_dir()
        ]
        if faults:
            raise SettingsError(faults)

    def _open_books(self) -> tuple[Ledger, Accounting]:
        ledger = Ledger(self._settings["ledger_path"], account_of(self._settings))
        self._open.callback(ledger.close)
        ledger.begin_run(self.facts.version)
        self._ledger = ledger
        rejects = RejectsFile(self._settings["rejects_path"])
        self._open.callback(rejects.close)
        aside = rejects.make_room()
        if aside is not None:
            logger.info("the rejected records of an earlier run are now in %s", aside)
        return ledger, Accounting(self.outcomes, ledger, rejects, logger)

    def writer(self, resource: str) -> Writer:
        """Return the writer of one of SERPI's streams; the run has begun."""
        return self._writers[resource]

    def may_write_state(self) -> bool:
        """Whether every record read so far is confirmed or durably rejected.

        Raises:
            ConnectorError: rejected records could not be kept.
        """
        if self._accounting is not None:
            self._accounting.flush()
        return not state_is_held(self.facts, self.outcomes)

    def finish(self) -> None:
        """End a run that read its input to the end.

        Raises:
            RunEndedError: not all is well.
        """
        verdict = verdict_of(self.facts, self.outcomes)
        self._close(verdict)
        if verdict.exit_code:
            raise RunEndedError(verdict)

    def abort(self, error: BaseException) -> None:
        """End a run that did not come to the end of its input.

        Args:
            error: what ended it; the caller raises it on.
        """
        self._close(verdict_on(error))

    def _close(self, verdict: Verdict) -> None:
        """Write down how the run ends; what cannot be written is told, and changes nothing."""
        with self._open:
            for step in (self._flush, self._end_ledger):
                try:
                    step(verdict)
                except ConnectorError as error:
                    logger.error("%s", error)  # noqa: TRY400 - a user reads it
            log_summary(logger, self.facts, self.outcomes)
            path = self._settings["report_path"]
            try:
                write_report(path, self.facts, self.outcomes, verdict)
            except OSError as error:
                logger.warning("the report %s cannot be written (%s)", path, error.strerror)

    def _flush(self, _: Verdict) -> None:
        if self._accounting is not None:
            self._accounting.flush()

    def _end_ledger(self, verdict: Verdict) -> None:
        if self._ledger is not None:
            counts = {outcome.value: self.outcomes.count(outcome) for outcome in Outcome}
            self._ledger.end_run(verdict.exit_code, {"read": self.outcomes.read, **counts})


def account_of(settings: Mapping[str, Any]) -> str:
    """Name SERPI's company without telling its secret; a new token does not change the name.

    Args:
        settings: the target's.
    """
    text = f"{settings['api_url'].rstrip('/')}\n{settings['secret_key']}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
