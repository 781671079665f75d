"""One token, one request at a time, among threads and among processes of one machine."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from connector_kit.errors import SettingsError, UpstreamError
from serpi_client.client import SerpiClient
from serpi_client.locks import LockHeldError, TokenLocks, token_fingerprint

ADDRESS = "https://apis.serpi.com.co/api/v1"
TOKEN = "canary-token"

HOLDER = """
import sys, time
from serpi_client.locks import TokenLocks
locks = TokenLocks(sys.argv[1], sys.argv[2], request_wait=5)
with (locks.request() if sys.argv[3] == "request" else locks.writer(5)):
    sys.stdout.write("held")
    sys.stdout.flush()
    time.sleep(float(sys.argv[4]))
"""


def locks(request_wait: float = 5) -> TokenLocks:
    return TokenLocks(ADDRESS, TOKEN, request_wait=request_wait)


def holder(kind: str, seconds: float, token: str = TOKEN) -> subprocess.Popen[str]:
    """Another process that holds a lock when this returns."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, ADDRESS, token, kind, str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.read(4) == "held"
    return process


def test_another_process_is_waited_for() -> None:
    with holder("request", 0.3):
        started = time.monotonic()
        with locks().request():
            assert 0.1 < time.monotonic() - started < 2


def test_another_process_that_does_not_end() -> None:
    with holder("request", 30) as process:
        with (
            pytest.raises(LockHeldError, match="another process uses this token") as raised,
            locks(0.1).request(),
        ):
            pytest.fail("two held the token")
        assert raised.value.exit_code == 3
        assert TOKEN not in str(raised.value)
        process.kill()
        process.wait()
        # A killed process holds nothing.
        with locks(2).request():
            pass


def test_another_token_is_free() -> None:
    with holder("request", 30, "another-token") as process:
        with locks(0.1).request():
            pass
        process.kill()


def test_a_writer_keeps_other_writers_out_and_readers_in() -> None:
    with holder("writer", 30) as process:
        with locks(0.1).request():
            pass
        with (
            pytest.raises(LockHeldError, match=r"lock_timeout.*waited 0\.1 s"),
            locks().writer(0.1),
        ):
            pytest.fail("two writers held the token")
        process.kill()
        process.wait()
        with locks().writer(2):
            pass


def test_a_lock_is_given_back_after_an_error() -> None:
    own = locks()
    with pytest.raises(ZeroDivisionError), own.request(), own.writer(1):
        raise ZeroDivisionError
    with locks(0.1).request(), locks().writer(0.1):
        pass


@pytest.mark.parametrize("shared", [True, False])
def test_threads_take_turns(shared: bool) -> None:
    one = locks()
    inside = 0
    most = 0
    turns: dict[int, int] = {}
    ends = time.monotonic() + 0.6

    def work(number: int) -> None:
        nonlocal inside, most
        own = one if shared else locks()
        while time.monotonic() < ends:
            with own.request():
                inside += 1
                most = max(most, inside)
                time.sleep(0.002)
                inside -= 1
            turns[number] = turns.get(number, 0) + 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    # Without giving way, who holds it takes it again before another has looked.
    assert min(turns.get(number, 0) for number in range(3)) >= 3


def test_files_are_the_users_own_and_do_not_tell_the_token(cache_folder: Path) -> None:
    own = locks()
    with own.request(), own.writer(1):
        pass
    own._gave_way = 0
    with own.request():
        folder = cache_folder / "serpi-client"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        files = list(folder.iterdir())
        assert len(files) == 3
        for file in files:
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert TOKEN not in file.name
            assert file.read_bytes() == b""


@pytest.mark.parametrize(
    "address",
    [
        "https://apis.serpi.com.co/api/v1/",
        "https://APIS.serpi.com.co/api/v1",
        "https://www.apis.serpi.com.co/api/v1",
        "https://apis.serpi.com.co:443/api/v1//",
    ],
)
def test_one_name_for_every_spelling_of_an_address(address: str) -> None:
    assert token_fingerprint(address, TOKEN) == token_fingerprint(ADDRESS, TOKEN)


def test_other_names_for_other_tokens_and_addresses() -> None:
    names = {
        token_fingerprint(address, token)
        for address in (ADDRESS, ADDRESS + "2", "http://127.0.0.1:8900", "http://127.0.0.1:8901")
        for token in (TOKEN, TOKEN + "2")
    }
    assert len(names) == 8


def test_a_cache_folder_that_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    with locks().request():
        assert list((tmp_path / "temporary").glob("serpi-client-*/*.request.lock"))
    monkeypatch.setattr("tempfile.tempdir", str(blocked / "temporary"))
    with pytest.raises(UpstreamError, match="XDG_CACHE_HOME"):
        locks()


@pytest.mark.parametrize("address", ["", "apis.serpi.com.co", "https://x:y/", "https://a:b@x/"])
def test_an_address_that_is_none(make_client: Callable[..., SerpiClient], address: str) -> None:
    with pytest.raises(SettingsError):
        make_client(address)
