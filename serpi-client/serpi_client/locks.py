"""One token, one request at a time, whoever on this machine sends it.

SERPI's pages forbid simultaneous use of a token. A tap and a target of one pipeline share one, so a
lock file named by a hash of address and token stands in the user's cache folder. Across machines
nothing can be locked: one pipeline per token.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from connector_kit.errors import UpstreamError

FOLDER = "serpi-client"
SECONDS_BETWEEN_LOOKS = 0.01
SECONDS_WITHOUT_GIVING_WAY = 0.05

HELD_TOO_LONG = (
    "another process uses this token for longer than a request may last; end it, or wait for its "
    "end, and run again"
)


class LockHeldError(UpstreamError):
    """Another process did not give the lock back in time."""


def token_fingerprint(api_url: str, token: str) -> str:
    """Return a name for a token at an address that does not tell the token.

    Args:
        api_url: in any spelling: case of the host, `www.`, the scheme's own port, a slash at the
            end.
        token: the secret.

    Returns:
        a file name, the same for every spelling of the address.

    Raises:
        ValueError: the address has no port where one should be.
    """
    url = urlsplit(api_url)
    # SERPI's pages use both hosts for one server.
    host = (url.hostname or "").removeprefix("www.")
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    address = f"{host}:{port}{url.path.rstrip('/')}"
    return hashlib.sha256(f"{address}\n{token}".encode()).hexdigest()[:32]


class TokenLocks:
    """The two locks of one token; threads and processes are kept apart alike."""

    def __init__(self, api_url: str, token: str, *, request_wait: float) -> None:
        """Find the lock files; nothing is locked yet.

        Args:
            api_url: SERPI's address.
            token: the secret.
            request_wait: seconds to wait for another process's request to end.
        """
        name = token_fingerprint(api_url, token)
        folder = _folder()
        self._request = FileLock(folder / f"{name}.request.lock", mode=0o600)
        self._queue = FileLock(folder / f"{name}.queue.lock", mode=0o600)
        self._writer = FileLock(folder / f"{name}.writer.lock", mode=0o600)
        self._request_wait = request_wait
        self._gave_way = 0.0

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """Hold the token for one request.

        Raises:
            LockHeldError: another process or thread holds it for longer than any request may last.
        """
        self._take_request()
        try:
            yield
        finally:
            self._request.release()

    def _take_request(self) -> None:
        # Who asks page after page leaves a gap too short for a waiting process to find. So who
        # waits holds the queue meanwhile, and who goes on looks there now and then.
        now = time.monotonic()
        if now - self._gave_way > SECONDS_WITHOUT_GIVING_WAY:
            with self._queued():
                self._gave_way = now
        try:
            self._request.acquire(blocking=False)
        except Timeout:
            with self._queued():
                _take(self._request, self._request_wait, HELD_TOO_LONG)

    def _queued(self) -> AbstractContextManager[None]:
        return _held(self._queue, self._request_wait, HELD_TOO_LONG)

    @contextlib.contextmanager
    def writer(self, timeout: float) -> Iterator[None]:
        """Hold the token's writing side for a whole run.

        Args:
            timeout: seconds to wait for the other writer.

        Raises:
            LockHeldError: another target still runs with this token.
        """
        with _held(
            self._writer,
            timeout,
            "another target-serpi still runs with this token; run this one when it has ended, or give"
            " it more time with the setting `lock_timeout`",
        ):
            yield


@contextlib.contextmanager
def _held(lock: FileLock, timeout: float, message: str) -> Iterator[None]:
    _take(lock, timeout, message)
    try:
        yield
    finally:
        lock.release()


def _take(lock: FileLock, timeout: float, message: str) -> None:
    try:
        lock.acquire(timeout=timeout, poll_interval=SECONDS_BETWEEN_LOOKS)
    except Timeout as error:
        raise LockHeldError(f"SERPI: {message} (waited {timeout:g} s).") from error


def _folder() -> Path:
    for folder in (user_cache_path(FOLDER), _temporary_folder()):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK) and _is_ours(folder):
            return folder
    raise UpstreamError(
        "SERPI: neither the user's cache folder nor the folder for temporary files can be written, so"
        " the token cannot be locked. Set XDG_CACHE_HOME to a folder that can."
    )


def _temporary_folder() -> Path:
    return Path(tempfile.gettempdir()) / f"{FOLDER}-{os.getuid() if hasattr(os, 'getuid') else 0}"


def _is_ours(folder: Path) -> bool:
    """Whether nobody else made the folder, to lead the lock elsewhere."""
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and (
        not hasattr(os, "getuid") or status.st_uid == os.getuid()
    )
