"""The 19 streams, one for each dataset.

What they share is in `stream.py`, what differs in `datasets.py`.
"""

from __future__ import annotations

from tap_winfra_xxl.stream import XxlStream


class Articulos(XxlStream):
    """Articles."""

    name = "articulos"


class ArticulosLotes(XxlStream):
    """Article lots."""

    name = "articulos_lotes"


class CentrosCoste(XxlStream):
    """Cost centres."""

    name = "centros_coste"


class ClienteTipos(XxlStream):
    """Types of customers."""

    name = "cliente_tipos"


class Compras(XxlStream):
    """Purchases."""

    name = "compras"


class Descuentos(XxlStream):
    """Discounts of today and the next seven days."""

    name = "descuentos"


class Deudas(XxlStream):
    """Customers' open debts and bills."""

    name = "deudas"


class Diario(XxlStream):
    """Journal entries."""

    name = "diario"


class Empleados(XxlStream):
    """Employees."""

    name = "empleados"


class FacturasContables(XxlStream):
    """Accounting invoices, by the day of their registration."""

    name = "facturas_contables"


class FormasPago(XxlStream):
    """Ways of payment."""

    name = "formas_pago"


class Interlocutores(XxlStream):
    """Business partners: customers, suppliers, creditors."""

    name = "interlocutores"


class Movimientos(XxlStream):
    """Stock movements."""

    name = "movimientos"


class Stocks(XxlStream):
    """Formats with the stock of this moment."""

    name = "stocks"


class Subcuentas(XxlStream):
    """Accounts."""

    name = "subcuentas"


class Tarifas(XxlStream):
    """Price lists."""

    name = "tarifas"


class Vehiculos(XxlStream):
    """Vehicles."""

    name = "vehiculos"


class Ventas(XxlStream):
    """Sales: delivery notes and direct invoices, orders where asked for."""

    name = "ventas"


class VentasFacturas(XxlStream):
    """Sales invoices."""

    name = "ventas_facturas"


STREAMS = (
    Articulos,
    ArticulosLotes,
    CentrosCoste,
    ClienteTipos,
    Compras,
    Descuentos,
    Deudas,
    Diario,
    Empleados,
    FacturasContables,
    FormasPago,
    Interlocutores,
    Movimientos,
    Stocks,
    Subcuentas,
    Tarifas,
    Vehiculos,
    Ventas,
    VentasFacturas,
)
