"""Settings of alerts: when bot traffic is unusual, and who is told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from botproxy.schema import Seconds, Section


class WebhookSettings(Section):
    """Where alerts are posted as JSON."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s/@]+(/[^\s]*)?$", max_length=2048)]
    """The address. Redirects are not followed."""

    token_file: Path | None = None
    """File with a token that is sent as `Authorization: Bearer TOKEN`."""


class AlertSettings(Section):
    """The `alerts` section: unusual bot traffic, and welcome programs that are turned away."""

    enabled: bool = True
    """Whether anything is watched at all."""

    z_score: Annotated[float, Field(ge=1, le=100)] = 3.5
    """How many standard deviations bot requests of five minutes lie above those of the six hours before."""

    requests: Annotated[int, Field(ge=1, le=10**9)] = 200
    """And how many they are at least. Bot requests have scores below 30; verified bots are not among them."""

    groups: Annotated[tuple[Literal["ja4", "asn", "detection_id"], ...], Field(max_length=3)] = ()
    """By what requests are looked at as well, value by value: `ja4` (of any score), `asn`, `detection_id`."""

    automation: bool = True
    """Whether it is told when welcome programs start to be turned away: verified bots, and what the preset `default`
    exempts, such as feed readers, previews and webhooks."""

    automation_requests: Annotated[int, Field(ge=1, le=10**9)] = 20
    """How many of their requests are turned away in five minutes at least."""

    quiet: Annotated[Seconds, Field(ge=60, le=86400)] = 3600.0
    """For how long the same alert is not repeated."""

    webhooks: Annotated[tuple[WebhookSettings, ...], Field(max_length=10)] = ()
    """Who is told, beside the log and `/api/alerts`."""
