"""`dataset_params` checked against the documents before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from connector_kit.settings import SettingFaultError
from connector_kit.windows import today_there
from tap_winfra_xxl.datasets import (
    CHANGED_SINCE,
    DATASETS,
    FROM,
    LONGEST_DEBTS_MONTHS,
    PARTNERS,
    UNTIL,
    Dataset,
    ParameterKind,
)
from tap_winfra_xxl.moments import LAST_SECOND, ZONE, moment_text, months_later, read_moment

NEWER = "+"
"""Marks a parameter that is newer than the documents: it is passed as it is."""

OURS = ("dataset", "webhook")
SETTLED = "incluir_liquidado"


def checked_dataset_params(given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Check parameters and bring them into the form that the API takes.

    Args:
        given: dataset -> parameters, as the user wrote them.

    Returns:
        dataset -> parameters ready to be sent: marks of newer ones taken off, dates written out.

    Raises:
        SettingFaultError: everything that is wrong, each with the documented rule, in one message.
    """
    faults: list[str] = []
    checked: dict[str, dict[str, Any]] = {}
    for name, parameters in given.items():
        dataset = DATASETS.get(name)
        if dataset is None:
            faults.append(f"{name!r} is no dataset; the documents have {', '.join(DATASETS)}")
        elif not isinstance(parameters, dict):
            faults.append(f"{name!r} must be given an object of parameters")
        else:
            checked[name] = _checked(dataset, parameters, faults)
    if faults:
        raise SettingFaultError("; ".join(faults))
    return checked


def _checked(dataset: Dataset, parameters: dict[str, Any], faults: list[str]) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    before = len(faults)
    for name, value in parameters.items():
        plain = name.removeprefix(NEWER)
        fault = _fault_of(dataset, name, plain, value)
        if fault is None:
            checked[plain] = value
        else:
            faults.append(f"{dataset.name}: {fault}")
    if dataset.name == "deudas" and len(faults) == before:
        faults.extend(f"{dataset.name}: {fault}" for fault in _check_debts(checked))
    return checked


def _fault_of(dataset: Dataset, name: str, plain: str, value: Any) -> str | None:  # noqa: ANN401 - JSON
    if name != plain:
        return _fault_of_newer(dataset, name, plain)
    kind = dataset.parameters.get(name)
    if kind is None:
        known = ", ".join(dataset.parameters) or "none"
        return (
            f"{name!r} is no documented parameter (the documents have {known});"
            f" write '+{name}' for one that is newer than the documents"
        )
    if kind is ParameterKind.DATE_TIME:
        return _fault_of_date(dataset, name, value)
    if kind is ParameterKind.BOOLEAN and not isinstance(value, bool):
        return f"{name!r} must be {kind}"
    if kind is ParameterKind.PARTNER and value not in PARTNERS:
        return f"{name!r} must be {kind}"
    return None


def _fault_of_newer(dataset: Dataset, name: str, plain: str) -> str | None:
    if plain in dataset.parameters:
        return f"{name!r} is a documented parameter: write it without the +"
    if not plain or plain in OURS or plain in {FROM, UNTIL, CHANGED_SINCE}:
        return f"{name!r} is no parameter that can be passed on; the tap sets its own"
    return None


def _fault_of_date(dataset: Dataset, name: str, value: Any) -> str | None:  # noqa: ANN401 - JSON
    if dataset.name != "deudas":
        setting = "by itself" if name == CHANGED_SINCE else "from start_date and end_date"
        return f"{name!r} is not given here: the tap sets it {setting}"
    try:
        if not isinstance(value, str):
            raise ValueError(name)  # noqa: TRY004, TRY301 - one kind of fault
        read_moment(value)
    except ValueError:
        return f"{name!r} must be a real date, written yyyy-mm-dd or yyyy-mm-ddThh:mm:ss"
    return None


def _check_debts(parameters: dict[str, Any]) -> Iterator[str]:
    """Check the dates of `deudas` together, and write them out in the API's form."""
    for name in (FROM, UNTIL):
        if name in parameters:
            moment = read_moment(parameters[name], end_of_day=name == UNTIL)
            parameters[name] = moment_text(moment)
    if FROM not in parameters:
        return
    if parameters.get(SETTLED) is not True:
        yield f"{FROM!r} is only for {SETTLED!r} true (the vendor's documents)"
        return
    first = read_moment(parameters[FROM])
    today = datetime.combine(today_there(None, ZONE), LAST_SECOND)
    last = read_moment(parameters[UNTIL]) if UNTIL in parameters else today
    if last < first:
        yield f"{UNTIL!r} must not be before {FROM!r}"
    elif last > months_later(first, LONGEST_DEBTS_MONTHS):
        yield (
            f"from {FROM!r} to {UNTIL!r} there may be {LONGEST_DEBTS_MONTHS} months at most (the"
            " vendor's documents)"
        )
