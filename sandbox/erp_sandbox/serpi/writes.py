"""SERPI's writes: batches of articles and documents, and the deletion of a range of documents.

Pages: https://www.wikiserpi.com/index.php/API_Articulos (POST, PUT) and API_Documentos_Inventario
(POST; "API Eliminar", which is a PUT).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal, cast

from erp_sandbox import exact
from erp_sandbox.serpi import envelope
from erp_sandbox.serpi.checks import (
    spelled,
    stored_decimals,
    wrong_with,
    wrong_with_document,
)
from erp_sandbox.serpi.envelope import Answer, Complaint
from erp_sandbox.serpi.fields import (
    ARTICLE_FIELDS,
    DOCUMENT_FIELDS,
    LINE_FIELDS,
    SPARE_CUSTOM_KEY,
    Field,
    Kind,
)
from erp_sandbox.serpi.generate import person_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from erp_sandbox.serpi.app import Serpi
    from erp_sandbox.serpi.store import Record

_CUSTOM = "camposPersonalizados"
_RANGE_FIELDS = (
    Field("idTipoDocumento", Kind.INT, required=True),
    Field("numeroDesde", Kind.INT, required=True),
    Field("numeroHasta", Kind.INT, required=True),
    Field("fechaDesde", Kind.DAY, required=True),
    Field("fechaHasta", Kind.DAY, required=True),
)


@dataclasses.dataclass(frozen=True)
class Commit:
    """One record that a write changed."""

    action: Literal["created", "updated", "deleted"]
    kind: Literal["articulos", "documentos_contables"]
    key: str | tuple[str, str, int]
    id: int


@dataclasses.dataclass
class _Batch:
    """The records of one write: those to store, by their place, and what is wrong with others."""

    asked: int
    good: dict[int, Record] = dataclasses.field(default_factory=dict)
    complaints: list[Complaint] = dataclasses.field(default_factory=list)
    bad: set[int] = dataclasses.field(default_factory=set)
    keys: set[object] = dataclasses.field(default_factory=set)

    def refuse(self, position: int, field: str, reason: str) -> None:
        self.bad.add(position)
        self.complaints.append(Complaint(position, field, reason))

    def accept(self, position: int, record: Record, key: object) -> None:
        self.good[position] = record
        self.keys.add(key)


class Writes:
    """The writes of one `Serpi`; called with its lock held."""

    def __init__(self, serpi: Serpi) -> None:
        self._serpi = serpi

    def create_articles(self, body: bytes) -> Answer:
        """POST /Articulo."""
        return self._write(body, self._new_article, "created")

    def update_articles(self, body: bytes) -> Answer:
        """PUT /Articulo: by `id`."""
        return self._write(body, self._changed_article, "updated")

    def create_documents(self, body: bytes) -> Answer:
        """POST /DocumentoContable."""
        return self._write(body, self._new_document, "created", documents=True)

    def delete_documents(self, body: bytes) -> Answer:
        """PUT /DocumentoContable: deletes every document of a type in a range."""
        serpi = self._serpi
        asked, wrong = _object(body)
        wrong = wrong or wrong_with(asked, _RANGE_FIELDS)
        if wrong:
            return self._refused([Complaint(0, name, reason) for name, reason in wrong])
        matching = [
            identifier
            for identifier, key, day, _ in serpi.documents.days()
            if serpi.type_id(key) == asked["idTipoDocumento"]
            and asked["numeroDesde"] <= key[2] <= asked["numeroHasta"]
            and asked["fechaDesde"] <= day <= asked["fechaHasta"]
        ]
        most = serpi.switches.delete_at_most
        for identifier in matching[:most]:
            key = serpi.documents.key_of(serpi.documents.remove(identifier))
            serpi.commit(Commit("deleted", "documentos_contables", key, identifier))
        deleted = len(matching[:most])
        message = f"Se eliminaron {deleted} de {len(matching)} documentos contables "
        return Answer(200, envelope.envelope(errors=[], message=message))

    def _write(
        self,
        body: bytes,
        prepare: Callable[[_Batch, int, Record], None],
        action: Literal["created", "updated"],
        *,
        documents: bool = False,
    ) -> Answer:
        switches = self._serpi.switches
        sent, wrong = _list(body)
        if switches.batch_maximum and len(sent) > switches.batch_maximum:
            wrong = [("body", f"no puede tener mas de {switches.batch_maximum} registros")]
        if wrong:
            return self._refused([Complaint(0, name, reason) for name, reason in wrong])
        batch = _Batch(len(sent))
        for position, record in enumerate(sent):
            if isinstance(record, dict):
                prepare(batch, position, record)
            else:
                batch.refuse(position, "registro", "debe ser un objeto")
        if batch.complaints and (switches.atomic_batches or not batch.good):
            return self._refused(batch.complaints)
        stored = list(batch.good.values())[: switches.store_at_most]
        for record in stored:
            self._store(record, action, documents=documents)
        return self._written(batch, len(stored), action, documents=documents)

    def _store(
        self, record: Record, action: Literal["created", "updated"], *, documents: bool
    ) -> None:
        serpi = self._serpi
        if documents:
            record = {"id": serpi.documents.take_id(), **record}
            serpi.documents.put(record)
            key = serpi.documents.key_of(record)
            serpi.commit(Commit(action, "documentos_contables", key, record["id"]), record)
            return
        if action == "created":
            record = {"id": serpi.articles.take_id(), **record}
        serpi.articles.put(record)
        serpi.commit(Commit(action, "articulos", record["codigo"], record["id"]), record)

    def _written(
        self, batch: _Batch, stored: int, action: Literal["created", "updated"], *, documents: bool
    ) -> Answer:
        switches = self._serpi.switches
        noun = "documentos contables" if documents else "articulos"
        verb = "crearon" if action == "created" else "modificaron"
        code = 201 if action == "created" else 200
        errors = envelope.complaints_as(switches.error_shape, batch.complaints)
        message = f"Se {verb} {stored} de {batch.asked} {noun}"
        body = envelope.envelope(code=code, errors=errors or [], message=message)
        return Answer(switches.created_http if action == "created" else 200, body)

    def _refused(self, complaints: Sequence[Complaint]) -> Answer:
        switches = self._serpi.switches
        errors = envelope.complaints_as(switches.error_shape, complaints)
        return envelope.refused(
            400, errors, beside=200 if switches.write_refusal == "body" else 400
        )

    def _new_article(self, batch: _Batch, position: int, sent: Record) -> None:
        known = self._known(batch, position, sent, ARTICLE_FIELDS)
        for name, reason in wrong_with(known, ARTICLE_FIELDS):
            batch.refuse(position, name, reason)
        whole = {field.name: known.get(field.name) for field in ARTICLE_FIELDS} | known
        self._keep_article(batch, position, whole, own_id=None)

    def _changed_article(self, batch: _Batch, position: int, sent: Record) -> None:
        switches = self._serpi.switches
        known = self._known(batch, position, sent, ARTICLE_FIELDS, ("id", SPARE_CUSTOM_KEY))
        identifier = known.get("id")
        if not isinstance(identifier, int) or isinstance(identifier, bool):
            batch.refuse(position, "id", "es requerido")
            return
        try:
            held = self._serpi.articles.get(identifier)
        except KeyError:
            batch.refuse(position, "id", f"{identifier} no existe")
            return
        self._obey_custom_key(known)
        if switches.put_absent == "null":
            held = {name: known.get(name) for name in held} | {_CUSTOM: held.get(_CUSTOM)}
            known.setdefault(_CUSTOM, None)
        if switches.put_custom == "merge" and _both_objects(held.get(_CUSTOM), known.get(_CUSTOM)):
            known[_CUSTOM] = {**held[_CUSTOM], **known[_CUSTOM]}
        whole = {**held, **known}
        for name, reason in wrong_with(whole, ARTICLE_FIELDS):
            batch.refuse(position, name, reason)
        self._keep_article(batch, position, whole, own_id=identifier)

    def _obey_custom_key(self, known: Record) -> None:
        """Leave what the server obeys under its one name."""
        obeyed = self._serpi.switches.put_custom_key
        spare = known.pop(SPARE_CUSTOM_KEY, ...)
        if obeyed == SPARE_CUSTOM_KEY:
            known.pop(_CUSTOM, None)
        if obeyed != _CUSTOM and spare is not ...:
            known[_CUSTOM] = spare

    def _keep_article(
        self, batch: _Batch, position: int, whole: Record, *, own_id: int | None
    ) -> None:
        if position in batch.bad:
            return
        serpi = self._serpi
        code = serpi.articles.key_of(whole)
        taken = code in batch.keys or any(held != own_id for held in serpi.articles.ids(code))
        if taken and serpi.switches.duplicate_articles == "refuse":
            batch.refuse(position, "codigo", f"{code} ya existe")
            return
        batch.accept(position, stored_decimals(whole, ARTICLE_FIELDS, serpi.switches), code)

    def _new_document(self, batch: _Batch, position: int, sent: Record) -> None:
        serpi = self._serpi
        known = self._known(batch, position, sent, DOCUMENT_FIELDS)
        if isinstance(known.get("detalles"), list):
            known["detalles"] = [
                self._known(batch, position, line, LINE_FIELDS) if isinstance(line, dict) else line
                for line in known["detalles"]
            ]
        wrong = wrong_with_document(known, check_balance=serpi.switches.check_balance)
        if not wrong and serpi.type_id(serpi.documents.key_of(known)) is None:
            wrong.append(("prefijo", "el tipo de documento no existe"))
        for name, reason in wrong:
            batch.refuse(position, name, reason)
        if position in batch.bad:
            return
        key = serpi.documents.key_of(known)
        taken = key in batch.keys or serpi.documents.has(key)
        if taken and serpi.switches.duplicate_documents == "refuse":
            batch.refuse(position, "numeroDoc", f"{key[2]} ya existe")
            return
        batch.accept(position, self._as_stored(known), key)

    def _as_stored(self, document: Record) -> Record:
        """Return a document as SERPI keeps it: with names, and every field of its lines."""
        lines = []
        for sent in document["detalles"]:
            whole = {field.name: sent.get(field.name) for field in LINE_FIELDS} | sent
            whole["baseImpuesto"] = whole["baseImpuesto"] or exact.Number("0.00000")
            whole["cuota"] = whole["cuota"] or 0
            line = dict(stored_decimals(whole, LINE_FIELDS, self._serpi.switches))
            nit = str(line.pop("nitTerceroDet"))
            account = line.pop("cuenta")
            named = {"cuenta": account, "nitTerceroDet": nit, "nombreTerceroDet": person_name(nit)}
            lines.append({**named, **line})
        stored: Record = {}
        for name, value in document.items():
            stored[name] = value
            if name == "nitTerceroEnc":
                stored["nombreTerceroEnc"] = person_name(value)
        return {**stored, "detalles": lines}

    def _known(
        self,
        batch: _Batch,
        position: int,
        sent: Record,
        fields: Sequence[Field],
        extra: Sequence[str] = (),
    ) -> Record:
        """Return the known fields of a sent record; unknown ones go the way of the switch."""
        switches = self._serpi.switches
        known, unknown = spelled(sent, fields, switches, extra)
        for name in unknown:
            if switches.unknown_fields == "refuse":
                batch.refuse(position, name, "no es un campo")
            elif switches.unknown_fields == "store":
                known[name] = sent[name]
        return known


def _both_objects(held: object, sent: object) -> bool:
    return isinstance(held, dict) and isinstance(sent, dict)


def _list(body: bytes) -> tuple[list[Any], list[tuple[str, str]]]:
    try:
        sent = exact.loads(body)
    except ValueError:
        return [], [("body", "no es JSON")]
    if not isinstance(sent, list) or not sent:
        return [], [("body", "debe ser un arreglo")]
    return sent, []


def _object(body: bytes) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    try:
        sent = exact.loads(body)
    except ValueError:
        return {}, [("body", "no es JSON")]
    if not isinstance(sent, dict):
        return {}, [("body", "debe ser un objeto")]
    return cast("dict[str, Any]", sent), []
