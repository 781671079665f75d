"""Runs a tap or target as its users do and reads what it wrote: the Singer runner of the tests.

`run_tap` and `run_command` call the real click command in this process, which is quick; `run_process`
and `started` start `python -m package`, for signals, pipes and exit codes of a real process. Numbers
with a point are read as `Decimal`, never as float.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
from jsonschema import FormatChecker
from singer_sdk.plugin_base import PluginBase

TESTS = Path(__file__).resolve().parents[1]
PATH_OF_TESTS = {
    "PYTHONPATH": os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
}
"""For processes that import from the folder of the tests."""

Json = dict[str, Any]


def read_line(line: bytes) -> Json:
    """Parse a Singer message, every number exactly."""
    message = json.loads(line, parse_float=Decimal, parse_constant=_refuse)
    assert isinstance(message, dict), f"a message is an object: {line[:80]!r}"
    return message


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


class Output:
    """What a connector wrote on standard output, whole lines or not."""

    def __init__(self, stdout: bytes) -> None:
        self.stdout = stdout

    @property
    def lines(self) -> list[bytes]:
        """Lines that are ended by a line break."""
        return self.stdout.split(b"\n")[:-1]

    @functools.cached_property
    def messages(self) -> list[Json]:
        """All messages, in order; a line that was cut is an error."""
        assert not self.stdout or self.stdout.endswith(b"\n"), "the last line is cut"
        return [read_line(line) for line in self.lines]

    def of_type(self, kind: str, stream: str | None = None) -> list[Json]:
        """Messages of one type, of one stream where it is given."""
        return [
            message
            for message in self.messages
            if message["type"] == kind and stream in (None, message.get("stream"))
        ]

    def records(self, stream: str | None = None) -> list[Json]:
        """The records alone."""
        return [message["record"] for message in self.of_type("RECORD", stream)]

    def schemas(self, stream: str | None = None) -> list[Json]:
        """The JSON schemas of the SCHEMA messages."""
        return [message["schema"] for message in self.of_type("SCHEMA", stream)]

    @property
    def states(self) -> list[Json]:
        """The values of the STATE messages."""
        return [message["value"] for message in self.of_type("STATE")]

    @property
    def state(self) -> Json:
        """The last state."""
        assert self.states, "no STATE message"
        return self.states[-1]

    def bookmark(self, stream: str) -> Json:
        """A stream's bookmark in the last state."""
        bookmark = self.state["bookmarks"][stream]
        assert isinstance(bookmark, dict)
        return bookmark

    def activated(self, stream: str) -> list[int]:
        """The versions that ACTIVATE_VERSION messages name."""
        return [message["version"] for message in self.of_type("ACTIVATE_VERSION", stream)]

    @staticmethod
    def batch(message: Json) -> list[Json]:
        """The records of a BATCH message's files, which are on this machine."""
        records: list[Json] = []
        for url in message["manifest"]:
            with gzip.open(urlsplit(url).path) as file:
                records += map(read_line, file)
        return records

    def check_records(self) -> None:
        """Let jsonschema judge each RECORD by the last SCHEMA before it, keys and formats too."""
        judges: dict[str, Any] = {}
        keys: dict[str, list[str]] = {}
        for message in self.messages:
            match message["type"]:
                case "SCHEMA":
                    judges[message["stream"]] = judge(message["schema"])
                    keys[message["stream"]] = message["key_properties"]
                    unknown = set(message["key_properties"]) - set(message["schema"]["properties"])
                    assert not unknown, f"keys without a column: {unknown}"
                case "RECORD":
                    assert message["stream"] in judges, "a RECORD before its SCHEMA"
                    judges[message["stream"]].validate(message["record"])
                    for name in keys[message["stream"]]:
                        assert message["record"].get(name) is not None, f"no key {name}"


@dataclass
class Run:
    """A run that has ended.

    Attributes:
        exit_code: as a shell sees it: 128 + n for a process that signal n ended.
        output: what was on standard output.
        stderr: log and messages for people.
    """

    exit_code: int
    output: Output
    stderr: str

    @property
    def stdout(self) -> bytes:
        return self.output.stdout

    def ok(self) -> Output:
        """Give the output of a run that must have ended well."""
        assert self.exit_code == 0, f"exit code {self.exit_code}:\n{self.stderr}"
        return self.output

    def failed(self, exit_code: int, *words: str) -> Output:
        """Give the output of a run that must have failed with a code and words for the user."""
        assert self.exit_code == exit_code, f"exit code {self.exit_code}:\n{self.stderr}"
        assert "Traceback" not in self.stderr or exit_code == 1, self.stderr
        for word in words:
            assert word in self.stderr, f"{word!r} is not in:\n{self.stderr}"
        return self.output


# jsonschema as the independent judge

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
"""With or without a zone: WINFRA's date-times have none."""
FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    datetime.fromisoformat(value)  # a real day and time
    return RFC_3339.fullmatch(value) is not None


@FORMATS.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    if not isinstance(value, str):
        return True
    date.fromisoformat(value)
    return re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None


def _is_integer(_checker: object, value: object) -> bool:
    """JSON schema knows values, not spellings: 5.0 is an integer."""
    if isinstance(value, Decimal):
        return value == value.to_integral_value()
    return isinstance(value, int) and not isinstance(value, bool)


_Validator = jsonschema.validators.extend(  # type: ignore[no-untyped-call]  # its stubs leave it so
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


def judge(schema: Json) -> Any:
    """Make a validator of a schema that must itself be valid."""
    _Validator.check_schema(schema)
    return _Validator(schema, format_checker=FORMATS)


def without_times(messages: Sequence[Json]) -> list[Json]:
    """Leave the times out, which no two runs share."""
    return [
        {name: value for name, value in message.items() if name != "time_extracted"}
        for message in messages
    ]


# In this process


def run_tap(
    tap_class: type[PluginBase],
    config: Mapping[str, Any] | None = None,
    *,
    catalog: Mapping[str, Any] | None = None,
    state: Mapping[str, Any] | None = None,
    args: Sequence[str] = (),
) -> Run:
    """Run a tap's command in this process, its files written as Meltano would write them.

    Args:
        tap_class: with the command `cli`.
        config: settings; None for no `--config` at all.
        catalog: None for no `--catalog`.
        state: None for no `--state`.
        args: further arguments.
    """
    files = {"--config": config, "--catalog": catalog, "--state": state}
    with tempfile.TemporaryDirectory() as folder:
        return run_command(tap_class, [*_options(Path(folder), files), *args])


def _options(folder: Path, files: Mapping[str, Mapping[str, Any] | None]) -> list[str]:
    options: list[str] = []
    for option, content in files.items():
        if content is not None:
            path = folder / f"{option.strip('-')}.json"
            path.write_text(json.dumps(content, default=_plain_number), encoding="utf-8")
            options += [option, str(path)]
    return options


def _plain_number(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


def run_command(
    plugin_class: type[PluginBase], args: Sequence[str], stdin: bytes | Iterator[bytes] = b""
) -> Run:
    """Run a connector's command in this process.

    Args:
        plugin_class: with the command `cli`.
        args: of the command line.
        stdin: a target's input.
    """
    stdout = io.BytesIO()
    stderr = io.StringIO()
    given = stdin if isinstance(stdin, bytes) else b"".join(stdin)
    with (
        _restored_process(),
        contextlib.redirect_stdout(io.TextIOWrapper(stdout, encoding="utf-8")) as out,
        contextlib.redirect_stderr(stderr),
        _replaced_stdin(io.TextIOWrapper(io.BytesIO(given), encoding="utf-8")),
    ):
        try:
            command: Any = plugin_class.cli
            command.main([*args], prog_name=plugin_class.name)
            exit_code = 0
        except SystemExit as end:
            exit_code = end.code if isinstance(end.code, int) else int(end.code is not None)
        out.flush()
        written = stdout.getvalue()
    return Run(exit_code, Output(written), stderr.getvalue())


@contextlib.contextmanager
def _replaced_stdin(stdin: io.TextIOWrapper) -> Iterator[None]:
    before = sys.stdin
    sys.stdin = stdin
    try:
        yield
    finally:
        sys.stdin = before


@contextlib.contextmanager
def _restored_process() -> Iterator[None]:
    """Put back what a command changes for its whole process."""
    root = logging.getLogger()
    handlers, level, factory = root.handlers[:], root.level, logging.getLogRecordFactory()
    environment = dict(os.environ)
    hooks = sys.excepthook, threading.excepthook
    is_main = threading.current_thread() is threading.main_thread()
    signals = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with warnings.catch_warnings():
            # pytest makes errors of warnings; a process of its own shows them.
            warnings.simplefilter("default")
            yield
    finally:
        logging.captureWarnings(capture=False)
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.setLogRecordFactory(factory)
        sys.excepthook, threading.excepthook = hooks
        os.environ.clear()
        os.environ.update(environment)
        if is_main:
            for number, handler in signals.items():
                signal.signal(number, handler)


# As a process of its own


def run_process(
    package: str,
    config: Mapping[str, Any] | None = None,
    *,
    catalog: Mapping[str, Any] | None = None,
    state: Mapping[str, Any] | None = None,
    args: Sequence[str] = (),
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    timeout: float = 30,
) -> Run:
    """Run `python -m package` to its end; arguments as `run_tap`."""
    with started(
        package, config, catalog=catalog, state=state, args=args, environment=environment
    ) as process:
        return process.ended(stdin, timeout)


class StartedProcess:
    """A connector that runs."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._read = b""
        self._seen = 0

    def read_until(self, kind: str) -> Json:
        """Read lines until a message of a type has come, and give it."""
        while True:
            end = self._read.find(b"\n", self._seen)
            if end < 0:
                self._read_more(kind)
                continue
            message = read_line(self._read[self._seen : end])
            self._seen = end + 1
            if message["type"] == kind:
                return message

    def _read_more(self, kind: str) -> None:
        assert self.process.stdout is not None
        # Past the pipe's own buffer, which `communicate` does not look into.
        piece = os.read(self.process.stdout.fileno(), 1 << 16)
        if not piece:
            raise AssertionError(f"no {kind} message came; stderr:\n{self.ended().stderr}")
        self._read += piece

    def send(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def ended(self, stdin: bytes | None = None, timeout: float = 30) -> Run:
        """Wait for the end."""
        out, error = self.process.communicate(stdin, timeout)
        code = self.process.returncode
        return Run(
            128 - code if code < 0 else code, Output(self._read + (out or b"")), error.decode()
        )


@contextlib.contextmanager
def started(
    package: str,
    config: Mapping[str, Any] | None = None,
    *,
    catalog: Mapping[str, Any] | None = None,
    state: Mapping[str, Any] | None = None,
    args: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    stdout: Any = subprocess.PIPE,
) -> Iterator[StartedProcess]:
    """Start `python -m package`; it is killed if the block is left before it has ended.

    Args:
        package: importable here or from the folder of the tests.
        config: as `run_tap`.
        catalog: as `run_tap`.
        state: as `run_tap`.
        args: further arguments.
        environment: variables beyond this process's own.
        stdout: of the process, a pipe by default.
    """
    files = {"--config": config, "--catalog": catalog, "--state": state}
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-m", package, *_options(Path(folder), files), *args],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env={**os.environ, **PATH_OF_TESTS, **(environment or {})},
        ) as process,
    ):
        try:
            yield StartedProcess(process)
        finally:
            if process.poll() is None:
                process.kill()
