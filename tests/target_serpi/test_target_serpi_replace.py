"""A document that takes another's place: one of the two always stands, whatever happens between."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from erp_sandbox.faults import Fault
from support.serpi_target import DOCUMENTS, Target, document, line, stream_of
from support.singer import StartedProcess, started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OLD = document(1)
NEW = document(1, line("D", "5.00"), line("C", "5.00"), nitTerceroEnc="900123456")
REPLACE = {"on_existing_document": "replace"}


@pytest.fixture
def stored(target: Target) -> Target:
    """SERPI holds the old document and a neighbour on the same day."""
    target.run(stream_of([OLD, document(2)], DOCUMENTS)).ok(created=2)
    target.serpi.requests.clear()
    return target


def is_new(target: Target) -> bool:
    """Whether the document stands once, and is the new one; False where it is the old one."""
    (held,) = [one for one in target.held_documents() if one["numeroDoc"] == 700_001]
    assert held["nitTerceroEnc"] in (OLD["nitTerceroEnc"], NEW["nitTerceroEnc"])
    new: bool = held["nitTerceroEnc"] == NEW["nitTerceroEnc"]
    assert {str(one["valor"]) for one in held["detalles"]} == {"5.00000" if new else "67900.00000"}
    assert len(target.held_documents()) == 2
    return new


def test_deletes_the_stored_number_on_its_day_and_creates_the_new_one(stored: Target) -> None:
    stored.run(stream_of([NEW], DOCUMENTS), **REPLACE).ok(updated=1)
    assert is_new(stored)
    (deletion,) = stored.sent("documento.put_delete")
    assert deletion == {
        "idTipoDocumento": 15,
        "numeroDesde": 700_001,
        "numeroHasta": 700_001,
        "fechaDesde": "2026-03-01",
        "fechaHasta": "2026-03-01",
    }
    row = stored.ledger()[-1]
    assert (row["action"], row["state"]) == ("replace", "CONFIRMED")
    assert '"valor":67900.00000' in row["stored"]
    assert '"valor":5.00' in row["payload"]
    stored.run(stream_of([NEW], DOCUMENTS), **REPLACE).ok(unchanged=1)


def test_a_new_day_deletes_on_the_old_one(stored: Target) -> None:
    stored.run(stream_of([{**NEW, "fechaDocumento": "2026-09-09"}], DOCUMENTS), **REPLACE).ok(
        updated=1
    )
    (deletion,) = stored.sent("documento.put_delete")
    assert deletion["fechaDesde"] == deletion["fechaHasta"] == "2026-03-01"


@pytest.mark.parametrize("shape", ["strings", "objects", "object_of_lists"])
def test_a_new_document_that_is_refused_leaves_the_old_one(stored: Target, shape: str) -> None:
    stored.serpi.switches.unknown_fields = "refuse"
    stored.serpi.switches.set_text("error_shape", shape)
    odd = {**NEW, "campoNuevo": 1}
    run = stored.run(stream_of([odd, document(3)], DOCUMENTS), unknown_fields="send", **REPLACE)
    run.ended(4, "put back", "no es un campo", created=1, rejected=1)
    stored.serpi.documents.remove(stored.serpi.documents.only(("CCO", "COM", 700_003))["id"])
    assert not is_new(stored)
    assert stored.states()["CONFLICT"] == 1
    stored.run(stream_of([NEW], DOCUMENTS), **REPLACE).ok(updated=1)
    assert is_new(stored)


@pytest.mark.parametrize("lost", ["first", "some", "all"])
def test_lost_answers(stored: Target, lost: str) -> None:
    stored.serpi.switches.set_text("lose_write_answers", lost)
    stored.run(stream_of([NEW], DOCUMENTS), **REPLACE).ok(updated=1)
    assert is_new(stored)
    assert stored.serpi.count("documento.put_delete") == 1


@pytest.mark.parametrize("kind", ["drop", "reset"])
@pytest.mark.parametrize("which", ["PUT", "POST"])
def test_writes_that_never_arrive(stored: Target, kind: str, which: str) -> None:
    fault = Fault(kind, which, r"DocumentoContable(\?|$)")  # type: ignore[arg-type]
    stored.serpi.faults.add(fault)
    stored.run(stream_of([NEW], DOCUMENTS), **REPLACE).ok(updated=1)
    assert fault.hits == 1
    assert is_new(stored)


def test_a_deletion_that_deletes_nothing_leaves_the_old_one(stored: Target) -> None:
    stored.serpi.switches.delete_at_most = 0
    stored.run(stream_of([NEW], DOCUMENTS), **REPLACE).ended(4, "was not deleted", rejected=1)
    assert not is_new(stored)
    assert stored.serpi.count("documento.post") == 0


def test_a_deletion_of_more_than_one_stops_the_run(stored: Target) -> None:
    """A document of another category under the same type's id: SERPI says 2 of 2."""
    two = '{"success":true,"code":200,"errors":[],"message":"Se eliminaron 2 de 2 documentos"}'
    held = stored.serpi.documents.only(("CCO", "COM", 700_001))["id"]

    def remove(_: object) -> bool:
        stored.serpi.documents.remove(held)
        return True

    stored.serpi.faults.add(
        Fault("status", "PUT", "DocumentoContable", when=remove, status=200, body=two)
    )
    run = stored.run(stream_of([NEW, document(3)], DOCUMENTS), **REPLACE)
    run.ended(3, "2 documents where one was meant")
    stored.serpi.documents.remove(stored.serpi.documents.only(("CCO", "COM", 700_003))["id"])
    assert not is_new(stored)


def test_two_stored_documents_are_a_conflict_and_none_is_deleted(stored: Target) -> None:
    held = stored.serpi.documents.only(("CCO", "COM", 700_001))
    stored.serpi.documents.add(**{**held, "id": 999_999})
    stored.run(stream_of([NEW], DOCUMENTS), **REPLACE).ended(4, rejected=1)
    assert stored.serpi.count("documento.put_delete") == 0
    assert len(stored.held_documents()) == 3


def test_a_server_that_is_gone_after_the_deletion(stored: Target) -> None:
    """The run ends with the old content in the ledger, and the next one puts it back."""
    stored.serpi.faults.add(Fault("status", "POST", r"Contable$", status=401, times=None))
    stored.run(stream_of([NEW], DOCUMENTS), **REPLACE).ended(2, "credentials")
    assert [one["numeroDoc"] for one in stored.held_documents()] == [700_002]
    assert stored.states()["DELETED"] == 1
    stored.serpi.faults.clear()
    stored.run([]).ok()
    assert not is_new(stored)
    assert stored.states()["CONFLICT"] == 1
    assert "put back" in stored.ledger()[-1]["reason"]


@contextmanager
def _replacing(target: Target) -> Iterator[StartedProcess]:
    config = target.config_file(settle_time=0.3, **REPLACE)
    with started("target_serpi", args=["--config", str(config)]) as process:
        assert process.process.stdin is not None
        process.process.stdin.write(b"".join(stream_of([NEW], DOCUMENTS)))
        process.process.stdin.close()
        process.process.stdin = None
        yield process


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        pytest.param(Fault("delay", "PUT", "Contable$", delay=30), "put_delete", id="before"),
        pytest.param(
            Fault("delay", "PUT", "Contable$", delay=30, after_commit=True),
            "put_delete",
            id="deleted",
        ),
        pytest.param(Fault("delay", "POST", "Contable$", delay=30), "post", id="between"),
        pytest.param(
            Fault("delay", "POST", "Contable$", delay=30, after_commit=True), "post", id="created"
        ),
    ],
)
def test_killed_in_the_middle(stored: Target, fault: Fault, kind: str) -> None:
    stored.serpi.faults.add(fault)
    with _replacing(stored) as process:
        _until(lambda: stored.serpi.count(f"documento.{kind}") > 0)
        time.sleep(0.05)
        process.process.kill()
        assert process.ended().exit_code == 137
    stored.serpi.faults.clear()
    assert stored.states()["DELETING" if kind == "put_delete" else "DELETED"] == 1
    # Nothing is read by the next run: it puts right what was left.
    stored.run([]).ok()
    assert is_new(stored) is (fault.after_commit and kind == "post")
    deletions = stored.serpi.count("documento.put_delete")
    stored.run(stream_of([NEW], DOCUMENTS), **REPLACE).ok()
    assert is_new(stored)
    assert stored.serpi.count("documento.put_delete") <= deletions + 1


def test_a_deletion_that_comes_late_is_waited_for(stored: Target) -> None:
    """The server deletes after the client gave up waiting, and before the settle time is over."""
    stored.serpi.faults.add(Fault("delay", "PUT", "Contable$", delay=0.5))
    run = stored.run(stream_of([NEW], DOCUMENTS), request_timeout=0.2, settle_time=0.8, **REPLACE)
    run.ok(updated=1)
    assert is_new(stored)
    assert stored.serpi.count("documento.put_delete") == 1
