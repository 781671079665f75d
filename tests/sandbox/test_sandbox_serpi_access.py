"""Who SERPI on loopback lets in: token, secret key, one call at a time, and an address that moved."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests

from support.serpi_caller import SerpiCaller, body_of

if TYPE_CHECKING:
    from support.servers import RunningSandbox


@pytest.mark.parametrize(("refusal", "in_body"), [("http", False), ("body", True)])
@pytest.mark.parametrize(
    ("credentials", "code"),
    [({"token": "wrong"}, 401), ({"token": ""}, 401), ({"secret_key": "foreign"}, 403)],
)
def test_wrong_credentials(
    sandbox: RunningSandbox, credentials: Any, code: int, refusal: Any, in_body: bool
) -> None:
    sandbox.serpi.switches.credential_refusal = refusal
    with SerpiCaller(sandbox.serpi_url, **credentials) as caller:
        for answer in (caller.articles(), caller.types(), caller.documents()):
            assert answer.status_code == (200 if in_body else code)
            body = body_of(answer)
            assert (body["success"], body["code"], len(body["errors"])) == (False, code, 1)
        caller.create_articles({"codigo": "N1"})
    assert sandbox.serpi.history == []
    assert sum(sandbox.serpi.counts().values()) == 4


def test_no_credentials_and_no_blank(sandbox: RunningSandbox) -> None:
    address = f"{sandbox.serpi_url}/Articulo"
    assert requests.get(address, timeout=10).status_code == 401
    headers = {"secretkey": sandbox.serpi.secret_key}
    for text, status in (("bearer ", 200), ("Bearer ", 200), ("Bearer", 401), ("Basic ", 401)):
        headers["Authorization"] = text + sandbox.serpi.token
        assert requests.get(address, headers=headers, timeout=10).status_code == status


def test_a_token_that_expires(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.token_expires_after = 2
    with SerpiCaller(sandbox.serpi_url) as caller:
        assert [caller.types().status_code for _ in range(4)] == [200, 200, 401, 401]


@pytest.mark.parametrize("penalty", ["allowed", "429", "503", "401"])
def test_one_token_at_a_time(sandbox: RunningSandbox, penalty: Any) -> None:
    sandbox.serpi.switches.latency_ms = 150
    sandbox.serpi.switches.simultaneous_use = penalty
    sandbox.serpi.switches.retry_after = "3"
    answers: list[requests.Response] = []

    def ask() -> None:
        with SerpiCaller(sandbox.serpi_url) as caller:
            answers.append(caller.types())

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sandbox.serpi.overlaps == 1
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == ([200, 200] if penalty == "allowed" else [200, int(penalty)])
    for answer in answers:
        if answer.status_code != 200:
            assert answer.headers["Retry-After"] == "3"
    with SerpiCaller(sandbox.serpi_url) as caller:
        sandbox.serpi.switches.latency_ms = 0
        assert [caller.types().status_code for _ in range(5)] == [200] * 5
    assert sandbox.serpi.overlaps == 1


def test_an_address_that_moved(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.redirect_to = "https://www.elsewhere.invalid/"
    with SerpiCaller(sandbox.serpi_url) as caller:
        answer = caller.articles(limite=3)
    assert answer.status_code == 301
    moved = "https://www.elsewhere.invalid/serpi/api/v1/Articulo?limite=3"
    assert answer.headers["Location"] == moved
