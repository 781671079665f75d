"""The base of the taps: an own `sync_all`, discovery with a state, a connection test, exit codes.

The SDK's `Tap.sync_all` is final. It is overridden here, and nothing else that is final, for two
reasons: one failing stream must not stop the others, and tap-winfra-xxl plans all streams before the
first request. A test holds this at the pinned version of the SDK.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import PurePath
from typing import IO, Any, ClassVar

import click
from singer_sdk import Tap
from singer_sdk.batch import Batcher
from singer_sdk.exceptions import ConfigValidationError, StreamMapConfigError
from singer_sdk.helpers._batch import BatchConfig
from singer_sdk.helpers.capabilities import BATCH_CONFIG
from singer_sdk.singerlib import Catalog
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from connector_kit.cli import (
    FILE_ENCODING,
    connector_command,
    read_config_files,
    read_json_option,
)
from connector_kit.errors import ConnectorError, CredentialsError, ExitCode, SettingsError, worst
from connector_kit.output import OutputClosedError, StdoutWriter
from connector_kit.plugin import BUILT_IN_SETTINGS, ConnectorPlugin, sdk_settings
from connector_kit.settings import Setting
from connector_kit.signals import GUARD, StopSignal
from connector_kit.state import StateLines, loaded_bookmarks
from connector_kit.stream import ConnectorStream

BATCH_IS_UNMAPPED = (
    "setting 'batch_config': the records of a batch pass neither 'stream_maps' nor flattening, and would"
    " go out as they are; take out one or the other"
)
UNFINISHED_MESSAGE = "%s: not complete: %s"


class RunFailedError(ConnectorError):
    """Streams failed; each was told when it did."""

    def __init__(self, failures: dict[str, ExitCode]) -> None:
        """Say which, with the gravest exit code.

        Args:
            failures: stream -> its exit code.
        """
        super().__init__(
            f"{len(failures)} of the selected streams did not complete: {', '.join(failures)}."
            " The messages above say why; the others are complete."
        )
        self.exit_code = worst(list(failures.values()))


class ConnectorTap(ConnectorPlugin, Tap):
    """A tap of this repository."""

    built_in_settings: ClassVar[tuple[Setting, ...]] = (
        *BUILT_IN_SETTINGS,
        *sdk_settings(BATCH_CONFIG),
    )
    message_writer_class = StdoutWriter
    stream_classes: ClassVar[Sequence[type[ConnectorStream]]] = ()

    def __init__(
        self,
        *,
        config: dict[str, Any] | None = None,
        catalog: Catalog | dict[str, Any] | PurePath | str | None = None,
        state: dict[str, Any] | PurePath | str | None = None,
        parse_env_config: bool = False,
        validate_config: bool = True,
        **kwargs: Any,  # noqa: ANN401 - for the SDK's class
    ) -> None:
        """Check settings and selection, all at once.

        Args:
            config: settings.
            catalog: selection and types.
            state: bookmarks of an earlier run.
            parse_env_config: whether the environment's settings are read too.
            validate_config: whether a fault is an error.
            kwargs: for the SDK's class.

        Raises:
            SettingsError: all faults at once.
        """
        super().__init__(
            config=config,
            catalog=catalog,
            state=state,
            parse_env_config=parse_env_config,
            validate_config=False,
            **kwargs,
        )
        self.state_lines = StateLines(self.state, self.writer)
        if validate_config:
            if not self.setting_faults:
                self.setting_faults = [
                    *self._check_batch_config(),
                    *self.check_selection(self.selected_streams()),
                ]
            self.raise_setting_faults()

    @property
    def writer(self) -> StdoutWriter:
        """The one writer of standard output."""
        assert isinstance(self.message_writer, StdoutWriter)  # noqa: S101 - message_writer_class
        return self.message_writer

    @property
    def connector_streams(self) -> dict[str, ConnectorStream]:
        """The tap's streams, by name."""
        return self.streams  # type: ignore[return-value]  # discover_streams makes no others

    def selected_streams(self) -> list[ConnectorStream]:
        """Return the streams that the catalog selects; all of them without one."""
        return [stream for stream in self.connector_streams.values() if stream.selected]

    def check_selection(self, streams: list[ConnectorStream]) -> list[str]:  # noqa: ARG002 - a hook
        """Check what depends on the selected streams.

        Args:
            streams: the selected ones.

        Returns:
            one sentence for each fault, with the settings' names.
        """
        return []

    def discover_streams(self) -> Sequence[ConnectorStream]:
        """Return the streams; nothing is asked of the vendor."""
        return [stream_class(self) for stream_class in self.stream_classes]

    def load_state(self, state: dict[str, Any]) -> None:
        """Take the bookmarks of an earlier run, and the schemas that they remember."""
        bookmarks = loaded_bookmarks(state)
        if bookmarks:
            self.state["bookmarks"] = bookmarks
        for stream in self.connector_streams.values():
            stream.recall()

    def setup_mapper(self) -> None:
        """Make the SDK's mapper; each stream is registered when its schema is known.

        A stream map that names a key would be refused while nothing is learned yet.
        """
        if self.setting_faults:
            return
        try:
            ConnectorPlugin.setup_mapper(self)
        except StreamMapConfigError as error:
            self.setting_faults = [f"setting 'stream_maps': {error}"]
        except ConfigValidationError as error:
            self.setting_faults = [f"flattening: {fault}" for fault in error.errors]

    def _check_batch_config(self) -> list[str]:
        given = self.config.get("batch_config")
        if not given:
            return []
        try:
            Batcher.get_batcher(BatchConfig.from_dict(given).encoding.format)
        except (TypeError, ValueError, AttributeError) as error:
            return [f"setting 'batch_config': {error}"]
        if self.config.get("stream_maps") or self.config.get("flattening_enabled"):
            return [BATCH_IS_UNMAPPED]
        return []

    # A run

    def sync_all(self) -> None:  # type: ignore[misc]  # final in the SDK: see the module's docstring
        """Read the selected streams.

        Raises:
            RunFailedError: at least one stream is not complete; the others are.
            StopSignal: the process was asked to stop; the last resumable state is out.
        """
        selected = self.selected_streams()
        if not selected:
            self.logger.warning("No stream is selected, so nothing is read.")
        failures: dict[str, ExitCode] = {}
        try:
            for stream in selected:
                if stream.stream_schema.known:
                    stream.register_maps()
            self.run_streams(selected, failures)
        except StopSignal:
            self.state_lines.write()
            raise
        finally:
            for stream in selected:
                stream.close()
        self.state_lines.write()
        if failures:
            raise RunFailedError(failures)

    def run_streams(self, selected: list[ConnectorStream], failures: dict[str, ExitCode]) -> None:
        """Read streams one after the other.

        Args:
            selected: the streams.
            failures: to be filled: stream -> exit code.
        """
        for stream in selected:
            try:
                stream.run()
            except Exception as error:  # noqa: BLE001 - one failing stream does not stop the others
                self.stream_failed(stream, error, failures)
            else:
                self.logger.info("%s: complete, %s", stream.name, stream.progress.summary())

    def stream_failed(
        self, stream: ConnectorStream, error: Exception, failures: dict[str, ExitCode]
    ) -> None:
        """Tell of a stream's failure and go on, or stop where going on is of no use.

        Args:
            stream: that failed.
            error: why.
            failures: to be filled.

        Raises:
            CredentialsError: as it is: no other stream would fare better.
            SettingsError: the same.
            OutputClosedError: the same.
        """
        stream.close()
        if isinstance(error, OutputClosedError):
            raise error
        if isinstance(error, CredentialsError | SettingsError):
            self.state_lines.write()
            raise error
        if isinstance(error, ConnectorError):
            self.logger.error(UNFINISHED_MESSAGE, stream.name, error)
            failures[stream.name] = error.exit_code
        else:
            self.logger.error(
                UNFINISHED_MESSAGE,
                stream.name,
                "an error that was not foreseen; please report it with this log",
                exc_info=error,
            )
            failures[stream.name] = ExitCode.UNEXPECTED
        # A signal that came within the part that failed stops the run here.
        with GUARD.guarded():
            self.state_lines.write()

    @abstractmethod
    def test_connection(self) -> None:
        """Make the cheapest call that needs the credentials.

        Raises:
            ConnectorError: what is wrong and what to do.
        """

    # The command

    @classmethod
    def invoke(  # type: ignore[override]  # noqa: PLR0913 - the options of the command line
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: tuple[str, ...] = (),
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
        discover: bool = False,
        test: str | None = None,
    ) -> None:
        """Do what the command line asks for.

        Args:
            about: show settings and capabilities.
            about_format: of that.
            config: files, or ENV.
            state: file with the bookmarks.
            catalog: file with the catalog.
            discover: write the catalog, without network or credentials.
            test: `all` tests the connection, `schema` writes the schemas.
        """
        if about:
            cls.print_about(None if about_format == "text" else about_format)
            return
        settings, parse_env = read_config_files(config)
        tap = cls(
            config=settings,
            parse_env_config=parse_env,
            catalog=_read_catalog(catalog),
            state=read_json_option(state, "--state"),
            # What depends on the selected streams is no matter of a connection.
            validate_config=not discover and test is None,
        )
        if discover:
            tap.run_discovery()
            return
        tap.raise_setting_faults()
        if test == "schema":
            tap.write_schemas()
        elif test is not None:
            tap.test_connection()
            cls.logger.info("The connection works: the credentials are accepted.")
        else:
            cls.logger.info("%s %s", cls.name, cls.get_plugin_version())
            tap.sync_all()

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the tap's command.

        `--discover` and `--test` are plain options here: as callbacks, which the SDK has, they would
        not see options that stand behind them.
        """
        logger: logging.Logger = cls.logger
        return connector_command(
            cls.name,
            cls.invoke,
            logger,
            lambda: f"{cls.name} v{cls.get_plugin_version()}, Meltano SDK v{cls.get_sdk_version()}",
            [
                click.Option(["--discover"], is_flag=True, help="Write the catalog and end."),
                click.Option(
                    ["--test"], is_flag=False, flag_value="all", default=None,
                    type=click.Choice(["all", "schema"]),
                    help="Test the connection with one call; --test=schema writes the schemas.",
                ),
                click.Option(["--catalog"], type=click.File(encoding=FILE_ENCODING),
                             help="Use a Singer catalog file with the tap."),
                click.Option(["--state"], type=click.File(encoding=FILE_ENCODING),
                             help="Use a bookmarks file for incremental replication."),
            ],
        )  # fmt: skip


def _read_catalog(file: IO[str] | None) -> Catalog | None:
    content = read_json_option(file, "--catalog")
    try:
        if content is None:
            return None
        for entry in content["streams"]:
            _note_full_table(entry)
        return Catalog.from_dict(content)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SettingsError(["option --catalog: the file is no Singer catalog"]) from error


def _note_full_table(entry: dict[str, Any]) -> None:
    """Find a wish for a full read where it may stand.

    Discovery fills the entry's own member, and Meltano's extra `metadata` writes another,
    `replication-method`, which the SDK does not read.
    """
    for part in entry.get("metadata", ()):
        names = ("forced-replication-method", "replication-method")
        wishes = [part["metadata"].get(name) for name in names]
        if not part["breadcrumb"] and REPLICATION_FULL_TABLE in wishes:
            entry["replication_method"] = REPLICATION_FULL_TABLE
