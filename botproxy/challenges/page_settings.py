"""What an operator may set about the pages that visitors see: challenges, and pages that say no."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from botproxy.schema import Section

_ADDRESS = re.compile(r"(?:https?://|mailto:|/(?!/))[!-~]{1,500}\Z", re.IGNORECASE)


class PageSettings(Section):
    """How the pages look that a visitor gets from the proxy itself, and whom they lead to."""

    template: Path | None = None
    """File with a page of your own, HTML with placeholders such as `{{heading}}`; docs/challenge-pages.md lists them.
    Left out, the page that comes with the product."""

    logo: Path | None = None
    """Picture above the page, SVG, PNG, JPEG, GIF or WebP of at most 8 KB; it becomes part of the page."""

    contact_url: str = ""
    """Address (https:, mailto: or a path) that pages show to visitors who cannot get through; empty shows none."""

    imprint_url: str = ""
    """Address (https: or a path) of the imprint, shown at the foot of every page; empty shows none."""

    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[a-z0-9]{2,8})*$")] = "en"
    """Language for visitors who ask for none that we speak."""

    reports: bool = True
    """Let visitors report that they do not get through, with a form on the page;
    `botproxy reports list` shows what they write."""

    @field_validator("contact_url", "imprint_url")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and _ADDRESS.match(value) is None:
            raise ValueError("is an https:, http: or mailto: address, or a path that starts with one /")
        return value

    @field_validator("language")
    @classmethod
    def _spoken(cls, value: str) -> str:
        from botproxy.challenges.words import LANGUAGES

        if value not in LANGUAGES:
            raise ValueError("is one of " + ", ".join(LANGUAGES))
        return value
