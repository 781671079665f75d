"""Secrets in every form and through every way out."""

from __future__ import annotations

import base64
import io
import json
import logging
import subprocess
import sys
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.logging import ConsoleFormatter, StructuredFormatter

from connector_kit.redaction import REDACTOR, Redactor, install, preview

CANARY = 'c4nary "tóken"/+=&\\'


@pytest.fixture(autouse=True)
def installed() -> None:
    install()
    REDACTOR.add(CANARY)


FORMS = [
    CANARY,
    base64.b64encode(CANARY.encode()).decode(),
    base64.b64encode(CANARY.encode()).decode().rstrip("="),
    urllib.parse.quote(CANARY),
    urllib.parse.quote(CANARY, safe=""),
    urllib.parse.quote_plus(CANARY),
    json.dumps(CANARY)[1:-1],
    json.dumps(CANARY, ensure_ascii=False)[1:-1],
    repr(CANARY)[1:-1],
    repr(CANARY.encode())[2:-1],
]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_hidden(form: str) -> None:
    redactor = Redactor()
    redactor.add(CANARY)
    assert redactor.clean(f"before{form}after") in ("before***after", "before***==after")


def test_longest_first_and_short_ones_left_out() -> None:
    redactor = Redactor()
    redactor.add("", "abc", "secret", "secret-and-more")
    assert redactor.clean("abc secret secret-and-more") == "abc *** ***"
    assert Redactor().clean("untouched") == "untouched"


def test_basic_pair() -> None:
    redactor = Redactor()
    redactor.add_basic("usuario", "contraseña")
    redactor.add_basic("u", "")
    for charset in ("utf-8", "latin-1"):
        pair = base64.b64encode("usuario:contraseña".encode(charset)).decode()
        assert redactor.clean(f"Basic {pair}") == "Basic ***"
    assert redactor.clean("usuario contraseña") == "usuario ***"


@given(st.text(min_size=4), st.text(), st.text())
def test_no_secret_survives(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.add(secret)
    cleaned = redactor.clean(before + secret + after)
    assert secret not in cleaned or secret in f"{before}***{after}"


def logged(formatter: logging.Formatter, *args: object, **kwargs: object) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.getLogger("redaction.test")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    logger.handlers = [handler]
    logger.log(logging.INFO, *args, **kwargs)  # type: ignore[arg-type]  # passed on as they are
    return stream.getvalue()


def failing() -> None:
    try:
        int(CANARY)
    except ValueError as error:
        raise RuntimeError(f"outer {CANARY}", {"depth": 1}) from error


@pytest.mark.parametrize("formatter", [ConsoleFormatter(), StructuredFormatter()])
def test_log_records(formatter: logging.Formatter) -> None:
    assert "***" in logged(formatter, "plain %s", CANARY)
    try:
        failing()
    except RuntimeError:
        lines = [
            logged(formatter, f"message {CANARY}"),
            logged(formatter, "%s and %d", {"token": CANARY}, 5),
            logged(formatter, "wrong %d", CANARY),
            logged(formatter, "failed", exc_info=True),
            logged(formatter, "failed %s", CANARY, exc_info=True, stack_info=True),
        ]
    for line in lines:
        assert "***" in line
        for form in FORMS:
            assert form not in line
    assert "outer ***" in lines[3]
    assert "ValueError" in lines[3]


def test_a_record_without_secrets_keeps_its_arguments() -> None:
    arguments = (object(), 3)
    record = logging.getLogRecordFactory()("n", 20, "p", 1, "METRIC: %s %s", arguments, None)
    assert record.args == arguments
    assert record.msg == "METRIC: %s %s"


def test_installing_again_changes_nothing() -> None:
    factory, hook = logging.getLogRecordFactory(), sys.excepthook
    install()
    assert logging.getLogRecordFactory() is factory
    assert sys.excepthook is hook


PROGRAM = """
import sys, threading, warnings
from connector_kit.redaction import REDACTOR, install
install()
install()
REDACTOR.add("canary-token")
warnings.warn("a warning about canary-token", UserWarning)
def work():
    raise ValueError("in a thread canary-token")
thread = threading.Thread(target=work)
thread.start()
thread.join()
raise RuntimeError("at last canary-token")
"""


def test_uncaught_exceptions_and_warnings() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 1
    assert "canary" not in done.stderr
    for told in ("a warning about ***", "in a thread ***", "at last ***"):
        assert told in done.stderr


def test_urllib3_prints_no_addresses(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logger = logging.getLogger("urllib3.connectionpool")
    logger.debug('http://x "GET /?token=1 HTTP/1.1" 200')
    logger.setLevel(logging.DEBUG)  # as a user's log configuration might
    logger.warning("Failed to parse headers (url=http://x/?token=1)")
    assert caplog.text == ""


def test_preview() -> None:
    assert preview(b"short") == "short"
    assert preview(b"") == ""
    assert preview("Ñandú \n\t dos\x00tres".encode()) == "Ñandú dos tres"
    assert preview(b"\xf1and\xfa") == "\\xf1and\\xfa"
    assert len(preview(b"x" * 5000)) == 200
    assert preview(b"x" * 5000).endswith("…")
    assert preview(f"say {CANARY}!".encode()) == "say ***!"


@given(st.integers(0, 2500))
def test_preview_never_shows_half_a_secret(at: int) -> None:
    body = b" " * at + CANARY.encode() + b" " * 5000
    shown = preview(body, 20)
    assert "***".startswith(shown.replace("…", "").strip())
