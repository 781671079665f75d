"""Stops before harm: the batch that would pass a limit is not sent."""

from __future__ import annotations

from connector_kit.errors import ConnectorError, ExitCode


class LimitReachedError(ConnectorError):
    """A limit that the user set would be passed."""

    exit_code = ExitCode.RECORDS


class WriteLimits:
    """How many records a run may create and change."""

    def __init__(self, max_creates: int | None, max_updates: int | None) -> None:
        """Take the limits.

        Args:
            max_creates: None for no limit.
            max_updates: None for no limit.
        """
        self._limits = {"max_creates": max_creates, "max_updates": max_updates}
        self._taken = {"max_creates": 0, "max_updates": 0}

    def take(self, *, creates: int, updates: int) -> None:
        """Count a batch before anything of it is sent.

        Args:
            creates: records that the batch would create.
            updates: records that it would change.

        Raises:
            LimitReachedError: it would pass a limit.
        """
        wanted = {"max_creates": creates, "max_updates": updates}
        for name, limit in self._limits.items():
            total = self._taken[name] + wanted[name]
            if limit is not None and total > limit:
                raise LimitReachedError(
                    f"setting {name!r} allows {limit}, and the next batch would make it {total}: it was"
                    f" not sent, nor anything after it. {self._taken[name]} were sent before. If the"
                    " input is right, raise the limit and run again."
                )
        for name, count in wanted.items():
            self._taken[name] += count
