"""`python -m target_serpi`."""

from __future__ import annotations

from connector_kit.tuning import starting

with starting():
    from target_serpi.target import TargetSerpi


def main() -> None:
    """Run the command."""
    TargetSerpi.cli()


if __name__ == "__main__":
    main()
