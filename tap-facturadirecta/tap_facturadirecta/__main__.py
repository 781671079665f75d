"""`python -m tap_facturadirecta`."""

from __future__ import annotations

from connector_kit.tuning import starting

with starting():
    from tap_facturadirecta.tap import TapFacturaDirecta


def main() -> None:
    """Run the command."""
    TapFacturaDirecta.cli()


if __name__ == "__main__":
    main()
