"""`python -m tap_serpi`."""

from __future__ import annotations

from connector_kit.tuning import starting

with starting():
    from tap_serpi.tap import TapSerpi


def main() -> None:
    """Run the command."""
    TapSerpi.cli()


if __name__ == "__main__":
    main()
