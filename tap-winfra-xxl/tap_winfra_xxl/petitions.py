"""One petition: what it was asked for, what the server says of it, when to look again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connector_kit.windows import DayWindow
from tap_winfra_xxl.estado import ERROR, OK, DatasetState, PetitionState


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a petition, in seconds.

    Attributes:
        first: before the first look; doubled for each further one.
        longest: between two looks.
        total: until the petition is given up.
    """

    first: float
    longest: float
    total: float


@dataclass(slots=True)
class Task:
    """One window of one dataset.

    Attributes:
        dataset: name, which is the stream's too.
        window: its days; None for a dataset that has none.
        parameters: as they were sent, for messages.
        tries: how often it was asked for anew because the server lost or refused it.
    """

    dataset: str
    window: DayWindow | None
    parameters: Mapping[str, Any]
    tries: int = 0

    def __str__(self) -> str:
        """Return the dataset and its days."""
        if self.window is None:
            return self.dataset
        return f"{self.dataset} {self.window.first} to {self.window.last}"


def asked_for(tasks: Iterable[Task]) -> str:
    """Return datasets and their parameters for a message; the webhook, a secret, is none of them."""
    return ", ".join(
        f"{task.dataset} ({', '.join(f'{name}={value}' for name, value in task.parameters.items())})"
        if task.parameters
        else task.dataset
        for task in tasks
    )


class Petition:
    """A petition that was sent and is not done with.

    Attributes:
        state: as the server last said.
        tasks: dataset -> what is still to be read of it.
        whole_only: whether nothing is served before the petition as a whole has ended.
    """

    def __init__(
        self, state: PetitionState, tasks: Mapping[str, Task], patience: Patience, now: float
    ) -> None:
        """Begin to wait.

        Args:
            state: as the server first said.
            tasks: by dataset.
            patience: how long to wait.
            now: seconds of the monotonic clock.
        """
        self.state = state
        self.tasks = dict(tasks)
        self.whole_only = False
        self._patience = patience
        self._wait = patience.first
        self._next_look = now + self._wait
        self._give_up = now + patience.total

    @property
    def id(self) -> str:
        """Its id."""
        return self.state.id

    def looked(self, state: PetitionState, now: float) -> None:
        """Take what the server says now, and wait longer before the next look."""
        self.state = state
        self._wait = min(2 * self._wait, max(self._patience.first, self._patience.longest))
        self._next_look = now + self._wait

    def seconds_to_look(self, now: float) -> float:
        """Return the seconds until the next look, at most until it is given up; 0 when due."""
        return max(0.0, min(self._next_look, self._give_up) - now)

    def is_overdue(self, now: float) -> bool:
        """Whether it was waited for long enough."""
        return now >= self._give_up

    def is_ready(self, dataset: str) -> bool:
        """Whether a dataset can be downloaded, as far as is known."""
        return self.state.is_ready(dataset) and (not self.whole_only or self.state.has_ended)

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to wait for."""
        return all(self.is_ready(name) or self.error_of(name) for name in self.tasks)

    def part(self, dataset: str) -> DatasetState | None:
        """Return what the server says of one dataset."""
        return self.state.datasets.get(dataset)

    def error_of(self, dataset: str) -> str | None:
        """Return why a dataset will never be ready, with both messages; None while it may be."""
        part = self.part(dataset)
        if part is not None and part.word == ERROR:
            return self._words("the dataset ended in ERROR", part)
        if self.state.word == ERROR and not self.state.is_ready(dataset):
            return self._words("the petition ended in ERROR before the dataset was ready", part)
        if self.state.word == OK and part is None:
            return "the petition ended, and the server does not list the dataset in it"
        return None

    def _words(self, what: str, part: DatasetState | None) -> str:
        said = [
            f"{whose} says: {error}"
            for whose, error in (
                ("the dataset", "" if part is None else part.error),
                ("the petition", self.state.error),
            )
            if error
        ]
        return "; ".join([what, *(said or ["the server gives no reason"])])

    @property
    def failed_datasets(self) -> list[str]:
        """Return the datasets that ended in ERROR by themselves."""
        return [name for name, part in self.state.datasets.items() if part.word == ERROR]

    def progress(self) -> str:
        """Say which datasets are ready and which are waited for."""
        ready = [name for name in self.tasks if self.is_ready(name)]
        waiting = [
            f"{name} ({part.word if (part := self.part(name)) else 'not listed'})"
            for name in self.tasks
            if name not in ready
        ]
        parts = [
            f"{title}: {', '.join(names)}"
            for title, names in (("ready", ready), ("waiting for", waiting))
            if names
        ]
        return "; ".join(parts)
