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
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from connector_kit.errors import UpstreamError

FOLDER = "serpi-client"
SECONDS_BETWEEN_LOOKS = 0.01


class LockHeldError(UpstreamError):
    """Another process did not give the lock back in time."""


def token_fingerprint(api_url: str, token: str) -> str:
    """Return a name for a token at an address that does not tell the token.

    Args:
        api_url: with or without a slash at the end.
        token: the secret.
    """
    return hashlib.sha256(f"{api_url.rstrip('/')}\n{token}".encode()).hexdigest()[:32]


class TokenLocks:
    """The two locks of one token."""

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
        self._writer = FileLock(folder / f"{name}.writer.lock", mode=0o600)
        self._request_wait = request_wait

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """Hold the token for one request.

        Raises:
            LockHeldError: another process or thread holds it for longer than any request may last.
        """
        with _held(
            self._request,
            self._request_wait,
            "another process uses this token for longer than a request may last; end it, or wait for"
            " its end, and run again",
        ):
            yield

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
    try:
        lock.acquire(timeout=timeout, poll_interval=SECONDS_BETWEEN_LOOKS)
    except Timeout as error:
        raise LockHeldError(f"SERPI: {message} (waited {timeout:g} s).") from error
    try:
        yield
    finally:
        lock.release()


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
