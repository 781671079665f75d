"""What a petition may ask for, as the vendor's page `xxldefinition` documents it."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NoReturn

from erp_sandbox import exact
from erp_sandbox.winfra.clock import DATETIME_FORMAT
from erp_sandbox.winfra.datasets import DATASETS, ParameterKind
from erp_sandbox.winfra.refusal import Refusal

if TYPE_CHECKING:
    from erp_sandbox.winfra.clock import Clock
    from erp_sandbox.winfra.switches import WinfraSwitches

PARTNER_KINDS: Final = ("cliente", "proveedor", "acreedor")


@dataclasses.dataclass(frozen=True)
class Item:
    """One PeticionGenerarXXL.

    Attributes:
        dataset: Its dataset.
        parameters: What else it says, without the webhook.
        webhook: Address that receives the petition's state; empty is none.
    """

    dataset: str
    parameters: dict[str, object]
    webhook: str = ""


class Rules:
    """Reads petitions and refuses those that break a rule."""

    def __init__(self, switches: WinfraSwitches, clock: Clock) -> None:
        self._switches = switches
        self._clock = clock

    def read(self, body: bytes) -> list[Item]:
        """Read the list of a POST `generar_xxl`; `Refusal` if any rule is broken."""
        try:
            asked = exact.loads(body)
        except ValueError:
            self._refuse("El cuerpo no es JSON.")
        if not isinstance(asked, list) or not asked:
            self._refuse("Tiene que enviar una lista de PeticionGenerarXXL.")
        items = [self._item(values) for values in asked]
        names = [item.dataset for item in items]
        for name in names:
            if names.count(name) > 1:
                self._refuse(f"El conjunto de datos {name} aparece más de una vez.")
        return items

    def _item(self, values: object) -> Item:
        if not isinstance(values, dict):
            self._refuse("PeticionGenerarXXL tiene que ser un objeto.")
        parameters = dict(values)
        dataset = parameters.pop("dataset", None)
        webhook = parameters.pop("webhook", None)
        if not isinstance(dataset, str) or dataset not in DATASETS:
            self._refuse(f"El conjunto de datos {dataset!r} no existe.")
        if webhook is not None and not isinstance(webhook, str):
            self._refuse(f"{dataset}: webhook tiene que ser una url.")
        self._check_parameters(dataset, parameters)
        return Item(dataset, parameters, webhook or "")

    def _check_parameters(self, dataset: str, parameters: dict[str, object]) -> None:
        documented = DATASETS[dataset].parameters
        extra = self._switches.extra_parameters.get(dataset, [])
        for name, value in parameters.items():
            if name in documented:
                self._check_type(dataset, name, documented[name], value)
            elif name not in extra and self._switches.unknown_parameters == "refuse":
                self._refuse(f"{dataset}: el parámetro {name} no existe.")
        since, until = (_moment(parameters.get(name)) for name in ("fecha_desde", "fecha_hasta"))
        if since and until and since > until:
            self._refuse(f"{dataset}: fecha_desde es posterior a fecha_hasta.")
        if dataset == "diario" and not (since and until):
            self._refuse("diario: tiene que indicar las fechas.")
        if dataset == "ventas":
            self._check_sales(since, until)
        if dataset == "deudas":
            settled = parameters.get("incluir_liquidado") is True
            self._check_debts(since, until, settled=settled)

    def _check_type(self, dataset: str, name: str, kind: ParameterKind, value: object) -> None:
        match kind:
            case "datetime":
                if _moment(value) is None:
                    self._refuse(f"{dataset}: {name} no tiene la forma yyyy-mm-ddThh:mm:ss.")
            case "bool":
                if not isinstance(value, bool):
                    self._refuse(f"{dataset}: {name} tiene que ser bool.")
            case "tipo":
                if value not in PARTNER_KINDS:
                    self._refuse(f"{dataset}: {name} tiene que ser {', '.join(PARTNER_KINDS)}.")

    def _check_sales(self, since: datetime | None, until: datetime | None) -> None:
        if since and until:
            if until - since > timedelta(days=self._switches.ventas_maximum_days):
                self._refuse("ventas: el intervalo está limitado a un año.")
        elif not self._switches.ventas_without_dates:
            self._refuse("ventas: tiene que indicar las fechas.")

    def _check_debts(
        self, since: datetime | None, until: datetime | None, *, settled: bool
    ) -> None:
        if not settled:
            if since:
                self._refuse("deudas: fecha_desde solo con incluir_liquidado.")
            return
        months = self._switches.deudas_maximum_months
        if since is None or (until or self._clock.local()) > _months_later(since, months):
            self._refuse(f"deudas: el periodo máximo es de {months} meses.")

    def _refuse(self, error: str) -> NoReturn:
        raise Refusal(self._switches.rule_status, error)


def _moment(value: object) -> datetime | None:
    """Return a datetime in the API's only form, None for anything else."""
    if not isinstance(value, str) or len(value) != len("yyyy-mm-ddThh:mm:ss"):
        return None
    try:
        return datetime.strptime(value, DATETIME_FORMAT)  # noqa: DTZ007 - the API has no zones
    except ValueError:
        return None


def _months_later(moment: datetime, months: int) -> datetime:
    years, month = divmod(moment.month - 1 + months, 12)
    first = moment.replace(year=moment.year + years, month=month + 1, day=1)
    return first + timedelta(days=moment.day - 1)
