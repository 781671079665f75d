"""target-serpi: settings, streams, and what of the SDK's target is done otherwise.

`listen`, `drain_all` and `drain_one` are the SDK's. Of its private methods those that handle a message
are overridden (a record's walks take most of the SDK's time and hand on no bytes), and
`_write_state_message`, the one seam through which every state leaves; tests hold them at the pinned
version.
"""

from __future__ import annotations

import contextlib
import copy
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import click
from singer_sdk import Target
from singer_sdk.exceptions import MapExpressionError, StreamMapConfigError
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.mapper import RemoveRecordTransform
from singer_sdk.sinks import Sink

from connector_kit.cli import connector_command, read_config_files
from connector_kit.errors import SettingsError
from connector_kit.output import StdoutWriter
from connector_kit.pages import exact_json
from connector_kit.plugin import ConnectorPlugin
from target_serpi.reading import BrokenMessageError, Incoming, SerpiReader
from target_serpi.run import NAME, PATH_SETTINGS, Run
from target_serpi.settings import SETTINGS, STREAM_NAMES
from target_serpi.sinks import SerpiSink

NO_SUCH_STREAM = (
    "the stream {!r} came in, and SERPI has none of that name: map it to 'articulos' or"
    " 'documentos_contables' with the setting 'stream_aliases' or with stream maps, or deselect it in"
    " the tap"
)
MAP_FAILS = "a stream map fails for this record"


class TargetSerpi(ConnectorPlugin, Target):
    """Writes articles and accounting documents into SERPI, each exactly once."""

    name = NAME
    package_name = NAME
    settings = SETTINGS
    default_sink_class = SerpiSink
    run: Run
    capabilities = [  # noqa: RUF012 - as the SDK declares it
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(
        self,
        *,
        config: dict[str, Any] | None = None,
        parse_env_config: bool = False,
        validate_config: bool = True,
        **kwargs: Any,  # noqa: ANN401 - for the SDK's class
    ) -> None:
        """Check the settings.

        Args:
            config: as read from files.
            parse_env_config: whether the environment's settings are read too.
            validate_config: whether a fault is an error.
            kwargs: for the SDK's class.

        Raises:
            SettingsError: all faults at once.
        """
        self.reader = SerpiReader(self._reading)
        super().__init__(
            config=config,
            parse_env_config=parse_env_config,
            validate_config=validate_config,
            message_reader=self.reader,
            **kwargs,
        )
        # Records of one stream keep their order, and one token serves one call at a time.
        self.max_parallelism = 1
        self._sinks_of: dict[str, SerpiSink] = {}
        self._stdout = StdoutWriter()

    def check_settings(self, values: Mapping[str, Any]) -> list[str]:
        """Check that no two settings name one file."""
        paths = [values[name] for name in PATH_SETTINGS]
        if len(set(paths)) == len(paths):
            return []
        return [f"settings {', '.join(map(repr, PATH_SETTINGS))}: each must name a file of its own"]

    def setup_mapper(self) -> None:
        """Make the SDK's mapper."""
        if self.setting_faults:
            return
        try:
            super().setup_mapper()
        except StreamMapConfigError as error:
            self.setting_faults = [f"setting 'stream_maps': {error}"]

    def resource_of(self, stream: str) -> str:
        """Return which of SERPI's streams an incoming one goes to.

        Args:
            stream: after stream maps.

        Raises:
            SettingsError: to none.
        """
        resource: str = self.values.get("stream_aliases", {}).get(stream, stream)
        if resource not in STREAM_NAMES:
            raise SettingsError([NO_SUCH_STREAM.format(stream)])
        return resource

    # Reading

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Begin the run before the first line is read; end it where reading fails."""
        self.run = Run(self.values, self.http_settings(), self.get_plugin_version())
        with self._aborting():
            self.run.begin()
            yield

    @contextlib.contextmanager
    def _aborting(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self.run.abort(error)
            raise

    def process_endofpipe(self) -> None:
        """Write what still waits, the last state, and how the run ends."""
        with self._aborting():
            super().process_endofpipe()
        self.run.finish()

    def get_sink(
        self,
        stream_name: str,
        *,
        record: dict[str, Any] | None = None,
        schema: dict[str, Any] | None = None,
        key_properties: Sequence[str] | None = None,
    ) -> Sink:
        """Return the sink of a stream.

        The SDK keeps the sink of an earlier SCHEMA and what waits in it to the very end, so that a stale
        record would win. Here what waits belongs to SERPI's stream, whatever the sink.
        """
        sink = super().get_sink(
            stream_name, record=record, schema=schema, key_properties=key_properties
        )
        if schema is not None and isinstance(sink, SerpiSink):
            sink.schema_line = self.reader.line
            self._sinks_of[stream_name] = sink
        return sink

    def _process_schema_message(self, message_dict: dict[str, Any]) -> None:
        """Register a stream; unlike in the SDK, one that a stream map removes needs no sink."""
        stream, schema = message_dict.get("stream"), message_dict.get("schema")
        if not isinstance(stream, str) or not isinstance(schema, dict):
            raise BrokenMessageError("SCHEMA has no stream or no schema")
        if not isinstance(schema.get("properties"), dict):
            raise BrokenMessageError(f"SCHEMA of stream {stream!r} has no properties")
        keys = message_dict.get("key_properties")
        try:
            self.mapper.register_raw_stream_schema(stream, schema, keys)
        except (StreamMapConfigError, MapExpressionError) as error:
            raise SettingsError([f"setting 'stream_maps': {error}"]) from error
        for stream_map in self.mapper.stream_maps[stream]:
            if not isinstance(stream_map, RemoveRecordTransform):
                self.get_sink(
                    stream_map.stream_alias,
                    schema=stream_map.transformed_schema,
                    key_properties=stream_map.transformed_key_properties,
                )

    def _process_record_message(self, message_dict: Any) -> None:  # noqa: ANN401 - an Incoming
        incoming: Incoming = message_dict
        maps = self.mapper.stream_maps.get(incoming.stream)
        if maps is None:
            raise BrokenMessageError(f"RECORD of stream {incoming.stream!r} before its SCHEMA")
        for stream_map in maps:
            record = incoming.record if len(maps) == 1 else copy.copy(incoming.record)
            try:
                mapped = stream_map.transform(record)
            except MapExpressionError:
                # Its message shows the record's values.
                self._sinks_of[stream_map.stream_alias].refuse(incoming, MAP_FAILS)
                continue
            if mapped is None:
                continue
            sink = self._sinks_of[stream_map.stream_alias]
            if sink.take(mapped, incoming):
                sink.write_full()
        self._handle_max_record_age()

    def _process_activate_version_message(self, message_dict: dict[str, Any]) -> None:
        self.logger.debug("ACTIVATE_VERSION is ignored: %s", message_dict.get("stream"))

    def _process_batch_message(self, message_dict: dict[str, Any]) -> None:
        del message_dict
        raise BrokenMessageError("BATCH messages are not read; take `batch_config` out of the tap")

    # State

    def _write_state_message(self, state: dict[str, Any]) -> None:
        """Write a state; only when all that was read before it is confirmed or durably rejected.

        The SDK's own way cannot write the `Decimal` of a number with a point.
        """
        if self.run.may_write_state():
            self._stdout.write_lines(exact_json(state) + b"\n")

    # The command

    @classmethod
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: tuple[str, ...] = (),
        file_input: IO[bytes] | None = None,
    ) -> None:
        """Do what the command line asks for.

        Args:
            about: show settings and capabilities.
            about_format: of that.
            config: files, or ENV.
            file_input: the messages; standard input where it is missing.
        """
        if about:
            cls.print_about(None if about_format == "text" else about_format)
            return
        settings, parse_env = read_config_files(config)
        target = cls(config=settings, parse_env_config=parse_env)
        cls.logger.info("%s %s", cls.name, cls.get_plugin_version())
        target.listen(file_input)  # type: ignore[arg-type]  # the reader takes bytes

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the target's command."""
        logger: logging.Logger = cls.logger
        return connector_command(
            cls.name,
            cls.invoke,
            logger,
            lambda: f"{cls.name} v{cls.get_plugin_version()}, Meltano SDK v{cls.get_sdk_version()}",
            [
                click.Option(
                    ["--input", "file_input"], type=click.File("rb"),
                    help="A file to read messages from, in place of standard input.",
                ),
            ],
        )  # fmt: skip
