"""SERPI's data, made from a seed and a size: the same ones every time, on every machine."""

from __future__ import annotations

import dataclasses
import functools
import json
import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Generic, TypeVar

FIRST_DAY = date(2025, 9, 1)
DAYS = 426
"""Documents lie on the fourteen months that begin with `FIRST_DAY`."""

LAST_DAY = FIRST_DAY + timedelta(days=DAYS - 1)

ARTICLES_PER_SCALE = 1200
DOCUMENTS_PER_SCALE = 600

ArticleKey = str
KeyT = TypeVar("KeyT")
Pick = Callable[[int], int]
"""Gives a whole number from 0 to below the one it is called with."""

DocumentKey = tuple[str, str, int]


@dataclasses.dataclass(frozen=True)
class DocumentType:
    """One kind of accounting document; `category` and `prefix` name it in the documents."""

    id: int
    category: str
    prefix: str
    description: str


DOCUMENT_TYPES = (
    DocumentType(1, "NC", "RCA", "RECIBO DE CAJA"),
    DocumentType(2, "NC", "NCC", "NOTA CONTABLE"),
    DocumentType(15, "CCO", "COM", "COMPROBANTE DE COMPRA"),
    DocumentType(16, "FV", "FE", "FACTURA ELECTRÓNICA DE VENTA"),
)

_GOODS = ("Cuaderno", "Lápiz", "Resma", "Tóner", "Carpeta", "Bombillo", "Café", "Panela", "Jabón")
_KINDS = ("económico", "año 2025", "Ñandú", "doble línea", "1/2 pulgada", '17"', "de niño", "x 12")
_AUTHORS = ("Juan", "María José", "Íñigo", "Peña y Cía.")
_PEOPLE = (
    ("1234567890", "ALEJANDRA LOPEZ LOPEZ"),
    ("900123456", "COMERCIALIZADORA EL NIÑO S.A.S."),
    ("0012345678", "JOSÉ MUÑOZ"),
    ("800999888", "TRANSPORTES PEÑA & CÍA"),
    ("52123456", "BEGOÑA IBÁÑEZ"),
)
_REMARKS = ("SERV DE TRANSP INFORMAL", "COMPRA PAPELERÍA", "ABONO A FACTURA", "AJUSTE AL PESO", "")
_ACCOUNTS = (52954501, 51950501, 23359501, 11050501, 13050501, 529545011203)

_ODD_CODES = ("0", "00123", "123", "7701234567890", "A/B & C+1%", "ñandú-01", "abc", "ABC")
"""Codes that are easily taken for another: a nought, leading noughts, letters by case."""


@dataclasses.dataclass(frozen=True)
class Made(Generic[KeyT]):
    """Rows as JSON text by id, with the business key of each; not to be changed."""

    rows: dict[int, bytes]
    keys: dict[int, KeyT]


@functools.lru_cache(maxsize=4)
def make_articles(scale: float, seed: int) -> Made[ArticleKey]:
    """Make the articles, 1,200 at scale 1; the same seed gives the same rows."""
    count = max(len(_ODD_CODES), round(scale * ARTICLES_PER_SCALE))
    return Made(*_articles(count, _picker(seed)))


@functools.lru_cache(maxsize=4)
def make_documents(scale: float, seed: int) -> Made[DocumentKey]:
    """Make the documents, 600 at scale 1; each one's debits equal its credits."""
    return Made(*_documents(max(10, round(scale * DOCUMENTS_PER_SCALE)), _picker(seed + 1)))


def _picker(seed: int) -> Pick:
    # A predictable generator is the point of a seed.
    chance = random.Random(seed).random  # noqa: S311
    return lambda below: int(chance() * below)


def person_name(nit: str) -> str:
    """Return the name that SERPI shows for a third party's number."""
    return dict(_PEOPLE).get(nit, f"TERCERO {nit}")


def places(units: int) -> str:
    """Write a count of 1/100,000 as a decimal with five places."""
    sign = "-" if units < 0 else ""
    return f"{sign}{abs(units) // 100_000}.{abs(units) % 100_000:05d}"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _articles(count: int, pick: Pick) -> tuple[dict[int, bytes], dict[int, ArticleKey]]:
    rows: dict[int, bytes] = {}
    keys: dict[int, ArticleKey] = {}
    for number in range(1, count + 1):
        code = _code(number)
        keys[number] = code
        rows[number] = _article(number, code, pick).encode()
    return rows, keys


def _code(number: int) -> ArticleKey:
    if number <= len(_ODD_CODES):
        return _ODD_CODES[number - 1]
    if number % 10 == 0:
        return f"ART-{number:05d}"
    if number % 5 == 0:
        return f"{number:07d}"
    return str(100_000 + number)


def _article(number: int, code: str, pick: Pick) -> str:
    cost = "12345678901234.56789" if number == 4 else f"{pick(9_000_000)}.{pick(100):02d}"
    name = f"{_GOODS[pick(len(_GOODS))]} {_KINDS[pick(len(_KINDS))]} {number}"
    name = name.ljust(60) if number % 50 == 2 else name
    barcode = f"{7_700_000_000_000 + number}" if pick(4) else f"{number:013d}"
    flags = [("false", "true")[pick(3) == 0] for _ in range(4)]
    return (
        f'{{"id":{number},"codigo":{_text(code)},"referencia":"R{pick(10_000):05d}",'
        f'"barras":"{barcode}","descripcion":{_text(name)},"idgrupocontable":{1 + pick(8)},'
        f'"descripcionalterna":null,"idlinea":{1 + pick(19)},"idcategoria":{1 + pick(39)},'
        f'"idpresentacion":{1 + pick(5)},"idmarca":{1 + pick(89)},"idunidadmedida":{1 + pick(4)},'
        f'"peso":{pick(90)}.{pick(100_000):05d},"costo":{cost},'
        f'"costou":{_maybe(pick, places(pick(900_000_000_000)))},'
        f'"activo":{("true", "false")[pick(12) == 0]},"posicionarancel":"{pick(10_000):04d}",'
        f'"porcentajeArancel":{pick(20)}.00000,"diasMaximo":{pick(90)},"diasminimo":{pick(10)},'
        f'"diasoptimo":{pick(30)},"dias_reposicion":{pick(15)},"tipoPlaneacion":{pick(2)},'
        f'"multiploCompra":{1 + pick(12)}.00,"pedidoMinimo":{1 + pick(49)}.00000,'
        f'"stockMinimoUnidades":{_maybe(pick, places(pick(100) * 100_000))},'
        f'"stockOptimoUnidades":{_maybe(pick, places(pick(500) * 50_000))},'
        f'"aplicaPromocion":{flags[0]},"aplicaKit":{flags[1]},"exportable":{flags[2]},'
        f'"volumen":{pick(10)}.{pick(100_000):05d},"ubicacion":{pick(10)}.00000,'
        f'"ubicacionAlfanumerica":"{chr(65 + pick(26))}{pick(100):02d}",'
        f'"palabrasClave":"prueba,artículo,casa","camposPersonalizados":{_custom(number, pick)},'
        f'"aplicaAiu":{flags[3]},"porcentajeAiu":{pick(20)}.00,'
        f'"idgrupocontableAiu":{_maybe(pick, str(1 + pick(8)))}}}'
    )


def _maybe(pick: Pick, text: str) -> str:
    return text if pick(2) else "null"


def _custom(number: int, pick: Pick) -> str:
    if number % 7 == 0:
        return "null"
    author = _AUTHORS[pick(len(_AUTHORS))]
    return f'{{"PAGINAS":{pick(900)},"Comentarios":"Cliente proveedor ","AUTOR":{_text(author)}}}'


def _documents(count: int, pick: Pick) -> tuple[dict[int, bytes], dict[int, DocumentKey]]:
    rows: dict[int, bytes] = {}
    keys: dict[int, DocumentKey] = {}
    numbers = dict.fromkeys(range(len(DOCUMENT_TYPES)), 0)
    for position in range(count):
        identifier = 111 + position
        which = pick(len(DOCUMENT_TYPES))
        numbers[which] += 1
        kind = DOCUMENT_TYPES[which]
        keys[identifier] = (kind.category, kind.prefix, numbers[which])
        day = _day(position, count, pick)
        rows[identifier] = _document(identifier, keys[identifier], day, pick)
    return rows, keys


def _day(position: int, count: int, pick: Pick) -> date:
    """Return a day that grows with the position; one document in twelve is back-dated."""
    back = 1 + pick(40) if pick(12) == 0 else 0
    return FIRST_DAY + timedelta(days=max(0, position * DAYS // count - back))


def _document(identifier: int, key: DocumentKey, day: date, pick: Pick) -> bytes:
    category, prefix, number = key
    person = _PEOPLE[pick(len(_PEOPLE))]
    nit, name = person
    # One document holds more digits than a float can.
    debits = [1 + pick(90_000_000_00000) for _ in range(1 + pick(4))]
    if identifier == 113:
        debits = [12_345_678_901_234_56789, 1]
    lines = [_line(person, "D", units, None, pick) for units in debits]
    lines.append(_line(person, "C", sum(debits), number, pick))
    return (
        f'{{"id":{identifier},"categoriaDocumento":"{category}","prefijo":"{prefix}",'
        f'"numeroDoc":{number},"nitTerceroEnc":"{nit}","nombreTerceroEnc":{_text(name)},'
        f'"fechaDocumento":"{day}","detalles":[{",".join(lines)}]}}'
    ).encode()


def _line(person: tuple[str, str], nature: str, units: int, crossed: int | None, pick: Pick) -> str:
    nit, name = person
    cross = f'"COM","cruceNumero":{crossed}' if crossed is not None else 'null,"cruceNumero":null'
    due = _maybe(pick, f'"2026-12-{1 + pick(28):02d}"')
    return (
        f'{{"cuenta":{_ACCOUNTS[pick(len(_ACCOUNTS))]},"nitTerceroDet":"{nit}",'
        f'"nombreTerceroDet":{_text(name)},"naturaleza":"{nature}","crucePrefijo":{cross},'
        f'"fechaVencimiento":{due},'
        f'"valor":{places(units)},"baseImpuesto":{places(pick(3) * 100_000)},"cuota":0,'
        f'"detalle":{_text(_REMARKS[pick(len(_REMARKS))])},"idSubcentroCosto":{1 + pick(8)},'
        f'"idCentroOperacion":1,"idProyecto":null,"idActividad":null,"idSucursal":null}}'
    )
