"""What SERPI holds: rows as exact JSON text, found by id and by business key."""

from __future__ import annotations

import abc
import re
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from erp_sandbox import exact
from erp_sandbox.serpi import generate
from erp_sandbox.serpi.generate import ArticleKey, DocumentKey

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping

    from erp_sandbox.serpi.generate import Made

Record = dict[str, Any]
_DAY = re.compile(rb'"fechaDocumento":"(\d{4}-\d\d-\d\d)')
KeyT = TypeVar("KeyT", bound=ArticleKey | DocumentKey)


class Store(abc.ABC, Generic[KeyT]):
    """Rows in the order in which they were stored; a changed row keeps its place.

    Records are handed out as fresh dicts whose fractions are `exact.Number` (equal by value,
    ``.text`` as held): changing a dict changes nothing here, `change` does.

    Attributes:
        version: Grows with every change.
        fields: Defaults of a row that a test adds.
    """

    defaults: ClassVar[Mapping[str, object]]

    def __init__(self, made: Made[KeyT], lock: threading.RLock) -> None:
        self._lock = lock
        self._rows = dict(made.rows)
        self._keys = dict(made.keys)
        self._by_key: dict[KeyT, list[int]] | None = None
        self._ordered: list[bytes] | None = None
        self._next_id = max(self._rows, default=0) + 1
        self.version = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.all())

    def has(self, key: KeyT) -> bool:
        """Tell whether a record has this business key."""
        return bool(self.ids(key))

    def all(self) -> list[Record]:
        """Return every record."""
        with self._lock:
            return [_record(row) for row in self._rows.values()]

    def get(self, identifier: int) -> Record:
        """Return one record by its id; KeyError if there is none."""
        with self._lock:
            return _record(self._rows[identifier])

    def row(self, identifier: int) -> bytes:
        """Return one record's JSON text as bytes."""
        return self._rows[identifier]

    def text(self, identifier: int) -> str:
        """Return one record's JSON text, exactly as held."""
        return self._rows[identifier].decode()

    def find(self, key: KeyT) -> list[Record]:
        """Return every record with this business key."""
        with self._lock:
            return [_record(self._rows[identifier]) for identifier in self.ids(key)]

    def only(self, key: KeyT) -> Record:
        """Return the one record with this business key; LookupError if there is none, or more."""
        found = self.find(key)
        if len(found) != 1:
            raise LookupError(f"{len(found)} records have the key {key!r}")
        return found[0]

    def all_keys(self) -> list[KeyT]:
        """Return every row's business key, in order (one that is stored twice comes twice)."""
        with self._lock:
            return [self._keys[identifier] for identifier in self._rows]

    def ids(self, key: KeyT) -> list[int]:
        """Return the ids of the rows with this business key."""
        with self._lock:
            if self._by_key is None:
                self._by_key = {}
                for identifier, held in self._keys.items():
                    self._by_key.setdefault(held, []).append(identifier)
            return list(self._by_key.get(key, ()))

    def rows(self) -> list[bytes]:
        """Return the JSON text of every row, in order; not to be changed."""
        with self._lock:
            if self._ordered is None:
                self._ordered = list(self._rows.values())
            return self._ordered

    def first_id(self) -> int:
        """Return the id of the row in front; LookupError if there is none."""
        with self._lock:
            for identifier in self._rows:
                return identifier
        raise LookupError("there are no rows")

    def add(self, *, first: bool = False, **fields: object) -> Record:
        """Store a new record, as somebody at SERPI's own screens would.

        Args:
            first: Put it in front of all rows.
            fields: What differs from `defaults`; an ``id`` may be given.

        Returns:
            The record as stored.
        """
        with self._lock:
            identifier = fields.pop("id", self._next_id)
            record: Record = {"id": identifier, **self.defaults, **fields}
            self.put(record, first=first)
            return self.get(record["id"])

    def change(self, identifier: int, **fields: object) -> Record:
        """Change some fields of a record, as somebody at SERPI's own screens would."""
        with self._lock:
            self.put({**self.get(identifier), **fields})
            return self.get(identifier)

    def remove(self, identifier: int) -> Record:
        """Take a record out, and return it."""
        with self._lock:
            record = _record(self._rows.pop(identifier))
            key = self._keys.pop(identifier)
            if self._by_key is not None:
                self._by_key[key].remove(identifier)
            self._changed()
            return record

    def clear(self) -> None:
        """Take all records out."""
        with self._lock:
            self._rows.clear()
            self._keys.clear()
            self._by_key = None
            self._changed()

    def put(self, record: Record, *, first: bool = False) -> None:
        """Store a record by its ``id``: a known one is replaced where it stands."""
        with self._lock:
            identifier, key = int(record["id"]), self.key_of(record)
            row = exact.dumps(record).encode()
            if self._by_key is not None and self._keys.get(identifier) != key:
                if identifier in self._keys:
                    self._by_key[self._keys[identifier]].remove(identifier)
                self._by_key.setdefault(key, []).append(identifier)
            self._keys[identifier] = key
            if first:
                self._rows = {identifier: row, **self._rows}
            else:
                self._rows[identifier] = row
            self._next_id = max(self._next_id, identifier + 1)
            self._changed()

    def take_id(self) -> int:
        """Return an id that was never used."""
        with self._lock:
            self._next_id += 1
            return self._next_id - 1

    @staticmethod
    @abc.abstractmethod
    def key_of(record: Record) -> KeyT:
        """Return a record's business key."""

    def _changed(self) -> None:
        self._ordered = None
        self.version += 1


class Articles(Store[ArticleKey]):
    """The articles; business key ``codigo``, which SERPI may hold twice."""

    defaults: ClassVar[Mapping[str, object]] = {
        "codigo": "NUEVO-1",
        "referencia": None,
        "barras": None,
        "descripcion": "ARTICULO NUEVO",
        "idgrupocontable": 2,
        "descripcionalterna": None,
        "idlinea": 1,
        "idcategoria": 2,
        "idpresentacion": 5,
        "idmarca": 1,
        "idunidadmedida": 3,
        "peso": exact.Number("0.00000"),
        "costo": exact.Number("1000.00000"),
        "costou": None,
        "activo": True,
        "posicionarancel": None,
        "porcentajeArancel": exact.Number("0.00000"),
        "diasMaximo": 0,
        "diasminimo": 0,
        "diasoptimo": 0,
        "dias_reposicion": 0,
        "tipoPlaneacion": 0,
        "multiploCompra": exact.Number("1.00000"),
        "pedidoMinimo": exact.Number("1.00000"),
        "stockMinimoUnidades": None,
        "stockOptimoUnidades": None,
        "aplicaPromocion": False,
        "aplicaKit": False,
        "exportable": False,
        "volumen": exact.Number("1.00000"),
        "ubicacion": exact.Number("1.00000"),
        "ubicacionAlfanumerica": None,
        "palabrasClave": None,
        "camposPersonalizados": None,
        "aplicaAiu": False,
        "porcentajeAiu": exact.Number("0.00000"),
        "idgrupocontableAiu": None,
    }

    @staticmethod
    def key_of(record: Record) -> ArticleKey:
        """Return the code."""
        return str(record["codigo"])


class Documents(Store[DocumentKey]):
    """The documents; business key category, prefix and number, which SERPI may hold twice."""

    defaults: ClassVar[Mapping[str, object]] = {
        "categoriaDocumento": "CCO",
        "prefijo": "COM",
        "numeroDoc": 900_001,
        "nitTerceroEnc": "1234567890",
        "nombreTerceroEnc": generate.person_name("1234567890"),
        "fechaDocumento": "2026-03-01",
    }

    def add(self, *, first: bool = False, **fields: object) -> Record:
        """Store a new document; without ``detalles`` it gets a debit and a credit of 67900."""
        lines = fields.pop("detalles", None) or [new_line("D"), new_line("C")]
        return super().add(first=first, **fields, detalles=lines)

    def days(self) -> list[tuple[int, DocumentKey, str, bytes]]:
        """Return id, key, day and JSON text of every document, in order."""
        with self._lock:
            return [
                (identifier, self._keys[identifier], _day(row), row)
                for identifier, row in self._rows.items()
            ]

    @staticmethod
    def key_of(record: Record) -> DocumentKey:
        """Return category, prefix and number."""
        return record["categoriaDocumento"], record["prefijo"], int(record["numeroDoc"])


def new_line(naturaleza: str, **fields: object) -> Record:
    """Return a document's line as held, with the page's example values where none is given."""
    return {
        "cuenta": 52954501 if naturaleza == "D" else 23359501,
        "nitTerceroDet": "1234567890",
        "nombreTerceroDet": generate.person_name("1234567890"),
        "naturaleza": naturaleza,
        "crucePrefijo": None,
        "cruceNumero": None,
        "fechaVencimiento": None,
        "valor": exact.Number("67900.00000"),
        "baseImpuesto": exact.Number("0.00000"),
        "cuota": 0,
        "detalle": "SERV DE TRANSP INFORMAL",
        "idSubcentroCosto": None,
        "idCentroOperacion": 1,
        "idProyecto": None,
        "idActividad": None,
        "idSucursal": None,
        **fields,
    }


def _day(row: bytes) -> str:
    found = _DAY.search(row)
    if found is None:
        raise LookupError("a document has no day")
    return found[1].decode()


def _record(row: bytes) -> Record:
    return cast("Record", exact.loads(row))
