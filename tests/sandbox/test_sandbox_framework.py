"""What every vendor part of the sandbox stands on: faults, switches, counts, control, the server."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from erp_sandbox import exact
from erp_sandbox.faults import Fault
from erp_sandbox.journal import JournalError
from erp_sandbox.serpi.switches import SerpiSwitches
from erp_sandbox.switches import SwitchError
from support.certificates import self_signed
from support.serpi_caller import SerpiCaller, new_article, new_document, rows_of
from support.servers import running_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.servers import RunningSandbox


@pytest.fixture
def caller(sandbox: RunningSandbox) -> Iterator[SerpiCaller]:
    with SerpiCaller(sandbox.serpi_url) as made:
        yield made


def control(sandbox: RunningSandbox, method: str, path: str, **further: Any) -> requests.Response:
    return requests.request(method, f"{sandbox.url}/_control/{path}", timeout=10, **further)


class TestFaults:
    def test_status_answers_as_told(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        sandbox.serpi.faults.add(
            Fault("status", status=503, body="wait", headers={"Retry-After": "7"})
        )
        answer = caller.articles(limite=1)
        assert (answer.status_code, answer.text) == (503, "wait")
        assert answer.headers["Retry-After"] == "7"
        assert caller.articles(limite=1).status_code == 200

    @pytest.mark.parametrize("kind", ["drop", "reset"])
    def test_drop_and_reset_handle_nothing(
        self, sandbox: RunningSandbox, caller: SerpiCaller, kind: Any
    ) -> None:
        sandbox.serpi.faults.add(Fault(kind, method="POST"))
        with pytest.raises(requests.ConnectionError, match=_SIGN_OF[kind]):
            caller.create_articles(new_article("F1"))
        assert not sandbox.serpi.articles.has("F1")
        assert sandbox.serpi.count("articulo.post") == 1

    @pytest.mark.parametrize(
        "fault",
        [Fault("lost_answer"), Fault("drop", after_commit=True), Fault("reset", after_commit=True)],
    )
    def test_a_lost_answer_comes_after_the_commit(
        self, sandbox: RunningSandbox, caller: SerpiCaller, fault: Fault
    ) -> None:
        sandbox.serpi.faults.add(fault)
        with pytest.raises(requests.ConnectionError):
            caller.create_articles(new_article("F2"))
        assert len(sandbox.serpi.articles.find("F2")) == 1

    def test_a_status_after_the_commit(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        sandbox.serpi.faults.add(Fault("status", status=502, after_commit=True))
        assert caller.create_articles(new_article("F3")).status_code == 502
        assert sandbox.serpi.articles.has("F3")

    @pytest.mark.parametrize("chunked", [False, True])
    def test_cut_body_breaks_off(
        self, sandbox: RunningSandbox, caller: SerpiCaller, chunked: bool
    ) -> None:
        sandbox.serpi.faults.add(Fault("cut_body", chunked=chunked, cut_at=100))
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            caller.articles(limite=5)

    def test_drip_comes_slowly_but_whole(
        self, sandbox: RunningSandbox, caller: SerpiCaller
    ) -> None:
        whole = caller.types(limite=1).content
        sandbox.serpi.faults.add(Fault("drip", delay=0.0005, drip_headers=True))
        began = time.monotonic()
        assert caller.types(limite=1).content == whole
        assert time.monotonic() - began > 0.0005 * len(whole)

    def test_html_garbage_and_redirect(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        faults = sandbox.serpi.faults
        faults.add(Fault("html"))
        page = caller.articles()
        assert (page.status_code, page.headers["Content-Type"][:9]) == (200, "text/html")
        assert b"<html>" in page.content
        faults.add(Fault("garbage"))
        garbage = caller.articles()
        assert garbage.headers["Content-Type"] == "application/json"
        with pytest.raises(requests.JSONDecodeError):
            garbage.json()
        faults.add(Fault("redirect", status=307, location="https://other.invalid/x"))
        moved = caller.articles()
        assert (moved.status_code, moved.headers["Location"]) == (307, "https://other.invalid/x")

    @pytest.mark.parametrize("declared", [True, False])
    def test_latin1_is_the_same_text_in_other_bytes(
        self, sandbox: RunningSandbox, caller: SerpiCaller, declared: bool
    ) -> None:
        utf8 = caller.articles(limite=20).content
        sandbox.serpi.faults.add(Fault("latin1", declared=declared))
        answer = caller.articles(limite=20)
        assert answer.content.decode("latin-1") == utf8.decode()
        assert answer.content != utf8
        assert ("iso-8859-1" in answer.headers["Content-Type"]) is declared

    def test_a_delayed_write_is_stored_though_the_client_has_gone(
        self, sandbox: RunningSandbox, caller: SerpiCaller
    ) -> None:
        sandbox.serpi.faults.add(Fault("delay", delay=0.5, method="POST"))
        with pytest.raises(requests.ReadTimeout):
            requests.post(
                f"{sandbox.serpi_url}/Articulo",
                data=exact.dumps([new_article("LATE")]),
                headers=dict(caller._session.headers),
                timeout=0.2,
            )
        assert not sandbox.serpi.articles.has("LATE")
        _wait_until(lambda: sandbox.serpi.articles.has("LATE"))

    def test_which_requests_are_hit(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        faults = sandbox.serpi.faults
        fault = faults.add(Fault("status", path=r"pagina=[23]\b", skip=1, every=2, times=2))
        statuses = [caller.articles(limite=1, pagina=page).status_code for page in (1, 2, 3, 3, 2)]
        assert statuses == [200, 200, 500, 200, 500]
        assert [caller.articles(limite=1, pagina=2).status_code for _ in range(3)] == [200] * 3
        assert fault.hits == 2
        faults.add(Fault("status", times=None, when=lambda received: b"X1" in received.body))
        assert caller.create_articles(new_article("X1")).status_code == 500
        assert caller.create_articles(new_article("X2")).status_code == 201
        faults.clear()
        assert caller.create_articles(new_article("X1")).status_code == 201

    def test_a_server_that_dies_for_a_while(
        self, sandbox: RunningSandbox, caller: SerpiCaller
    ) -> None:
        sandbox.serpi.faults.add(Fault("drop", skip=1, lasts=0.4))
        assert caller.types().status_code == 200
        for _ in range(3):
            with pytest.raises(requests.ConnectionError):
                caller.types()
        time.sleep(0.41)
        assert caller.types().status_code == 200

    def test_an_unknown_kind_is_refused(self) -> None:
        with pytest.raises(ValueError, match="explode"):
            Fault("explode")  # type: ignore[arg-type] # what is tested


class TestRequestsLog:
    def test_what_was_received(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        caller.articles(limite=2, pagina=3)
        caller.create_documents(new_document(5, "0.10"))
        read, written = sandbox.serpi.requests
        assert (read.kind, read.method, read.path) == ("articulo.get", "GET", "/api/v1/Articulo")
        assert read.query == {"limite": "2", "pagina": "3"}
        assert read.headers["secretkey"] == "serpi-sandbox-secret-key"
        assert b'"valor":0.10,' not in read.body
        assert b'"valor":0.10}' in written.body
        assert read.peer == written.peer, "one connection is kept alive"
        assert read.time < written.time
        assert sandbox.serpi.counts() == {"articulo.get": 1, "documento.post": 1}

    def test_requests_at_once_are_counted_by_credentials(self, sandbox: RunningSandbox) -> None:
        sandbox.serpi.switches.latency_ms = 100
        _together(sandbox, ["one", "one", "two"])
        assert sandbox.serpi.overlaps == 1
        assert sandbox.serpi.most_at_once == 3
        assert sum(received.overlapping for received in sandbox.serpi.requests) == 1

    def test_a_client_that_hung_up_overlaps_nothing(
        self, sandbox: RunningSandbox, caller: SerpiCaller
    ) -> None:
        sandbox.serpi.faults.add(Fault("delay", delay=1))
        with pytest.raises(requests.ReadTimeout):
            requests.get(
                f"{sandbox.serpi_url}/Articulo",
                headers=dict(caller._session.headers),
                timeout=0.2,
            )
        assert caller.articles(limite=1).status_code == 200
        assert sandbox.serpi.overlaps == 0

    def test_latency_is_waited_for(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        sandbox.serpi.switches.latency_ms = 60
        began = time.monotonic()
        caller.types()
        assert time.monotonic() - began >= 0.06


class TestSwitches:
    def test_a_name_or_value_that_does_not_exist_is_refused(self) -> None:
        switches = SerpiSwitches()
        for name, value in [
            ("page_maximun", 3),
            ("page_maximum", "3"),
            ("page_maximum", True),
            ("ignore_pagina", 1),
            ("empty_answer", "nothing"),
            ("created_http", 204),
        ]:
            with pytest.raises(SwitchError, match=name):
                setattr(switches, name, value)
        assert switches == SerpiSwitches()

    def test_text_becomes_the_type(self) -> None:
        switches = SerpiSwitches()
        switches.set_text("page_maximum", "200")
        switches.set_text("ignore_pagina", "true")
        switches.set_text("store_at_most", "3")
        switches.set_text("simultaneous_use", "429")
        switches.set_text("retry_after", "120")
        assert switches.page_maximum == 200
        assert switches.ignore_pagina
        assert switches.store_at_most == 3
        assert switches.simultaneous_use == "429"
        assert switches.retry_after == "120"
        switches.set_text("store_at_most", "null")
        assert switches.values()["store_at_most"] is None
        with pytest.raises(SwitchError):
            switches.set_text("page_maximum", "many")


class TestControl:
    def test_switches(self, sandbox: RunningSandbox) -> None:
        answer = control(sandbox, "POST", "serpi/switches", json={"page_maximum": 9})
        assert answer.json()["page_maximum"] == 9
        assert sandbox.serpi.switches.page_maximum == 9
        assert control(sandbox, "GET", "serpi/switches").json()["page_maximum"] == 9
        wrong = control(sandbox, "POST", "serpi/switches", json={"nonsense": 1})
        assert (wrong.status_code, "nonsense" in wrong.text) == (400, True)
        assert control(sandbox, "POST", "serpi/switches", data="[]").status_code == 400

    def test_faults(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        faults = [{"kind": "status", "status": 418}, {"kind": "status", "status": 419}]
        assert control(sandbox, "POST", "serpi/faults", json=faults).status_code == 204
        assert caller.types().status_code == 418
        assert control(sandbox, "DELETE", "serpi/faults").status_code == 204
        assert caller.types().status_code == 200
        for wrong in (
            {"kind": "explode"},
            {"kind": "drop", "often": 3},
            {"kind": "drop", "path": "("},
        ):
            assert control(sandbox, "POST", "serpi/faults", json=wrong).status_code == 400

    def test_counts_and_data(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        caller.types()
        caller.types()
        counts = control(sandbox, "GET", "serpi/counts").json()
        assert counts == {"tipo_documento.get": 2, "overlaps": 0}
        text = control(sandbox, "GET", "serpi/data/articulos").text
        assert exact.loads(text) == sandbox.serpi.articles.all()
        assert '"costo":12345678901234.56789,' in text
        assert control(sandbox, "GET", "serpi/data/nonsense").status_code == 404
        assert control(sandbox, "GET", "nobody/counts").status_code == 404

    def test_reset(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        sandbox.serpi.switches.page_maximum = 5
        sandbox.serpi.articles.clear()
        sandbox.serpi.faults.add(Fault("drop"))
        assert control(sandbox, "POST", "reset").status_code == 204
        assert len(rows_of(caller.articles())) == 1200
        assert sandbox.serpi.counts() == {"articulo.get": 1}


class TestServer:
    @pytest.mark.parametrize("_run", range(2))
    def test_each_test_has_fresh_state(self, sandbox: RunningSandbox, _run: int) -> None:
        assert sandbox.serpi.requests == []
        assert sandbox.serpi.switches == SerpiSwitches()
        assert len(sandbox.serpi.articles) == 1200
        sandbox.serpi.articles.clear()
        sandbox.serpi.switches.page_maximum = 1
        requests.get(f"{sandbox.serpi_url}/Articulo", timeout=10)
        assert len(sandbox.serpi.requests) == 1

    def test_what_is_no_api_is_not_found(
        self, sandbox: RunningSandbox, caller: SerpiCaller
    ) -> None:
        assert requests.get(f"{sandbox.url}/nobody/x", timeout=10).status_code == 404
        assert requests.get(f"{sandbox.url}/", timeout=10).status_code == 404
        assert caller.call("GET", "Nonsense").status_code == 404
        assert caller.call("DELETE", "Articulo").status_code == 405
        assert sandbox.serpi.counts() == {"other": 2}

    def test_down_refuses_and_comes_back(
        self, sandbox: RunningSandbox, caller: SerpiCaller
    ) -> None:
        caller.types()
        with sandbox.down(), pytest.raises(requests.ConnectionError, match="refused"):
            caller.types()
        assert caller.types().status_code == 200

    def test_writes_are_kept_in_a_file(self, tmp_path: Path) -> None:
        kept = tmp_path / "kept.jsonl"
        amount = "12345678901234.56789"
        with running_sandbox(data_file=kept) as first, SerpiCaller(first.serpi_url) as caller:
            caller.create_articles(new_article("K1"), new_article("K2"))
            caller.update_articles({"id": first.serpi.articles.only("K1")["id"], "costo": 7})
            caller.create_documents(new_document(801, amount), new_document(802))
            whole = {"fechaDesde": "2026-03-01", "fechaHasta": "2026-03-01"}
            caller.delete_documents(idTipoDocumento=15, numeroDesde=802, numeroHasta=802, **whole)
            articles, documents = first.serpi.articles.all(), first.serpi.documents.all()
        with running_sandbox(data_file=kept) as second:
            assert second.serpi.articles.all() == articles
            assert second.serpi.documents.all() == documents
            line = second.serpi.documents.only(("CCO", "COM", 801))["detalles"][0]
            assert line["valor"].text == amount
        with pytest.raises(JournalError), running_sandbox(seed=8, data_file=kept):
            pass

    def test_tls(self, tmp_path: Path) -> None:
        made = self_signed(tmp_path)
        with running_sandbox(tls=made.files) as served:
            assert served.url.startswith("https://")
            address = f"{served.url}/_control/ready"
            assert requests.get(address, verify=str(made.certificate), timeout=10).json()["ready"]
            with pytest.raises(requests.exceptions.SSLError):
                requests.get(address, timeout=10)


class TestCommandLine:
    def test_it_serves_until_a_signal(self, tmp_path: Path) -> None:
        arguments = ["--port", "0", "--scale", "0.1", "--seed", "3", "--latency-ms", "1"]
        arguments += ["--data-file", str(tmp_path / "kept"), "--switch", "serpi.page_maximum=4"]
        arguments += ["--clock", "2026-10-31T12:00:00+01:00"]
        process = subprocess.Popen(
            [sys.executable, "-m", "erp_sandbox", *arguments], stdout=subprocess.PIPE, text=True
        )
        with process:
            assert process.stdout is not None
            ready, address = process.stdout.readline().split()
            assert ready == "ready"
            with SerpiCaller(f"{address}/serpi/api/v1") as caller:
                assert len(rows_of(caller.articles())) == 4
            data = requests.get(f"{address}/_control/serpi/data/articulos", timeout=10).json()
            assert len(data) == 120
            sales = requests.get(f"{address}/_control/winfra/data/ventas", timeout=10).json()
            assert max(sale["fecha"] for sale in sales) == "2026-10-31T00:00:00"
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--switch", "serpi.nonsense=1"],
            ["--switch", "serpi.page_maximum=many"],
            ["--switch", "nobody.page_maximum=1"],
            ["--switch", "page_maximum"],
            ["--clock", "2026-10-31T12:00:00"],
            ["--clock", "nonsense"],
        ],
    )
    def test_a_wrong_option_is_named(self, arguments: list[str]) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "erp_sandbox", "--port", "0", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert arguments[1].partition("=")[0].rpartition(".")[2] in done.stderr


class TestExactNumbers:
    def test_numbers_keep_their_text(self) -> None:
        text = '{"a":67900.00000,"b":0.1,"c":12345678901234.56789,"d":1e2,"e":0.0000000,"f":-7}'
        assert exact.dumps(exact.loads(text)) == text
        assert exact.Number("0.00000") == 0
        assert exact.dumps([Decimal("1E-7"), True, None, "ñ\ud83d"]) == (
            '[0.0000001,true,null,"\\u00f1\\ud83d"]'
        )

    def test_what_is_not_exact_is_refused(self) -> None:
        with pytest.raises(TypeError):
            exact.dumps([0.1])
        for wrong in ("NaN", "[Infinity]"):
            with pytest.raises(ValueError, match="no JSON"):
                exact.loads(wrong)


_SIGN_OF = {"drop": "without response", "reset": "reset by peer"}


def _wait_until(true: Any) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _together(sandbox: RunningSandbox, tokens: list[str]) -> None:
    def ask(token: str) -> None:
        with SerpiCaller(sandbox.serpi_url, token) as caller:
            caller.types()

    threads = [threading.Thread(target=ask, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
