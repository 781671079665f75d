"""The protocol of a write by itself: what is surely not sent, and what rows say meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from connector_kit.errors import CredentialsError, UpstreamError
from connector_kit.http import NotSent, OutcomeUnknown
from connector_kit.retry import RetryPolicy
from serpi_client.results import Verdict, WriteResult
from target_serpi.accounting import Accounting
from target_serpi.items import Item, Source
from target_serpi.ledger import Action, Attempt, Ledger, State
from target_serpi.outcomes import Outcome, Outcomes
from target_serpi.protocol import Deliverer, Finding, Write

ACCEPTED = WriteResult(Verdict.ACCEPTED, 1, 1, "", 201)


class Server:
    """A server that does what a test's script says, in place of SERPI."""

    stream = "articulos"

    def __init__(self, *script: Exception | WriteResult) -> None:
        self._script = list(script)
        self.calls: list[list[bytes]] = []
        self.held: set[str] = set()
        self.seen_states: list[list[str]] = []
        self.ledger: Ledger | None = None

    def call(self, bodies: Sequence[bytes]) -> WriteResult:
        self.calls.append(list(bodies))
        assert self.ledger is not None
        self.seen_states.append([attempt.state for attempt in self.ledger.unsettled()])
        step = self._script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    def look_up(self, writes: Sequence[Write[str]]) -> Mapping[str, list[Any]]:
        return {w.item.key: [{}] for w in writes if w.item.key in self.held}

    def finding(self, _: Write[str], found: Sequence[Any]) -> Finding:
        return Finding.STORED if found else Finding.ABSENT


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(str(tmp_path / "ledger.sqlite3"), "account")
    ledger.begin_run("1")
    return ledger


def delivered(ledger: Ledger, server: Server, keys: Sequence[str], **policy: float) -> Outcomes:
    outcomes = Outcomes()
    server.ledger = ledger
    deliverer = Deliverer(
        ledger,
        Accounting(outcomes, ledger, None, logging.getLogger("test")),
        settle_time=0.01,
        policy=RetryPolicy(policy.get("first_wait", 0.001), policy.get("total", 5)),
    )
    source = Source("s", "s", b"{}", b"")
    writes = [
        Write(
            Item(key, {}, [source]),
            {},
            Outcome.CREATED,
            Attempt("articulos", "s", key, Action.CREATE, State.SENDING, key.encode()),
        )
        for key in keys
    ]
    deliverer.deliver(server, writes, server.call)
    return outcomes


def states(ledger: Ledger) -> list[str]:
    rows = ledger._connection.execute("SELECT state FROM attempts ORDER BY id").fetchall()
    return [state for (state,) in rows]


def test_a_row_is_there_before_the_call(ledger: Ledger) -> None:
    server = Server(ACCEPTED)
    delivered(ledger, server, ["a", "b"])
    assert server.seen_states == [["SENDING", "SENDING"]]
    assert states(ledger) == ["CONFIRMED", "CONFIRMED"]


def test_what_was_surely_not_sent_is_sent_again_as_it_was(ledger: Ledger) -> None:
    server = Server(NotSent("no connection"), NotSent("no connection"), ACCEPTED)
    outcomes = delivered(ledger, server, ["a", "b"])
    assert server.calls == [[b"a", b"b"]] * 3
    assert server.seen_states == [["SENDING", "SENDING"]] * 3
    assert outcomes.count(Outcome.CREATED) == 2


def test_what_could_not_be_sent_says_so_and_ends_the_run(ledger: Ledger) -> None:
    server = Server(*[NotSent("no connection")] * 50)
    with pytest.raises(UpstreamError, match="no connection"):
        delivered(ledger, server, ["a"], total=0.02)
    assert states(ledger) == ["NOT_SENT"]


def test_refused_credentials_mean_that_nothing_was_done(ledger: Ledger) -> None:
    server = Server(CredentialsError("401"))
    with pytest.raises(CredentialsError):
        delivered(ledger, server, ["a", "b"])
    assert states(ledger) == ["NOT_SENT", "NOT_SENT"]


def test_a_lost_answer_is_looked_up_and_only_what_is_absent_is_sent_again(ledger: Ledger) -> None:
    server = Server(OutcomeUnknown("silence"), ACCEPTED)
    server.held = {"a", "c"}
    outcomes = delivered(ledger, server, ["a", "b", "c"])
    assert server.calls == [[b"a", b"b", b"c"], [b"b"]]
    assert outcomes.count(Outcome.CREATED) == 3
    assert states(ledger) == ["CONFIRMED"] * 3


def test_a_refused_batch_is_looked_at_before_it_is_sent_one_by_one(ledger: Ledger) -> None:
    refused = WriteResult(Verdict.REFUSED, None, None, "no", 400)
    server = Server(refused, refused, ACCEPTED)
    server.held = {"a"}
    outcomes = delivered(ledger, server, ["a", "b", "c"])
    assert server.calls == [[b"a", b"b", b"c"], [b"b"], [b"c"]]
    assert (outcomes.count(Outcome.CREATED), outcomes.count(Outcome.REJECTED)) == (2, 1)
    assert states(ledger) == ["CONFIRMED", "REJECTED", "CONFIRMED"]


def test_a_refusal_that_counts_what_was_done_is_not_taken_for_one(ledger: Ledger) -> None:
    server = Server(WriteResult(Verdict.REFUSED, 1, 1, "Se crearon 1 de 1", 400))
    server.held = {"a"}
    outcomes = delivered(ledger, server, ["a"])
    assert outcomes.count(Outcome.CREATED) == 1


def test_an_unforeseen_error_leaves_the_rows_open(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError):
        delivered(ledger, Server(ZeroDivisionError()), ["a"])
    assert states(ledger) == ["SENDING"]
