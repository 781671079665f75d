"""Secrets kept out of every log line, warning, traceback and error message.

A secret is found in its plain form and in those it takes on the way: base64 (HTTP Basic among
them), URL-encoded, JSON-escaped and as Python's `repr` writes it.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import sys
import threading
import traceback
import urllib.parse
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

SHORTEST_SECRET = 4
"""A shorter secret would be found in every other word."""

HIDDEN = "***"

_NOTHING = re.compile(r"(?!)")


class Redactor:
    """Knows the secrets of this process and replaces them in a text."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._pattern = _NOTHING
        self._adding = threading.Lock()

    def add(self, *secrets: str) -> None:
        """Remember secrets.

        Args:
            secrets: passwords, tokens; empty ones and those of less than 4 characters are left out.
        """
        forms = {form for secret in secrets for form in _forms_of(secret)}
        with self._adding:
            if forms <= self._forms:
                return
            self._forms |= forms
            # Longest first: a secret that begins like another one is hidden whole.
            longest_first = sorted(self._forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def add_basic(self, user: str, password: str) -> None:
        """Remember the password of HTTP Basic, and the pair as its header carries it.

        Args:
            user: the name, itself no secret.
            password: may be empty.
        """
        pair = f"{user}:{password}"
        self.add(password)
        if len(pair) > SHORTEST_SECRET:
            # Both are in use: RFC 7617 says UTF-8, `requests` sends Latin-1.
            for charset in ("utf-8", "latin-1"):
                self.add(base64.b64encode(pair.encode(charset, "replace")).decode())

    def clean(self, text: str) -> str:
        """Replace every secret in a text.

        Args:
            text: any text.

        Returns:
            the text with `***` in place of each secret.
        """
        return self._pattern.sub(HIDDEN, text)

    @property
    def longest(self) -> int:
        """How long the longest form of a secret is, in characters."""
        return max(map(len, self._forms), default=0)


def _forms_of(secret: str) -> Iterator[str]:
    if len(secret) < SHORTEST_SECRET:
        return
    encoded = secret.encode("utf-8", "surrogatepass")
    forms = (
        secret,
        base64.b64encode(encoded).decode(),
        base64.urlsafe_b64encode(encoded).decode(),
        urllib.parse.quote(encoded, safe=""),
        urllib.parse.quote(encoded),
        urllib.parse.quote_plus(encoded),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        repr(encoded)[2:-1],
    )
    for form in forms:
        yield form
        # Some writers cut the padding off.
        if len(form.rstrip("=")) >= SHORTEST_SECRET:
            yield form.rstrip("=")


REDACTOR = Redactor()
"""The secrets of this process."""


def preview(body: bytes, limit: int = 200) -> str:
    """Show the start of a body in an error message: short, on one line, without secrets.

    Args:
        body: what came.
        limit: the longest excerpt, in characters.

    Returns:
        printable text; what is no UTF-8 is shown by its hexadecimal number.
    """
    # A secret that the window cuts in two is not recognised: what may be its half is left out.
    window = body[: 8 * limit + 4 * REDACTOR.longest]
    text = REDACTOR.clean(window.decode("utf-8", "backslashreplace"))
    if len(window) < len(body):
        text = text[: max(0, len(text) - REDACTOR.longest)]
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit and len(window) == len(body) else line[: limit - 1] + "…"


class _NoUrls(logging.Filter):
    """Stops urllib3's own lines: they print query strings."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR


_URL_PRINTERS = ("urllib3.connectionpool", "urllib3.poolmanager", "urllib3.connection")
_installing = threading.Lock()


def install() -> None:
    """Clean what this process logs, warns and dies with. Calling it again changes nothing."""
    with _installing:
        if getattr(logging.getLogRecordFactory(), "cleans", False):
            return
        _clean_log_records()
        _clean_uncaught_exceptions()
        _clean_warnings()
        for name in _URL_PRINTERS:
            logger = logging.getLogger(name)
            logger.setLevel(logging.ERROR)
            logger.addFilter(_NoUrls())


def _clean_log_records() -> None:
    make_record = logging.getLogRecordFactory()

    def clean_record(*args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: ANN401 - as logging's
        record = make_record(*args, **kwargs)
        # A record without secrets stays as it is: the SDK's formatter looks at the arguments.
        message = _message_of(record)
        cleaned = REDACTOR.clean(message)
        if cleaned != message:
            record.msg, record.args = cleaned, None
        if record.exc_info and record.exc_info[1] is not None:
            _clean_exception(record.exc_info[1])
            text = "".join(traceback.format_exception(record.exc_info[1]))
            if (clean_text := REDACTOR.clean(text)) != text:
                record.exc_text = clean_text.rstrip("\n")
        if record.stack_info:
            record.stack_info = REDACTOR.clean(record.stack_info)
        return record

    clean_record.cleans = True  # type: ignore[attr-defined]  # marks that `install` was here
    logging.setLogRecordFactory(clean_record)


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        # logging itself reports a wrong format, with the arguments.
        return f"{record.msg} {record.args}"


def _clean_exception(error: BaseException | None) -> None:
    """Clean the arguments of an exception and of those behind it: some formatters print them."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                _clean_exception(member)
        else:
            args = tuple(REDACTOR.clean(a) if isinstance(a, str) else a for a in error.args)
            if args != error.args:
                error.args = args
        error = error.__cause__ or error.__context__


def _clean_uncaught_exceptions() -> None:
    previous = sys.excepthook
    previous_of_threads = threading.excepthook

    def report(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        cleaned = REDACTOR.clean(text)
        if cleaned == text:
            previous(kind, error, trace)
        else:
            sys.stderr.write(cleaned)

    def report_of_thread(arguments: threading.ExceptHookArgs) -> None:
        error = arguments.exc_value
        text = "".join(traceback.format_exception(error)) if error else ""
        cleaned = REDACTOR.clean(text)
        if cleaned == text:
            previous_of_threads(arguments)
        else:
            sys.stderr.write(cleaned)

    sys.excepthook = report
    threading.excepthook = report_of_thread


def _clean_warnings() -> None:
    # Both `warnings` and `logging.captureWarnings` write what this function gives.
    make_text = warnings.formatwarning

    def clean_text(*args: Any, **kwargs: Any) -> str:  # noqa: ANN401 - as formatwarning's
        return REDACTOR.clean(make_text(*args, **kwargs))

    warnings.formatwarning = clean_text
