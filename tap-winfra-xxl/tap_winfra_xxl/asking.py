"""Sending petitions: one beside another where the server takes that, else one at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from connector_kit.errors import RefusedError, UpstreamError
from connector_kit.http import RefusedAnswer
from tap_winfra_xxl.client import BUSY, XxlClient
from tap_winfra_xxl.estado import PetitionState
from tap_winfra_xxl.petitions import Patience, Petition, Task, asked_for
from tap_winfra_xxl.refusals import may_concern_petition

logger = logging.getLogger(__name__)


class Asker:
    """Sends petitions.

    Attributes:
        one_at_a_time: whether the server does not take a petition while another is not done with.
    """

    def __init__(self, client: XxlClient, patience: Patience, webhook: str | None) -> None:
        """Begin with a server that takes several.

        Args:
            client: whom to ask.
            patience: how long to wait for a petition.
            webhook: goes into every item.
        """
        self._client = client
        self._patience = patience
        self._also = {"webhook": webhook} if webhook else {}
        self.one_at_a_time = False

    def ask(self, tasks: Sequence[Task], *, is_further: bool) -> Petition | None:
        """Send one petition.

        Args:
            tasks: each dataset at most once.
            is_further: whether another petition is not done with.

        Returns:
            the petition; None where a further one is not taken now.

        Raises:
            RefusedError: the server does not take it; the message has its words and what was asked.
            UpstreamError: all tries failed.
        """
        items = [{"dataset": task.dataset, **self._also, **task.parameters} for task in tasks]
        while True:
            try:
                state = self._client.ask(items, is_further=is_further)
            except RefusedAnswer as refusal:
                if not may_concern_petition(refusal) and refusal.answer.status not in BUSY:
                    raise
                if is_further:
                    self._go_on_singly(refusal)
                    return None
                if not self._waited_for_its_like(tasks):
                    raise RefusedError(f"{refusal}. Asked for: {asked_for(tasks)}") from refusal
            except UpstreamError as error:
                if not is_further:
                    raise
                # What is ready can be downloaded meanwhile.
                self._go_on_singly(error)
                return None
            else:
                by_dataset = {task.dataset: task for task in tasks}
                return Petition(state, by_dataset, self._patience, time.monotonic())

    def _go_on_singly(self, why: Exception) -> None:
        self.one_at_a_time = True
        logger.info("No second petition is taken, so there is one at a time: %s", why)

    def _waited_for_its_like(self, tasks: Sequence[Task]) -> bool:
        """Wait for a petition of the same datasets, if there is one: our own, its answer lost."""
        names = {task.dataset for task in tasks}
        in_the_way = [
            state
            for state in self._client.petitions().values()
            if not state.has_ended and set(state.datasets) == names
        ]
        if not in_the_way:
            return False
        logger.info("Petition %s, whose answer was lost, is in the way", in_the_way[0].id)
        petition = Petition(in_the_way[0], {}, self._patience, time.monotonic())
        while not petition.state.has_ended and not petition.is_overdue(time.monotonic()):
            state = look_in_time(self._client, petition)
            if state is None:
                break
            petition.looked(state, time.monotonic())
        return True


def look_in_time(client: XxlClient, petition: Petition) -> PetitionState | None:
    """Wait until it is time to look at a petition, and look.

    Args:
        client: whom to ask.
        petition: that was sent.

    Returns:
        what the server says now, None where the petition is gone.
    """
    time.sleep(petition.seconds_to_look(time.monotonic()))
    return client.look(petition.id)
