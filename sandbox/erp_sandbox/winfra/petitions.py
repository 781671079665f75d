"""Petitions: asked for, PENDING, then OK or ERROR, and gone after 12 hours."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from erp_sandbox.winfra.clock import MADRID, text_of
from erp_sandbox.winfra.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from erp_sandbox.winfra.clock import Clock
    from erp_sandbox.winfra.rules import Item
    from erp_sandbox.winfra.state import Data
    from erp_sandbox.winfra.switches import WinfraSwitches
    from erp_sandbox.winfra.table import Rows

State = Literal["PENDING", "STARTED", "OK", "ERROR"]
ENDED: Final = ("OK", "ERROR")


@dataclasses.dataclass
class Part:
    """One dataset of a petition (the API's EstadoDatasetXXL).

    Attributes:
        item: What was asked for.
        state: STARTED is a PENDING that has its first date.
        started, ended: The two dates; empty until they come.
        rows: What was prepared; None until it is.
        error: error_message.
    """

    item: Item
    state: State = "PENDING"
    started: str = ""
    ended: str = ""
    rows: Rows | None = None
    error: str = ""


@dataclasses.dataclass
class Petition:
    """One petition (the API's EstadoGenerarXXL).

    Attributes:
        id: Its uuid.
        asked: When, by the clock.
        parts: By dataset, in the order asked for.
        state, error: Of the petition as a whole.
        looks: How often its state was asked for.
        gone: Whether it was deleted.
        downloads: Downloads that were served, as (dataset, offset, limit); None, None for whole.
    """

    id: str
    asked: datetime
    parts: dict[str, Part]
    state: State = "PENDING"
    error: str = ""
    looks: int = 0
    gone: bool = False
    downloads: list[tuple[str, int | None, int | None]] = dataclasses.field(default_factory=list)

    @property
    def items(self) -> list[Item]:
        """What was asked for."""
        return [part.item for part in self.parts.values()]

    @property
    def webhooks(self) -> list[str]:
        """The addresses to call at the end, each once."""
        return list(dict.fromkeys(item.webhook for item in self.items if item.webhook))


class Petitions:
    """Every petition of this domain, in order, those that are gone too."""

    def __init__(
        self,
        data: Data,
        switches: WinfraSwitches,
        clock: Clock,
        at_end: Callable[[Petition], None],
    ) -> None:
        """Begin with none.

        Args:
            data: Where rows are taken from when a dataset is ready.
            switches: The quirks.
            clock: By which petitions age.
            at_end: Called when a petition becomes OK or ERROR.
        """
        self._data = data
        self._switches = switches
        self._clock = clock
        self._at_end = at_end
        self._all: dict[str, Petition] = {}

    def __iter__(self) -> Iterator[Petition]:
        return iter(list(self._all.values()))

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, position: int) -> Petition:
        return list(self._all.values())[position]

    def present(self) -> list[Petition]:
        """Return the petitions that are still there, oldest first."""
        limit = self._clock.now() - timedelta(hours=self._switches.petition_hours)
        for petition in self:
            if petition.asked <= limit:
                self.forget(petition.id)
        return [petition for petition in self if not petition.gone]

    def make(self, items: list[Item]) -> Petition:
        """Take a petition; `Refusal` if there are too many."""
        there = self.present()
        refused_while_pending = self._switches.pending_petition_status
        if refused_while_pending and any(self._settle(each).state == "PENDING" for each in there):
            raise Refusal(refused_while_pending, "Ya hay una petición en curso.")
        if 0 < self._switches.maximum_petitions <= len(there):
            raise Refusal(
                self._switches.maximum_petitions_status, "Ha llegado al máximo de peticiones."
            )
        parts = {item.dataset: Part(item) for item in items}
        petition = Petition(str(uuid.uuid4()), self._clock.now(), parts)
        self._all[petition.id] = petition
        return petition

    def find(self, petition_id: str) -> Petition:
        """Return a petition that is still there; `Refusal` if it is not."""
        for petition in self.present():
            if petition.id == petition_id:
                return petition
        raise Refusal(self._switches.unknown_petition_status, "La petición no existe.")

    def forget(self, petition_id: str) -> None:
        """Delete a petition now, as the vendor does after 12 hours."""
        petition = self._all[petition_id]
        petition.gone = True
        for part in petition.parts.values():
            part.rows = None

    def look(self, petition: Petition) -> Petition:
        """Count a look at a petition's state and let it go on."""
        petition.looks += 1
        return self._settle(petition)

    def settle_all(self) -> None:
        """Let every petition go on as far as the clock allows."""
        for petition in self.present():
            self._settle(petition)

    def rows(self, petition: Petition, dataset: str) -> Rows:
        """Return what a petition prepared of a dataset; `Refusal` if that cannot be had (yet)."""
        part = self._settle(petition).parts.get(dataset)
        if part is None:
            raise Refusal(self._switches.unknown_dataset_status, f"La petición no tiene {dataset}.")
        allowed = {
            "OK": True,
            "ERROR": self._switches.serve_after_petition_error,
        }.get(petition.state, self._switches.serve_before_petition_ok)
        if part.rows is None or not allowed:
            raise Refusal(self._switches.not_ready_status, f"{dataset} no está disponible.")
        return part.rows

    def view(self, petition: Petition) -> dict[str, object]:
        """Return a petition's state as the API shows it (EstadoGenerarXXL)."""
        return {
            "peticion_id": petition.id,
            "fecha_peticion": text_of(petition.asked.astimezone(MADRID)),
            "error_message": petition.error,
            "estado": self._word(petition.state),
            "datasets": [self._view_part(part) for part in petition.parts.values()],
        }

    def _view_part(self, part: Part) -> dict[str, object]:
        count = 0
        if part.state == "OK" and part.rows is not None:
            count = len(part.rows) + self._switches.count_mismatch.get(part.item.dataset, 0)
        return {
            "dataset": part.item.dataset,
            "estado": self._word(part.state),
            "fecha_generacion_inicio": part.started or None,
            "fecha_generacion_fin": part.ended or None,
            "numero_registros": count,
            "error_message": part.error,
        }

    def _word(self, state: State) -> str:
        word = self._switches.state_words.get(state)
        if word is None:
            word = "PENDING" if state == "STARTED" else state
        match self._switches.state_case:
            case "lower":
                return word.lower()
            case "capital":
                return word.capitalize()
            case "upper":
                return word

    def _settle(self, petition: Petition) -> Petition:
        """Let a petition go on as far as looks and clock allow."""
        if petition.state in ENDED:
            return petition
        for part in petition.parts.values():
            if part.state not in ENDED:
                self._go_on(petition, part)
        self._end(petition)
        if petition.state in ENDED:
            self._at_end(petition)
        return petition

    def _go_on(self, petition: Petition, part: Part) -> None:
        name = part.item.dataset
        looks = self._switches.dataset_looks.get(name, self._switches.pending_looks)
        seconds = self._switches.dataset_seconds.get(name, self._switches.pending_seconds)
        now = text_of(self._clock.local())
        ready = self._is_over(petition, looks, seconds)
        if part.state == "PENDING" and (ready or self._is_over(petition, 1, seconds / 2)):
            part.state, part.started = "STARTED", now
        if not ready:
            return
        part.ended = now
        if name in self._switches.failing_datasets:
            part.state, part.error = "ERROR", self._switches.failing_datasets[name]
        else:
            part.state, part.rows = "OK", self._data.select(name, part.item.parameters)

    def _end(self, petition: Petition) -> None:
        states = [part.state for part in petition.parts.values()]
        looks, seconds = self._switches.pending_looks, self._switches.pending_seconds
        if self._switches.petition_error and self._is_over(petition, looks, seconds):
            petition.state, petition.error = "ERROR", self._switches.petition_error
        elif "ERROR" in states and self._switches.dataset_error_fails_petition:
            if self._switches.fail_at_once or all(state in ENDED for state in states):
                petition.state = "ERROR"
                petition.error = "Error en la generación de los datos."
        elif all(state in ENDED for state in states):
            petition.state = "OK"

    def _is_over(self, petition: Petition, looks: int, seconds: float) -> bool:
        elapsed = self._clock.now() - petition.asked
        return (looks == 0 or petition.looks > looks) and elapsed >= timedelta(seconds=seconds)
