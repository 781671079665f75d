"""FacturaDirecta's legacy XML API: the providers of one account.

Rests on the vendor's page "Proveedores"
(https://dev.facturadirecta.com/site/rest-api/providers.html); what that page leaves open is a
switch.
"""

TOKEN = "03334b0a261a2c355ae2db022a963d8e"  # noqa: S105 - the token of the vendor's own examples
"""The account's API token: the user name of HTTP Basic, with any password."""
