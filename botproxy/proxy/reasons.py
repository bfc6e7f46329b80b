"""Reason phrases of status lines of our own (RFC 9110 section 15)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

REASONS: Final[dict[int, bytes]] = {status.value: status.phrase.encode("ascii") for status in HTTPStatus} | {
    413: b"Content Too Large",
    414: b"URI Too Long",
    431: b"Request Header Fields Too Large",
}
