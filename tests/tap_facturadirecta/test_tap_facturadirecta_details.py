"""Details: the providers' own calls, made where the list alone is not enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from erp_sandbox.faults import Fault
from support.facturadirecta_tap import STREAM, ids, records_of, run

if TYPE_CHECKING:
    from erp_sandbox.facturadirecta.app import FacturaDirecta
    from support.servers import RunningSandbox


def keep(server: FacturaDirecta, count: int) -> None:
    for identifier in list(server.providers)[count:]:
        server.remove(identifier)


def details_asked(server: FacturaDirecta) -> list[int]:
    return [
        int(received.path.rpartition("/")[2].removesuffix(".xml"))
        for received in server.requests
        if received.kind == "provider.get"
    ]


def test_never_makes_no_call(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    server.switches.update({"list_items": "thin"})
    keep(server, 30)
    records = run(sandbox, details="never").ok().records()
    assert records == [{"id": identifier} for identifier in server.providers]
    assert details_asked(server) == []


@pytest.mark.parametrize("page_size", [20, 250])
def test_always_asks_for_each_once(sandbox: RunningSandbox, page_size: int) -> None:
    server = sandbox.facturadirecta
    keep(server, 60)
    ended = run(sandbox, details="always", page_size=page_size)
    assert ids(ended) == list(server.providers)
    assert details_asked(server) == list(server.providers)
    peers = {received.peer for received in server.requests}
    assert len(peers) == 1  # kept alive


@pytest.mark.parametrize("page_size", [7, 250])
def test_auto_compares_twenty_and_believes_a_full_list(
    sandbox: RunningSandbox, page_size: int
) -> None:
    server = sandbox.facturadirecta
    keep(server, 60)
    ended = run(sandbox, page_size=page_size)
    assert ids(ended) == list(server.providers)
    assert details_asked(server) == list(server.providers)[:20]
    assert "as complete as the first 20" in ended.stderr


@pytest.mark.parametrize("page_size", [7, 250])
@pytest.mark.parametrize("items", ["thin", "without_custom_attributes"])
def test_auto_sees_what_the_list_leaves_out(
    sandbox: RunningSandbox, items: str, page_size: int
) -> None:
    server = sandbox.facturadirecta
    keep(server, 60)
    server.switches.update({"list_items": items})
    ended = run(sandbox, page_size=page_size)
    records = ended.ok().records()
    for record, provider in zip(records, server.providers.values(), strict=True):
        assert record.get("customAttributes") == (provider.get("customAttributes") or None)
        assert record["taxCode"] == provider["taxCode"]
    assert details_asked(server) == list(server.providers)
    assert "leaves something out" in ended.stderr


def test_auto_with_fewer_than_twenty(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    keep(server, 3)
    output = run(sandbox).ok()
    assert output.records() == records_of(server.providers.values())
    assert details_asked(server) == list(server.providers)


def test_auto_tells_what_the_detail_lacks(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    keep(server, 2)
    first = next(iter(server.providers))
    body = f"<provider><id>{first}</id></provider>".encode()
    server.faults.add(Fault("status", status=200, body=body, path=rf"/{first}\.xml"))
    ended = run(sandbox)
    assert ended.ok().records()[0] == {"id": first}
    assert "own call lacks what the list has" in ended.stderr
    assert "taxCode" in ended.stderr


@pytest.mark.parametrize("error_http_status", ["same", "200"])
@pytest.mark.parametrize("details", ["auto", "always"])
def test_provider_that_is_gone_is_left_out_and_counted(
    sandbox: RunningSandbox, details: str, error_http_status: str
) -> None:
    server = sandbox.facturadirecta
    keep(server, 40)
    server.switches.update({"error_http_status": error_http_status, "list_items": "thin"})
    gone = list(server.providers)[5:7]

    def delete(number: int) -> None:
        if number == 1:
            for identifier in gone:
                server.remove(identifier)

    server.on_list_request = delete
    ended = run(sandbox, details=details)
    assert ids(ended) == list(server.providers)
    assert "2 providers were deleted between the list and their own call" in ended.stderr
    assert ended.output.activated(STREAM)


@pytest.mark.parametrize("details", ["auto", "always"])
def test_detail_calls_that_know_nobody_are_no_empty_table(
    sandbox: RunningSandbox, details: str
) -> None:
    server = sandbox.facturadirecta
    keep(server, 30)
    body = b"<xml><httpStatus>404</httpStatus></xml>"
    server.faults.add(Fault("status", status=404, body=body, path=r"/\d+\.xml", times=None))
    output = run(sandbox, details=details).failed(3, "the list has the provider", "details")
    assert output.records() == []
    assert not output.activated(STREAM)


def test_404_in_another_form_is_no_deletion(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    keep(server, 5)
    fault = Fault("status", status=404, body=b"<html>no</html>", path=r"/\d+\.xml", times=None)
    server.faults.add(fault)
    run(sandbox, details="always").failed(3, "given up after 3 tries")
    assert fault.hits == 3


def test_answer_about_another_provider_is_refused(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    keep(server, 5)
    body = b"<provider><id>1</id></provider>"
    fault = server.faults.add(Fault("status", status=200, body=body, path=r"/\d+\.xml", times=2))
    assert ids(run(sandbox, details="always")) == list(server.providers)
    assert fault.hits == 2


def test_detail_calls_are_retried(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    keep(server, 5)
    for kind in ("cut_body", "html", "drop"):
        server.faults.add(Fault(kind, path=r"/\d+\.xml", skip=1))
    server.faults.add(Fault("status", status=503, path=r"/\d+\.xml"))
    assert ids(run(sandbox, details="always")) == list(server.providers)


def test_what_repeats_in_a_detail_alone_is_a_list_in_all(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    server.clear()
    server.switches.update({"list_items": "thin"})
    for identifier in range(1, 31):
        server.put_provider({"id": identifier, "tag": ["a", "b"] if identifier == 3 else "a"})
    records = run(sandbox).ok().records()
    assert [record["tag"] for record in records] == [
        ["a", "b"] if identifier == 3 else ["a"] for identifier in range(1, 31)
    ]
