"""One call per provider, where the list alone is not enough.

A list that leaves custom attributes out looks complete, so `auto` compares the first providers of the
list with their own answers before it believes the list.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Protocol

from connector_kit.errors import UpstreamError
from tap_facturadirecta.client import NO_ID, Identity, Providers, joined
from tap_facturadirecta.records import RecordConverter

AUTO, ALWAYS, NEVER = "auto", "always", "never"

SAMPLE = 20
"""Providers that `auto` compares before it decides."""

CHUNK = 25
"""Providers that go out together: their calls take a while."""


class Ask(Protocol):
    """Asks for one provider."""

    def __call__(self, identity: Identity, *, where: str) -> Providers | None:
        """Return the provider, None where there is none with that id."""


class DetailReader:
    """Completes the providers of a list."""

    def __init__(  # noqa: PLR0913 - keywords, each with its own meaning
        self,
        ask: Ask,
        mode: str,
        *,
        converter: RecordConverter,
        doubt: Callable[[Identity], None],
        where: str,
        logger: logging.Logger,
    ) -> None:
        """Prepare.

        Args:
            ask: asks for one provider.
            mode: `auto`, `always` or `never`.
            converter: of the run; what is compared are records.
            doubt: told of each provider that the list has and its own call does not know.
            where: for messages.
            logger: for what a user should know.
        """
        self._ask = ask
        self._is_decided = mode != AUTO
        self._are_wanted = mode == ALWAYS
        self._converter = converter
        self._doubt = doubt
        self._where = where
        self._logger = logger
        self._compared = 0
        self._gone: set[Identity] = set()

    @property
    def gone(self) -> int:
        """How many providers were deleted between the list and their own call, and are left out."""
        return len(self._gone)

    @property
    def are_needless(self) -> bool:
        """Whether it is decided that no call is made."""
        return self._is_decided and not self._are_wanted

    def completed(self, listed: Providers) -> Iterator[Providers]:
        """Complete providers of the list, in order.

        Args:
            listed: as the list shows them.

        Yields:
            them or, where details are wanted, what their own calls gave, some at a time.

        Raises:
            UpstreamError: the list has a provider twice whose own call does not know it.
        """
        total = len(listed)
        position = 0
        while position < total:
            if self.are_needless:
                yield listed if position == 0 else listed.only(range(position, total))
                return
            size = CHUNK if self._is_decided else SAMPLE - self._compared
            part = listed.only(range(position, min(position + size, total)))
            position += len(part)
            yield joined([*self._details_of(part)])

    def _details_of(self, listed: Providers) -> Iterator[Providers]:
        for position, identity in enumerate(listed.identities()):
            if isinstance(identity, str) and identity.startswith(NO_ID):
                yield listed.only([position])
                continue
            detail = self._ask(identity, where=f"{self._where}, provider {identity}")
            if detail is not None:
                if not self._is_decided:
                    self._compare(listed.only([position]), detail)
                yield detail
            elif identity in self._gone:
                # It was looked up in the list again: who deletes a provider takes it from there too.
                raise UpstreamError(
                    f"{self._where}: the list has the provider {identity}, but its own call says that"
                    " there is none (404). Run again; if it stays, set `details` to never and ask the"
                    " vendor."
                )
            else:
                self._gone.add(identity)
                self._doubt(identity)

    def _compare(self, listed: Providers, detail: Providers) -> None:
        self._compared += 1
        pair = joined([listed, detail])
        ours, theirs = self._converter.records(
            pair.elements, may_have_attributes=pair.may_have_attributes
        )
        if ours != theirs:
            self._decide(wanted=True)
            self._tell_of_missing(ours.keys() - theirs.keys())
        elif self._compared >= SAMPLE:
            self._decide(wanted=False)

    def _decide(self, *, wanted: bool) -> None:
        self._is_decided, self._are_wanted = True, wanted
        self._logger.info(
            "%s: %s",
            self._where,
            "the list leaves something out, so each provider is asked for by itself"
            if wanted
            else f"the list is as complete as the first {SAMPLE} providers' own calls",
        )

    def _tell_of_missing(self, names: set[str]) -> None:
        if names:
            self._logger.warning(
                "%s: a provider's own call lacks what the list has: %s; with `details` never the list"
                " alone is read",
                self._where,
                ", ".join(sorted(names)),
            )
