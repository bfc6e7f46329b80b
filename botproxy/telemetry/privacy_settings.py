"""What of visitors a zone keeps, and for how long."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from botproxy.schema import Seconds, Section

Addresses = Literal["full", "truncated", "hashed"]


class Settings(Section):
    """Personal data of one zone. It is applied before anything is written."""

    addresses: Addresses = "full"
    """How visitors' addresses are recorded: `full`; `truncated` to the /24 of IPv4 and the /48 of IPv6; `hashed`, a
    stand-in made with the secret, another one each day and for each zone. Rules see the whole address in any case."""

    keep: Annotated[Seconds, Field(ge=3600, le=3660 * 86400)] | None = None
    """How long single events of this zone are kept, in the store and in rotated files; left out, `events.store_age` and
    `events.keep_files` decide."""
