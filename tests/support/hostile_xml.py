"""XML documents that must end in a clean error, within bounded time and memory.

Each is a list of providers (or one provider) that would pass for a real answer but for the one
thing that is wrong with it. Sizes are arguments, so that a test can also build a harmless small
one and show that the document does what its name says.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Literal

from erp_sandbox.faults import Fault

if TYPE_CHECKING:
    from pathlib import Path

Form = Literal["list", "detail"]

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def hostile_documents(secret: Path, form: Form = "list") -> dict[str, bytes]:
    """The eight of them by name, at sizes that hurt an unguarded reader.

    Args:
        secret: A local file that the external entity refers to; its content must show up nowhere.
        form: The answer to a list call or to a detail call.
    """
    return {
        "external_entity": external_entity(secret, form=form),
        "billion_laughs": billion_laughs(form=form),
        "quadratic_blow_up": quadratic_blow_up(form=form),
        "deep_nesting": deep_nesting(form=form),
        "huge_text": huge_text(form=form),
        "doctype_without_entities": doctype_without_entities(form=form),
        "cut": cut(form=form),
        "bad_utf8": bad_utf8(form=form),
    }


def external_entity(file: Path, *, form: Form = "list") -> bytes:
    """An entity whose text is a file of the reader's machine."""
    entity = f'<!ENTITY secret SYSTEM "{file.as_uri()}">'
    return _document("&secret;", form=form, doctype=_subset(entity))


def billion_laughs(*, levels: int = 10, width: int = 10, form: Form = "list") -> bytes:
    """Entities that refer to each other: `width` to the power of `levels` times ``ha!``."""
    entities = ['<!ENTITY laugh0 "ha!">']
    entities += [
        f'<!ENTITY laugh{level} "{f"&laugh{level - 1};" * width}">'
        for level in range(1, levels + 1)
    ]
    return _document(f"&laugh{levels};", form=form, doctype=_subset("\n".join(entities)))


def quadratic_blow_up(
    *, length: int = 100_000, references: int = 100_000, form: Form = "list"
) -> bytes:
    """One long entity, referred to many times; no nesting, so limits on depth do not see it."""
    entity = f'<!ENTITY long "{"x" * length}">'
    return _document("&long;" * references, form=form, doctype=_subset(entity))


def deep_nesting(*, depth: int = 300_000, form: Form = "list") -> bytes:
    """Elements inside each other, deeper than a recursive reader's stack."""
    return _document("<n>" * depth + "x" + "</n>" * depth, form=form)


def huge_text(*, length: int = 11_000_000, form: Form = "list") -> bytes:
    """One text of 11 MB; 10 MB is what the parser takes by default."""
    return _document("x" * length, form=form)


def doctype_without_entities(*, form: Form = "list") -> bytes:
    """A DOCTYPE that does nothing: the rule is to refuse any."""
    return _document("Ferretería", form=form, doctype="")


def cut(*, form: Form = "list") -> bytes:
    """A document that breaks off inside an element, as after a lost connection."""
    whole = _document("Ferretería", form=form)
    return whole[: whole.index(b"</notes>")]


def bad_utf8(*, form: Form = "list") -> bytes:
    """A document that says it is UTF-8 and holds Latin-1."""
    whole = _document("Ferretería", form=form)
    return whole.replace("Ferretería".encode(), "Ferretería".encode("latin-1"))


def external_subset(url: str, *, form: Form = "list") -> bytes:
    """A DOCTYPE whose declarations are to be fetched: no reader may ever call that address."""
    return _document("Ferretería", form=form, doctype=f' SYSTEM "{url}"')


def in_utf16(document: bytes) -> bytes:
    """The same document in UTF-16, where a search for the bytes ``<!DOCTYPE`` finds nothing."""
    text = document.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    return codecs.BOM_UTF16_LE + text.encode("utf-16-le")


def served(document: bytes, *, path: str = "", times: int | None = None) -> Fault:
    """A fault that answers with the document, HTTP 200, as XML.

    Args:
        document: The body.
        path: Regular expression for the requests that get it.
        times: How many of them; None: all.
    """
    headers = {"Content-Type": "application/xml; charset=UTF-8"}
    return Fault("status", status=200, body=document, headers=headers, path=path, times=times)


def _document(notes: str, *, form: Form, doctype: str | None = None) -> bytes:
    root = "providers" if form == "list" else "provider"
    prolog = DECLARATION if doctype is None else f"{DECLARATION}<!DOCTYPE {root}{doctype}>\n"
    hostile = f"<provider><id>2</id><name>B</name><notes>{notes}</notes></provider>"
    if form == "detail":
        return f"{prolog}{hostile}\n".encode()
    first = "<provider><id>1</id><name>A</name></provider>"
    last = "<provider><id>3</id><name>C</name></provider>"
    return f"{prolog}<providers>\n{first}\n{hostile}\n{last}\n</providers>\n".encode()


def _subset(declarations: str) -> str:
    return f" [\n{declarations}\n]"
