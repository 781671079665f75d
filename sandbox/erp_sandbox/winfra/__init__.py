"""The WINFRA XXL API on loopback: who may use it by default."""

from __future__ import annotations

from typing import Final

AUTH_USER: Final = "tercero.demo"
AUTH_PASSWORD: Final = "clave-tercero-7Q"  # noqa: S105 - of the sandbox alone
DOMAIN: Final = "demo"
DOMAIN_USER: Final = "demo.admin"
DOMAIN_PASSWORD: Final = "clave-dominio-4N"  # noqa: S105 - of the sandbox alone
API_NAME: Final = "xxl"

SAMPLE_USER: Final = "pruebas.admin"
"""User of the vendor's sample program, at both servers, with an empty password."""

SAMPLE_DOMAIN: Final = "pruebas"
