"""The fields of SERPI's records as its wiki pages list them: type, and whether a write needs it.

Pages: https://www.wikiserpi.com/index.php/API_Articulos and API_Documentos_Inventario (the page of
that name holds the accounting documents).
"""

from __future__ import annotations

import dataclasses
import enum


class Kind(enum.Enum):
    """What a field may hold, besides null."""

    TEXT = "string"
    DECIMAL = "decimal"
    BOOL = "bool"
    SHORT = "short"
    INT = "int"
    LONG = "long"
    DAY = "date"
    NATURE = "C or D"
    PLANNING = "0 or 1"
    CUSTOM = "object"
    LINES = "list"


@dataclasses.dataclass(frozen=True)
class Field:
    """One field: its name in the JSON examples, its type, and whether a write must have it."""

    name: str
    kind: Kind
    required: bool = False


ARTICLE_FIELDS = (
    Field("codigo", Kind.TEXT, required=True),
    Field("referencia", Kind.TEXT),
    Field("barras", Kind.TEXT),
    Field("descripcion", Kind.TEXT, required=True),
    Field("idgrupocontable", Kind.INT, required=True),
    Field("descripcionalterna", Kind.TEXT),
    Field("idlinea", Kind.INT, required=True),
    Field("idcategoria", Kind.INT, required=True),
    Field("idpresentacion", Kind.INT, required=True),
    Field("idmarca", Kind.INT, required=True),
    Field("idunidadmedida", Kind.INT, required=True),
    Field("peso", Kind.DECIMAL),
    Field("costo", Kind.DECIMAL),
    Field("costou", Kind.DECIMAL),
    Field("activo", Kind.BOOL, required=True),
    Field("posicionarancel", Kind.TEXT),
    Field("porcentajeArancel", Kind.DECIMAL),
    Field("diasMaximo", Kind.SHORT),
    Field("diasminimo", Kind.SHORT),
    Field("diasoptimo", Kind.SHORT),
    Field("dias_reposicion", Kind.SHORT),
    Field("tipoPlaneacion", Kind.PLANNING),
    Field("multiploCompra", Kind.DECIMAL),
    Field("pedidoMinimo", Kind.DECIMAL),
    Field("stockMinimoUnidades", Kind.DECIMAL),
    Field("stockOptimoUnidades", Kind.DECIMAL),
    Field("aplicaPromocion", Kind.BOOL),
    Field("aplicaKit", Kind.BOOL),
    Field("exportable", Kind.BOOL),
    Field("volumen", Kind.DECIMAL),
    Field("ubicacion", Kind.DECIMAL),
    Field("ubicacionAlfanumerica", Kind.TEXT),
    Field("palabrasClave", Kind.TEXT),
    Field("camposPersonalizados", Kind.CUSTOM),
    Field("aplicaAiu", Kind.BOOL),
    Field("porcentajeAiu", Kind.DECIMAL),
    Field("idgrupocontableAiu", Kind.INT),
)

DOCUMENT_FIELDS = (
    Field("categoriaDocumento", Kind.TEXT, required=True),
    Field("prefijo", Kind.TEXT, required=True),
    Field("numeroDoc", Kind.INT, required=True),
    Field("nitTerceroEnc", Kind.TEXT, required=True),
    Field("fechaDocumento", Kind.DAY, required=True),
    Field("detalles", Kind.LINES, required=True),
)

LINE_FIELDS = (
    Field("cuenta", Kind.LONG, required=True),
    Field("nitTerceroDet", Kind.TEXT, required=True),
    Field("naturaleza", Kind.NATURE, required=True),
    Field("crucePrefijo", Kind.TEXT),
    Field("cruceNumero", Kind.INT),
    Field("fechaVencimiento", Kind.DAY),
    Field("valor", Kind.DECIMAL, required=True),
    Field("baseImpuesto", Kind.DECIMAL),
    Field("cuota", Kind.INT),
    Field("detalle", Kind.TEXT),
    Field("idSubcentroCosto", Kind.INT),
    Field("idCentroOperacion", Kind.INT),
    Field("idProyecto", Kind.INT),
    Field("idActividad", Kind.INT),
    Field("idSucursal", Kind.INT),
)

TABLE_SPELLING = {
    "diasMaximo": "DiasMaximo",
    "diasminimo": "Diasminimo",
    "diasoptimo": "Diasoptimo",
    "pedidoMinimo": "PedidoMinimo",
}
"""Keys that the page's tables write otherwise than its JSON."""

SPARE_CUSTOM_KEY = "camposcliente"
"""What the page's PUT example writes where all else says camposPersonalizados."""
