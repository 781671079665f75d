"""The command of a connector: options, exit codes, messages for people."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from typing import IO, Any, NoReturn

import click
from singer_sdk.plugin_base import SingerCommand

from connector_kit import redaction, tls
from connector_kit.errors import ConnectorError, ExitCode, SettingsError
from connector_kit.signals import GUARD, StopSignal

FILE_ENCODING = "utf-8-sig"
"""UTF-8; some editors put a byte order mark before it."""


class ConnectorCommand(SingerCommand):
    """The SDK's command, ending in the exit codes that the README promises."""

    def main(self, *args: Any, standalone_mode: bool = True, **kwargs: Any) -> NoReturn:  # noqa: ANN401 - click's signature
        """Run the command and exit."""
        redaction.install()
        tls.begin_run()
        try:
            # From here on a signal may come at any moment.
            if standalone_mode:
                GUARD.install()
            super().main(*args, standalone_mode=False, **kwargs)  # type: ignore[call-overload]  # passed on
        except click.ClickException as error:
            error.show()
            sys.exit(ExitCode.SETTINGS)
        except click.Abort:
            sys.exit(ExitCode.UNEXPECTED)
        except StopSignal as stop:
            self.logger.warning("%s; what was confirmed is kept, run again to go on", stop)
            sys.exit(stop.exit_code)
        except ConnectorError as error:
            self._tell(error)
            sys.exit(error.exit_code)
        except Exception:
            self.logger.exception(
                "An error that was not foreseen ends the run; please report it with this log"
            )
            sys.exit(ExitCode.UNEXPECTED)
        sys.exit(ExitCode.DONE)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run the callback without the SDK's own ending of errors."""
        logging.captureWarnings(capture=True)
        return click.Command.invoke(self, ctx)

    def _tell(self, error: ConnectorError) -> None:
        if isinstance(error, SettingsError):
            for fault in error.faults:
                self.logger.error("%s", fault)
            self.logger.error("Correct what is named above, then run again.")
        else:
            self.logger.error("%s", error)


def read_json_option(stream: IO[str] | None, option: str) -> Any:  # noqa: ANN401 - any JSON value
    """Read the file of an option.

    Args:
        stream: the opened file, None where the option is missing.
        option: its name, for messages.

    Returns:
        the value, None where the option is missing or the file is empty.

    Raises:
        SettingsError: the file is no JSON object in UTF-8.
    """
    if stream is None:
        return None
    try:
        text = stream.read()
        if not text.strip():
            return None
        value = json.loads(text)
    except UnicodeDecodeError as error:
        raise SettingsError([f"option {option}: the file is not UTF-8"]) from error
    except ValueError as error:
        raise SettingsError([f"option {option}: the file is no valid JSON ({error})"]) from error
    if not isinstance(value, dict):
        raise SettingsError([f"option {option}: the file must hold a JSON object"])
    return value


def read_config_files(paths: tuple[str, ...]) -> tuple[dict[str, Any], bool]:
    """Read the files of `--config`.

    Args:
        paths: files, or the word ENV for the environment.

    Returns:
        the merged configuration, later files winning, and whether ENV was named.

    Raises:
        SettingsError: a file cannot be read or is no JSON object.
    """
    config: dict[str, Any] = {}
    faults: list[str] = []
    for path in paths:
        if path == "ENV":
            continue
        try:
            with open(path, encoding=FILE_ENCODING) as file:  # noqa: PTH123 - a click argument
                config |= read_json_option(file, f"--config {path}") or {}
        except OSError as error:
            faults.append(f"option --config: the file {path} cannot be read ({error.strerror})")
        except SettingsError as error:
            # A parser's message quotes nothing of the file.
            faults += error.faults
    if faults:
        raise SettingsError(faults)
    return config, "ENV" in paths


def connector_command(
    name: str,
    callback: Callable[..., Any],
    logger: logging.Logger,
    version: Callable[[], str],
    options: list[click.Parameter],
) -> ConnectorCommand:
    """Make a connector's command.

    Args:
        name: of the connector.
        callback: called with the options' values.
        logger: of the connector.
        version: gives the line that `--version` shows.
        options: beyond those that all connectors have.
    """

    def show_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        if value:
            click.echo(version())
            ctx.exit()

    return ConnectorCommand(
        name=name,
        callback=callback,
        logger=logger,
        params=[
            click.Option(
                ["--version"], is_flag=True, is_eager=True, expose_value=False,
                callback=show_version, help="Display the package version.",
            ),
            click.Option(["--about"], is_flag=True, help="Display package metadata and settings."),
            click.Option(
                ["--format", "about_format"], default=None,
                type=click.Choice(["text", "json", "markdown"], case_sensitive=False),
                help="Specify output style for --about.",
            ),
            click.Option(
                ["--config"], multiple=True, default=(),
                help="Configuration file location or 'ENV' to use environment variables.",
            ),
            *options,
        ],
    )  # fmt: skip
