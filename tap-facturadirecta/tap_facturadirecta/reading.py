"""The base stream: the list of providers, their details, and pages of records made of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

import msgspec
from lxml import etree

from connector_kit.pages import Page
from connector_kit.stream import ConnectorStream
from tap_facturadirecta.client import FacturaDirectaClient, Providers
from tap_facturadirecta.details import DetailReader
from tap_facturadirecta.pagination import ListReader
from tap_facturadirecta.records import RecordConverter

if TYPE_CHECKING:
    from tap_facturadirecta.tap import TapFacturaDirecta

SOURCE = "_xml"
"""The property that holds a provider's own XML, where `archive_raw` is on."""

_encode = msgspec.json.Encoder().encode


class ProviderStream(ConnectorStream):
    """Every provider of the account, or those that the filters let through.

    Attributes:
        learns_date_times: all that XML holds is text, a date too.
    """

    learns_date_times: ClassVar[bool] = False

    @property
    def facturadirecta(self) -> FacturaDirectaClient:
        """The client of this run."""
        return cast("TapFacturaDirecta", self.tap).facturadirecta

    @property
    def where(self) -> str:
        """How messages name this stream."""
        return f"stream {self.name}"

    def begin(self) -> None:
        """Get ready; a part of the providers is no whole table, and what is missing is not gone."""
        self.is_snapshot = not self.tap.values.get("filters")
        super().begin()

    def read_pages(self) -> Iterator[Page]:
        """Yield the providers, each once."""
        values = self.tap.values
        client = self.facturadirecta
        converter = RecordConverter(self.schema)

        def ask_ahead(start: int, limit: int) -> None:
            if details.are_needless:
                client.ask_ahead(start, limit)

        reader: ListReader[Providers] = ListReader(
            partial(client.list_providers, where=self.where),
            values["page_size"],
            self.where,
            self.logger,
            ask_ahead,
        )
        details = DetailReader(
            client.provider,
            values["details"],
            converter=converter,
            doubt=reader.doubt,
            where=self.where,
            logger=self.logger,
        )
        with closing(client), closing(reader):
            for listed in reader.read():
                self.logger.debug("%s: %d providers listed", self.name, len(listed))
                for providers in details.completed(listed):
                    yield page_of(providers, converter)
        if details.gone:
            self.logger.info(
                "%s: %d providers were deleted between the list and their own call and are left out",
                self.name,
                details.gone,
            )


def page_of(providers: Providers, converter: RecordConverter) -> Page:
    """Make a page of records.

    Args:
        providers: as XML.
        converter: of the run.

    Returns:
        the page.
    """
    records = converter.records(
        providers.elements, may_have_attributes=providers.may_have_attributes
    )
    if providers.sources is not None:
        for record, source in zip(records, providers.sources, strict=True):
            record[SOURCE] = etree.tostring(source, encoding="unicode", with_tail=False)
    slices = [_encode(record) for record in records]
    return Page(b"[" + b",".join(slices) + b"]", slices, providers.replaced)
