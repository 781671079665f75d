"""Failures of every kind: the right exit code, SERPI's own words, and never a short table."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from erp_sandbox.faults import Fault
from erp_sandbox.serpi import SECRET_KEY, TOKEN
from support.serpi_tap import (
    ALL_DOCUMENTS,
    ARTICLES,
    DOCUMENTS,
    STREAMS,
    TYPES,
    held,
    run,
    texts,
)
from support.servers import running_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.servers import RunningSandbox
    from support.singer import Run

WORDS = "La base de datos no responde"
PATHS = {ARTICLES: "Articulo", TYPES: "GetTipoDocumento", DOCUMENTS: "Consultar"}


def failing(sandbox: RunningSandbox, body: Any, status: int = 200, **further: Any) -> Fault:
    """Answer every request like this."""
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return sandbox.serpi.faults.add(
        Fault("status", status=status, body=text, **{"times": None, **further})
    )


def envelope(code: object = 200, *, success: object = True, **members: Any) -> dict[str, Any]:
    given = {"success": success, "code": code, "errors": None, "message": WORDS, **members}
    return {name: value for name, value in given.items() if value is not ...}


def one_page(sandbox: RunningSandbox, body: Any) -> None:
    """Answer page 1 like this and every other page with nothing."""
    failing(sandbox, body, path="pagina=1$")
    failing(sandbox, "", 204)


def assert_nothing_short(run_: Run, *streams: str) -> None:
    """Assert that no stream that failed looks like a whole one."""
    for stream in streams:
        assert run_.output.activated(stream) == []
        assert f"{stream}: complete" not in run_.stderr
    for state in run_.output.states:
        assert not any(state["bookmarks"].get(stream) for stream in streams)


# Credentials


@pytest.mark.parametrize("place", ["http", "body"])
@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize(
    ("wrong", "code"), [({"token": "canary-token-1"}, 401), ({"secret_key": "canary-key-1"}, 403)]
)
def test_wrong_credentials(
    *,
    sandbox: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
    wrong: dict[str, Any],
    code: int,
    stream: str,
    place: Any,
) -> None:
    monkeypatch.setenv("TAP_SERPI_LOGLEVEL", "DEBUG")
    sandbox.serpi.switches.credential_refusal = place
    run_ = run(sandbox, stream, **ALL_DOCUMENTS, **wrong)
    run_.failed(2, str(code), "`token`", "`secret_key`")
    assert len(sandbox.serpi.requests) == 1
    assert "DEBUG" in run_.stderr
    for secret in (TOKEN, SECRET_KEY, *wrong.values()):
        assert secret not in run_.stderr
        assert secret.encode() not in run_.stdout


def test_wrong_credentials_end_the_whole_run(sandbox: RunningSandbox) -> None:
    run(sandbox, **ALL_DOCUMENTS, token="canary-wrong").failed(2)
    assert len(sandbox.serpi.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", ["", "<html>Forbidden</html>", '"no"', "[]", envelope(500)])
def test_refused_credentials_whatever_the_body(
    sandbox: RunningSandbox, status: int, body: Any
) -> None:
    failing(sandbox, body, status)
    run(sandbox, ARTICLES).failed(2, str(status))
    assert len(sandbox.serpi.requests) == 1


def test_an_echoed_secret_is_not_repeated(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAP_SERPI_LOGLEVEL", "DEBUG")
    echo = f"Bearer {TOKEN} / {SECRET_KEY} no"
    failing(sandbox, envelope(400, success=False, message=echo, errors=[echo]), 400)
    run_ = run(sandbox, ARTICLES)
    run_.failed(3, "***")
    assert TOKEN not in run_.stderr
    assert SECRET_KEY not in run_.stderr


def test_no_query_string_in_the_log(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAP_SERPI_LOGLEVEL", "DEBUG")
    run_ = run(sandbox, ARTICLES, codigo=["7701234567890"])
    run_.ok()
    failing(sandbox, envelope(500), 500)
    failed = run(sandbox, ARTICLES, codigo=["7701234567890"])
    for log in (run_.stderr, failed.stderr):
        assert "pagina=" not in log
        assert "codigo=" not in log


def test_a_token_that_ends_in_the_middle(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.token_expires_after = 20
    run_ = run(sandbox, **ALL_DOCUMENTS)
    output = run_.failed(2, "401")
    assert len(sandbox.serpi.requests) == 21
    assert output.bookmark(ARTICLES)
    assert "2025-09-01" < output.bookmark(DOCUMENTS)["until"] < "2026-10-31"
    assert TYPES not in output.state["bookmarks"]


# What SERPI says beside HTTP 200, and by HTTP


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize(
    "trouble",
    [
        "success_false",
        "errors",
        "body_400",
        "body_500",
        "body_503",
        "no_code",
        "html",
        "broken_json",
    ],
)
def test_every_trouble_beside_http_200(sandbox: RunningSandbox, trouble: Any, stream: str) -> None:
    sandbox.serpi.switches.read_trouble = trouble
    run_ = run(sandbox, stream, **ALL_DOCUMENTS, retry_time=0.02)
    run_.failed(3, f"stream {stream}")
    assert run_.output.records() == []
    assert_nothing_short(run_, stream)
    requests = len(sandbox.serpi.requests)
    match trouble:
        case "body_400":
            assert requests == 1
        case "html" | "broken_json":
            assert requests == 3
        case _:
            assert requests > 1


@pytest.mark.parametrize(
    ("errors", "word"),
    [
        (["Error uno", "Error dos"], "Error dos"),
        ([{"campo": "codigo", "mensaje": "no existe"}], "no existe"),
        ({"[0].codigo": ["es requerido"]}, "es requerido"),
        ("un error", "un error"),
        ([["anidado"]], "anidado"),
        (7, "7"),
        (True, "True"),
    ],
)
@pytest.mark.parametrize("success", [True, False])
def test_errors_beside_rows_in_every_shape(
    sandbox: RunningSandbox, errors: object, word: str, success: object
) -> None:
    failing(sandbox, envelope(errors=errors, success=success, result=[{"id": 1}]))
    run_ = run(sandbox, ARTICLES)
    run_.failed(3, WORDS, word)
    assert_nothing_short(run_, ARTICLES)


@pytest.mark.parametrize("errors", [None, [], {}, "", ...])
def test_no_errors_in_every_shape(sandbox: RunningSandbox, errors: object) -> None:
    row = {"id": 1, "codigo": "1"}
    one_page(sandbox, envelope(errors=errors, result=[row]))
    assert run(sandbox, ARTICLES).ok().records() == [row]


@pytest.mark.parametrize("success", [False, None, "true", 1, ...])
def test_success_that_is_not_true(sandbox: RunningSandbox, success: object) -> None:
    failing(sandbox, envelope(success=success, result=[{"id": 1}]))
    run(sandbox, ARTICLES).failed(3, WORDS, "success")


@pytest.mark.parametrize("beside", [200, 201, 404, 500])
@pytest.mark.parametrize(
    ("code", "exit_code", "once"),
    [
        (400, 3, True),
        (401, 2, True),
        (403, 2, True),
        (405, 3, True),
        (422, 2, True),
        (429, 3, False),
        (500, 3, False),
        (503, 3, False),
        ("502", 3, False),
        (599, 3, False),
        (1000, 3, False),
    ],
)
def test_the_graver_of_status_and_code_counts(
    sandbox: RunningSandbox, code: Any, exit_code: int, once: bool, beside: int
) -> None:
    failing(sandbox, envelope(code, success=False, errors=["x"]), beside)
    run(sandbox, ARTICLES, retry_time=0.02).failed(exit_code, WORDS)
    once = once or beside in (400, 404)
    assert (len(sandbox.serpi.requests) == 1) == once


@pytest.mark.parametrize("code", [0, 1, 100, 199, 202, 206, 301, 302, 304, 399, "200", " 200 "])
def test_a_code_below_400_speaks_of_no_failure(sandbox: RunningSandbox, code: object) -> None:
    one_page(sandbox, envelope(code, result=[{"id": 1}]))
    assert run(sandbox, ARTICLES).ok().records() == [{"id": 1}]


@pytest.mark.parametrize("code", [None, True, "", "OK", [], {}, ..., "9" * 5000, 200.5])
def test_no_code_at_all_is_tried_again(sandbox: RunningSandbox, code: object) -> None:
    failing(sandbox, envelope(code, result=[{"id": 1}]))
    run(sandbox, ARTICLES, retry_time=0.02).failed(3, "`code`")
    assert len(sandbox.serpi.requests) > 1


@pytest.mark.parametrize(
    ("status", "exit_code", "once"),
    [(400, 3, True), (404, 3, True), (409, 3, True), (410, 3, True), (422, 2, True), (555, 2, True),
     (408, 3, False), (429, 3, False), (500, 3, False), (502, 3, False), (503, 3, False),
     (504, 3, False)],
)  # fmt: skip
@pytest.mark.parametrize("body", ["", "<html><body>Un momento</body></html>", "{"])
def test_http_statuses_without_an_envelope(
    sandbox: RunningSandbox, status: int, exit_code: int, once: bool, body: str
) -> None:
    failing(sandbox, body, status)
    run_ = run(sandbox, ARTICLES, retry_time=0.02)
    run_.failed(exit_code, str(status))
    assert_nothing_short(run_, ARTICLES)
    assert (len(sandbox.serpi.requests) == 1) == once


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "null",
        "[]",
        "7",
        '"texto"',
        "{}",
        '{"success":true}',
        '{"success":true,"code":200}',
        '{"success":true,"code":200,"result":{}}',
        '{"success":true,"code":200,"result":"nada"}',
        '{"success":true,"code":200,"result":{"id":1}}',
        '{"success":true,"code":200,"result":[1,2]}',
        '{"success":true,"code":200,"result":[null]}',
        '{"success":true,"code":200,"result":[{"id":1},null]}',
        '{"success":true,"code":200,"result":[{"id":1},[]]}',
        '{"success":true,"code":200,"result":[{"id":1}],}',
        '{"success":true,"code":200,"result":[{"id":1}]} y mas',
        '{"success":true,"code":200,"result":[{"id":1,"peso":NaN}]}',
        '{"success":true,"code":200,"result":[{"id":1,"peso":Infinity}]}',
        '{"success":true,"code":200,"result":[{"id":1',
        '{"success":true,"code":200,"result":[{"id":1,"descripcion":"dos\nlíneas"}]}',
        "\x00",
        "<!DOCTYPE html><html></html>",
    ],
)
@pytest.mark.parametrize("stream", STREAMS)
def test_an_answer_that_is_none(sandbox: RunningSandbox, stream: str, body: str) -> None:
    failing(sandbox, body, path=PATHS[stream], headers={"Content-Type": "application/json"})
    run_ = run(sandbox, stream, **ALL_DOCUMENTS, retry_time=0.02)
    run_.failed(3, stream)
    assert run_.output.records() == []
    assert_nothing_short(run_, stream)


@pytest.mark.parametrize("stream", STREAMS)
def test_a_later_page_that_is_none(sandbox: RunningSandbox, stream: str) -> None:
    failing(sandbox, "<html>Un momento</html>", path=f"{PATHS[stream]}.*pagina=2")
    run_ = run(sandbox, stream, **ALL_DOCUMENTS, page_size=3)
    run_.failed(3, stream, "HTML")
    assert_nothing_short(run_, stream)


def test_an_http_500_is_no_end_whatever_its_body_says(sandbox: RunningSandbox) -> None:
    failing(sandbox, envelope(404, success=False), 500, path="pagina=2")
    run_ = run(sandbox, ARTICLES, page_size=100)
    run_.failed(3)
    assert_nothing_short(run_, ARTICLES)


@pytest.mark.parametrize("code", [401, 403])
def test_a_404_whose_body_refuses_the_credentials(sandbox: RunningSandbox, code: int) -> None:
    failing(sandbox, envelope(code, success=False), 404, path="pagina=2")
    run(sandbox, ARTICLES, page_size=100).failed(2, str(code))


def test_one_failing_stream_does_not_stop_the_others(sandbox: RunningSandbox) -> None:
    failing(sandbox, envelope(400, success=False), path="Articulo")
    run_ = run(sandbox, **ALL_DOCUMENTS)
    output = run_.failed(3, WORDS, "1 of the selected streams did not complete: articulos")
    assert sorted(texts(output, DOCUMENTS)) == sorted(held(sandbox.serpi, DOCUMENTS))
    assert texts(output, TYPES) == held(sandbox.serpi, TYPES)
    assert ARTICLES not in output.state["bookmarks"]


def test_the_gravest_exit_code_counts(sandbox: RunningSandbox) -> None:
    failing(sandbox, envelope(422, success=False), path="GetTipo")
    failing(sandbox, envelope(result=[{"codigo": "x"}]), path="Articulo")
    run_ = run(sandbox, ARTICLES, TYPES)
    run_.failed(2, "lack the key property 'id'", "422")
    sandbox.serpi.faults.clear()
    failing(sandbox, envelope(result=[{"codigo": "x"}]), path="Articulo")
    failing(sandbox, envelope(400, success=False), path="GetTipo")
    run(sandbox, ARTICLES, TYPES).failed(3)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("row", [{"codigo": "x"}, {"id": None}, {"ID ": 1}])
def test_a_record_without_its_key(
    sandbox: RunningSandbox, stream: str, row: dict[str, Any]
) -> None:
    failing(sandbox, envelope(result=[{"id": 1}, row]), path=PATHS[stream])
    run_ = run(sandbox, stream, **ALL_DOCUMENTS)
    run_.failed(4, stream, "1 of 2", "'id'")
    assert run_.output.records() == []
    assert_nothing_short(run_, stream)


@pytest.mark.parametrize("kind", [{"prefijo": "A"}, {"id": "uno"}, {"id": 1.5}, {"id": None}])
def test_a_document_type_that_cannot_be_asked_for(
    sandbox: RunningSandbox, kind: dict[str, Any]
) -> None:
    failing(sandbox, envelope(result=[{"id": 1}, kind]), path="GetTipo")
    run(sandbox, DOCUMENTS, **ALL_DOCUMENTS).failed(3, DOCUMENTS, "`id`")
    assert sandbox.serpi.count("documento.query") == 0


# Redirects


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[RunningSandbox]:
    with running_sandbox() as another:
        yield another


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("stream", STREAMS)
def test_a_redirect_is_not_followed(
    sandbox: RunningSandbox, elsewhere: RunningSandbox, stream: str, status: int
) -> None:
    location = f"{elsewhere.serpi_url}/Articulo?token=canary-in-query"
    fault = Fault("redirect", status=status, location=location, times=None)
    sandbox.serpi.faults.add(fault)
    run_ = run(sandbox, stream, **ALL_DOCUMENTS)
    run_.failed(2, f"{elsewhere.serpi_url}/Articulo")
    assert "canary-in-query" not in run_.stderr
    assert elsewhere.serpi.requests == []
    assert len(sandbox.serpi.requests) == 1


def test_an_address_that_moved_as_a_whole(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.redirect_to = "https://www.apis.example.invalid"
    run(sandbox, **ALL_DOCUMENTS).failed(2, "https://www.apis.example.invalid/")


# Charsets


def test_latin_1_that_says_so(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.charset = "latin1_declared"
    output = run(sandbox, **ALL_DOCUMENTS).ok()
    for stream in STREAMS:
        assert sorted(texts(output, stream)) == sorted(held(sandbox.serpi, stream))
    assert "Ñandú" in output.stdout.decode()


@pytest.mark.parametrize("stream", STREAMS)
def test_latin_1_that_does_not_say_so(sandbox: RunningSandbox, stream: str) -> None:
    sandbox.serpi.switches.charset = "latin1_undeclared"
    run_ = run(sandbox, stream, **ALL_DOCUMENTS)
    run_.failed(3, stream, "UTF-8")
    assert "\ufffd" not in run_.output.stdout.decode()
    assert len(sandbox.serpi.requests) == 3


@pytest.mark.parametrize(
    ("charset", "word"), [("klingon", "charset"), ("hex", "charset"), ("utf-16", "JSON")]
)
def test_a_charset_that_is_none(sandbox: RunningSandbox, charset: str, word: str) -> None:
    body = json.dumps(envelope(result=[{"id": 1}]))
    headers = {"Content-Type": f"application/json; charset={charset}"}
    failing(sandbox, body, headers=headers)
    run(sandbox, ARTICLES).failed(3, word)


# What passes


@pytest.mark.parametrize("kind", ["drop", "reset", "cut_body", "html", "garbage", "lost_answer"])
@pytest.mark.parametrize("page", [1, 2, 4])
def test_a_failure_that_passes_changes_nothing(
    sandbox: RunningSandbox, page: int, kind: Any
) -> None:
    fault = Fault(kind, path=f"Articulo.*pagina={page}$", times=2)
    sandbox.serpi.faults.add(fault)
    run_ = run(sandbox, ARTICLES, page_size=400, retry_time=5)
    assert texts(run_.ok(), ARTICLES) == held(sandbox.serpi, ARTICLES)
    assert fault.hits == 2
    assert run_.stderr.count("again in") == 2


@pytest.mark.parametrize("status", [429, 500, 502, 503])
@pytest.mark.parametrize("beside", [None, 200])
def test_a_server_that_recovers(sandbox: RunningSandbox, status: int, beside: int | None) -> None:
    body = json.dumps(envelope(status, success=False))
    fault = Fault("status", status=beside or status, body=body, times=3)
    sandbox.serpi.faults.add(fault)
    output = run(sandbox, *STREAMS, **ALL_DOCUMENTS, retry_time=5).ok()
    assert len(output.records()) == 1804


@pytest.mark.parametrize(("status", "beside"), [(429, 429), (503, 200)])
def test_retry_after_is_honoured(sandbox: RunningSandbox, status: int, beside: int) -> None:
    body = json.dumps(envelope(status, success=False))
    headers = {"Retry-After": "1"}
    sandbox.serpi.faults.add(Fault("status", status=beside, body=body, headers=headers))
    started = time.monotonic()
    run(sandbox, TYPES, retry_time=10).ok()
    assert time.monotonic() - started >= 1
    first, second, *_ = sandbox.serpi.requests
    assert second.time - first.time >= 1


def test_retry_after_ends_with_the_retry_time(sandbox: RunningSandbox) -> None:
    failing(sandbox, "", 503, headers={"Retry-After": "86400"})
    started = time.monotonic()
    run(sandbox, TYPES, retry_time=0.3).failed(3, "503")
    assert time.monotonic() - started < 60


def test_nobody_listens(sandbox: RunningSandbox) -> None:
    with sandbox.down():
        run_ = run(sandbox, **ALL_DOCUMENTS)
    run_.failed(3, "no connection", *STREAMS)
    assert_nothing_short(run_, *STREAMS)


def test_a_name_that_is_not_known(sandbox: RunningSandbox) -> None:
    run(sandbox, TYPES, api_url="http://nobody.invalid/api/v1").failed(3, "nobody.invalid")


def test_a_slow_page_is_waited_for(sandbox: RunningSandbox) -> None:
    sandbox.serpi.faults.add(Fault("delay", path="pagina=2", delay=0.4))
    output = run(sandbox, ARTICLES, page_size=600, request_timeout=5).ok()
    assert texts(output, ARTICLES) == held(sandbox.serpi, ARTICLES)


def test_silence_ends(sandbox: RunningSandbox) -> None:
    sandbox.serpi.faults.add(Fault("delay", path="pagina=2", delay=0.6, times=None))
    run_ = run(sandbox, ARTICLES, page_size=600, request_timeout=0.1)
    run_.failed(3, "nothing came for 0.1 s", "stream articulos")
    assert_nothing_short(run_, ARTICLES)
