"""The stream of FacturaDirecta; what it does is in `reading.py`."""

from __future__ import annotations

from typing import Any

from singer_sdk.schema.source import SchemaDirectory

from tap_facturadirecta import schemas
from tap_facturadirecta.reading import SOURCE, ProviderStream

SCHEMAS = SchemaDirectory(schemas)


def _with_source(schema: dict[str, Any]) -> dict[str, Any]:
    source = {
        "type": ["string", "null"],
        "description": "The provider's own XML, so that nothing of it is lost.",
    }
    return {**schema, "properties": {**schema["properties"], SOURCE: source}}


class Providers(ProviderStream):
    """Providers: GET /api/providers.xml and GET /api/providers/#{id}.xml."""

    name = "providers"
    default_keys = ("id",)
    documented_schema = SCHEMAS.fetch_schema("providers")


class ArchivedProviders(Providers):
    """The same with each provider's own XML (`archive_raw`)."""

    documented_schema = _with_source(Providers.documented_schema)
