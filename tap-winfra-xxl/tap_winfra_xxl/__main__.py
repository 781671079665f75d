"""`python -m tap_winfra_xxl`."""

from __future__ import annotations

from connector_kit.tuning import starting

with starting():
    from tap_winfra_xxl.tap import TapWinfraXxl


def main() -> None:
    """Run the command."""
    TapWinfraXxl.cli()


if __name__ == "__main__":
    main()
