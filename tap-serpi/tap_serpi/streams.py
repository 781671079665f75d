"""The three streams of SERPI; what they share is in `client.py`."""

from __future__ import annotations

from singer_sdk.schema.source import SchemaDirectory

from tap_serpi import schemas
from tap_serpi.client import ArticuloStream, DocumentoStream, TipoDocumentoStream

SCHEMAS = SchemaDirectory(schemas)


class Articulos(ArticuloStream):
    """Articles: GET /Articulo."""

    name = "articulos"
    default_keys = ("id",)
    documented_schema = SCHEMAS.fetch_schema("articulos")


class TiposDocumento(TipoDocumentoStream):
    """Types of accounting documents: GET /DocumentoContable/GetTipoDocumento."""

    name = "tipos_documento"
    default_keys = ("id",)
    documented_schema = SCHEMAS.fetch_schema("tipos_documento")


class DocumentosContables(DocumentoStream):
    """Accounting documents: POST /DocumentoContable/ConsultarDocumentoContables, which is a read."""

    name = "documentos_contables"
    default_keys = ("id",)
    documented_schema = SCHEMAS.fetch_schema("documentos_contables")
    replication_key = "fechaDocumento"
