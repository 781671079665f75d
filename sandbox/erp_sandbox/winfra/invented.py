"""Invented words and numbers for the vendor's records, the same for the same seed."""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from erp_sandbox.exact import Number
from erp_sandbox.winfra.clock import at_midnight, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

Record = dict[str, object]
"""One record as JSON values, decimals as `Number`."""

T = TypeVar("T")

COMPANIES: Final = (
    "Hermanos Ordóñez y Cía., S.L.",
    "Cooperativa Olivarera Peñarroya",
    "Aperos «El Cañón» S.A.",
    "Güell & Muntañola Recambios, S.L.U.",
    "Viuda de Iñárritu",
    'Ferretería "La Ñusta"',
    "Transportes Ançã-Leão Lda.",
    "Bodegas Château d'Yerri",
)
TOWNS: Final = (
    ("Ávila", "Ávila", "05001"),
    ("Écija", "Sevilla", "41400"),
    ("L'Hospitalet de l'Infant", "Tarragona", "43890"),
    ("A Guarda", "Pontevedra", "36780"),
    ("Peñafiel", "Valladolid", "47300"),
    ("Iruña de Oca", "Álava", "01230"),
)
STREETS: Final = ("Cuesta del Águila", "Camí Vell", "Travesía Ñora", "Rúa da Fonte", "Calle Mayor")
PRODUCTS: Final = (
    "Aceite hidráulico ISO 46",
    "Abono complejo 15-15-15",
    "Piñón conducido 3/8″",
    "Manguera de riego Ø 25",
    "Azadón con mango de haya",
    "Batería 12 V / 74 Ah",
    "Cuña de añil",
    "Guantes de nitrilo (pareja)",
)
FIRST_NAMES: Final = ("Begoña", "Íñigo", "Nerea", "Joaquín", "Maëlle", "Àngels")
SURNAMES: Final = ("Zúñiga", "Castaño", "Güemes", "Pérez", "Ibarrola", "Núñez")
REMARKS: Final = (
    "Entregar por la puerta de atrás\npreguntar por el señor «Toño»",
    'Marcado como "frágil" \\ no apilar',
    "Tab\tulado y 100 € de fianza 🚜",
)


@dataclass(frozen=True)
class Period:
    """The days of the documents: the last one, and how many days back they reach."""

    today: date
    days: int

    def day(self, position: int, count: int) -> date:
        """Return the day of one of `count` documents in order: evenly spread, the last today."""
        return self.today - timedelta(days=(count - 1 - position) * self.days // count)


class Draw:
    """Draws what a record needs from a seeded source."""

    def __init__(self, seed: int, dataset: str, period: Period) -> None:
        # Nothing here guards anything: the values have to be the same for the same seed.
        self.random = random.Random(f"{seed} {dataset}")  # noqa: S311
        self.period = period

    def below(self, limit: int) -> int:
        """Return a whole number from 0 up to `limit` - 1."""
        return int(self.random.random() * limit)

    def chance(self, share: float) -> bool:
        """Return true in this share of the calls."""
        return self.random.random() < share

    def one_of(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[self.below(len(choices))]

    def hash32(self) -> int:
        """Return one of the API's hash values: 32 bits UNSIGNED, half of them above 2147483647."""
        return self.random.getrandbits(32)

    def uuid(self) -> str:
        """Return a uuid, which the API sends as a string."""
        digits = f"{self.random.getrandbits(128):032x}"
        parts = (digits[:8], digits[8:12], "4" + digits[13:16], "a" + digits[17:20], digits[20:])
        return "-".join(parts)

    def modified(self, day: date) -> str:
        """Return when a record of that day was last changed.

        Up to 20 days later, but neither today nor yesterday: what a reader finds changed since
        its last run is then what a test has changed.
        """
        room = min((self.period.today - day).days - 1, 20)
        seconds = self.below(room * 86_400) if room > 0 else 0
        start = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the API has no zones
        return text_of(start + timedelta(seconds=seconds))

    def some_day(self) -> str:
        """Return a pure date in the period."""
        return at_midnight(self.period.today - timedelta(days=self.below(self.period.days)))

    def address(self) -> Record:
        """Return a Direccion."""
        town, province, postcode = self.one_of(TOWNS)
        return {
            "calle": self.one_of(STREETS),
            "numero": str(1 + self.below(180)),
            "codigo_postal": postcode,
            "poblacion": town,
            "provincia": province,
            "pais": "ES",
        }

    def tax_number(self) -> str:
        """Return something that looks like a company's tax number."""
        return f"B{self.below(10**8):08d}"

    def attachment(self, name: str, size: int) -> Record:
        """Return an Adjunto of `size` bytes in base64."""
        content = base64.b64encode(self.random.randbytes(size)).decode("ascii")
        return {"nombre": name, "tipo_mime": "image/jpeg", "contenido": content}


def places(value: int, decimals: int, extra_zeros: int = 0) -> Number:
    """Write a whole number of smallest units as a decimal: ``places(1250, 2, 3)`` is 12.50000."""
    sign, value = ("-", -value) if value < 0 else ("", value)
    unit = 10**decimals
    return Number(f"{sign}{value // unit}.{value % unit:0{decimals}d}{'0' * extra_zeros}")


def whole_then_fraction(position: int, count: int, value: int) -> int | Number:
    """Return a number without fraction in the first half of the records, with one after that."""
    return value if position * 2 < count else places(value * 10 + 5, 1)
