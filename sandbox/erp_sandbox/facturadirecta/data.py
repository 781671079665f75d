"""The account's providers, made from a seed: every shape that the documents and the field show."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from erp_sandbox.facturadirecta.structure import Node, Provider
    from erp_sandbox.vendor import Setup

PROVIDERS_PER_SCALE = 600

FIRST_ID = 77
"""The id of the documents' own example."""

LABELS = ("ID_CRM", "Campo 1", "Campo 2", "Zona & delegación")
"""Custom fields that the account has defined."""

OWNERS = {
    "1": "ana@cuenta.example",
    "2": "bernat@cuenta.example",
    "3": "carme.puig@cuenta.example",
}
"""E-mail addresses of the account's users by id; a provider's XML holds only its owner's id."""

_GIVEN_NAMES = ("Núria", "José", "Marta", "Iñaki", "Zoë", "Ana María", "Àlex", "Lucía")
_SURNAMES = ("Muñoz Pérez", "García", "Puig i Cadafalch", "O'Donnell", "Etxeberria", "Núñez")
_TRADES = ("Suministros", "Transportes", "Gráficas", "Hierros & Aceros", "Café", "Òptica")
_FORMS = ("S.L.", "S.A.", "S.C.C.L.", 'S.L. "Unipersonal"', "<Grupo>")
_PLACES = (
    ("Vic", "Barcelona", "08500"),
    ("Ávila", "Ávila", "05001"),
    ("Madrid", "Madrid", "28013"),
    ("L'Hospitalet de Llobregat", "Barcelona", "08901"),
    ("Donostia / San Sebastián", "Gipuzkoa", "20003"),
)
_NOTES = (
    "Notas para esta empresa",
    "Primera línea\nSegunda línea\n\n  sangrada",
    "Paga a 30 días; 5 % de dto. > 1.000 € & portes <incluidos>",
    "Termina en ]]> y sigue",
    "\tcon tabulador y espacios al final  ",
    "Emoji 🧾, combinado e\u0301, guion\u2011duro",
)


def make_providers(setup: Setup) -> Iterator[Provider]:
    """Make the account's providers in the order of their ids.

    Each depends on the seed and on its own place only, so a larger scale begins with the same ones.
    Ids grow and have gaps.

    Args:
        setup: Seed and scale; scale 1 is 600 providers.
    """
    for index in range(round(PROVIDERS_PER_SCALE * setup.scale)):
        chance = random.Random(setup.seed * 1_000_003 + index)  # noqa: S311 - test data
        yield make_provider(FIRST_ID + 2 * index + chance.randrange(2), chance)


def make_provider(identifier: int, chance: random.Random) -> Provider:
    """Make one provider with that id; the same state of `chance` gives the same one."""
    provider: Provider = {"id": identifier}
    provider.update(_person(identifier, chance) if chance.random() < 0.3 else _company(chance))
    place = f"p{identifier}"
    provider["taxCode"] = f"{chance.choice('ABXY')}{chance.randrange(10**8):08}"
    if chance.random() < 0.7:
        provider["tradeName"] = f"{chance.choice(_TRADES)} {chance.choice(_SURNAMES)}"
    if chance.random() < 0.95:
        provider["address"] = _address(chance)
    provider["website"] = f"www.{place}.example" if chance.random() < 0.5 else None
    provider["language"] = chance.choice(("es", "ca", "en"))
    if chance.random() < 0.8:
        provider["email"] = f"compras@{place}.example"
    provider["phone"] = chance.choice((None, "   ", f"0{chance.randrange(10**8):08}"))
    provider["mobilePhone"] = None
    if chance.random() < 0.6:
        provider["notes"] = chance.choice(_NOTES)
    provider["companyCode"] = _company_code(identifier, chance)
    attributes = _custom_attributes(identifier, chance)
    if attributes is not None:
        provider["customAttributes"] = attributes
    if chance.random() < 0.3:
        provider.update(_extras(chance))
    return provider


def _person(identifier: int, chance: random.Random) -> Provider:
    given, surname = chance.choice(_GIVEN_NAMES), chance.choice(_SURNAMES)
    person: Provider = {"legalType": "F"}
    if identifier % 2:
        person["name"] = f"{given} {surname}"
    return person | {"personName": given, "personSurname": surname}


def _company(chance: random.Random) -> Provider:
    name = f"{chance.choice(_TRADES)} {chance.choice(_SURNAMES)} {chance.choice(_FORMS)}"
    return {"legalType": "J", "name": name}


def _address(chance: random.Random) -> Node:
    city, province, zipcode = chance.choice(_PLACES)
    return {
        "line1": f"C/ Major, {chance.randrange(1, 200)}",
        "line2": chance.choice((None, "2º 1ª", "Nave 3")),
        "city": city,
        "province": province,
        "zipcode": zipcode,
        "country": "ES",
    }


def _company_code(identifier: int, chance: random.Random) -> str | None:
    return chance.choice((f"{identifier:06}", f"{identifier:06}", f"PRV-{identifier}", None))


def _custom_attributes(identifier: int, chance: random.Random) -> list[Node] | None:
    """Absent, empty, one or many of them; with a value, an empty one, or none at all."""
    count = chance.choice((None, 0, 1, len(LABELS), len(LABELS)))
    if count is None:
        return None
    labels = list(LABELS[:count])
    if chance.random() < 0.3:
        labels.reverse()
    attributes: list[Node] = []
    for label in labels:
        attribute: dict[str, Node] = {"label": label}
        value = f"{identifier:05}" if label == "ID_CRM" else f"Valor {chance.randrange(9)}"
        fate = chance.random()
        if fate < 0.8:
            attribute["value"] = value
        elif fate < 0.9:
            attribute["value"] = None
        attributes.append(attribute)
    return attributes


def _extras(chance: random.Random) -> Provider:
    """Elements that the documents show for clients only, and some that they never show."""
    extras: Provider = {"owner": {"id": chance.choice(tuple(OWNERS))}, "noEInvoice": "false"}
    due_dates: list[Node] = [
        {"delayInDays": str(30 * (number + 1)), "rate": "25.00"}
        for number in range(chance.randrange(5))
    ]
    extras["billing"] = {
        "currency": "EUR",
        "tax1": {"name": "IVA 21%", "rate": "21.00"},
        "tax2": {"name": "IRPF", "rate": "-15.00"},
        "bank": {"country": "ES", "name": "Caixa", "accountNumber": "0049" * 5, "swift": None},
        "paymentMean": "02",
        "payableDayInMonth1": "05",
        "payableDayInMonth2": None,
        "dueDates": {"dueDate": due_dates} if due_dates else None,
    }
    if chance.random() < 0.5:
        extras["contactPerson"] = [
            {"name": given, "phones": {"phone": [f"00{number}", None]}}
            for number, given in enumerate(_GIVEN_NAMES[: chance.randrange(1, 4)])
        ]
    if chance.random() < 0.5:
        extras["tag"] = ["proveedor", "línea blanca"]
    return extras
