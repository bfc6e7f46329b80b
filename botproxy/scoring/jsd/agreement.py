"""Where the headers of the report's own request and the script disagree about the browser."""

from __future__ import annotations

import re
from typing import Final

from botproxy.model import Headers
from botproxy.scoring.jsd.payload import Payload

_BRAND: Final = re.compile(r'"((?:[^"\\]|\\.){0,128})"\s*;\s*v="([^"]{0,32})"')
_FIREFOX: Final = re.compile(r"(?:Firefox|FxiOS)/(\d+)")
_LONGEST: Final = 1024


def disagreements(payload: Payload, headers: Headers) -> set[int]:
    """Numbers of the signs that follow from the headers alone."""
    found: set[int] = set()
    agent = _header(headers, b"user-agent")
    if agent is not None and agent != payload.agent and not _same_firefox(agent, payload.agent):
        found.add(60)
    platform = _header(headers, b"sec-ch-ua-platform")
    if platform is not None and payload.platform and platform.strip().strip('"') not in ("", payload.platform):
        found.add(61)
    brands = _header(headers, b"sec-ch-ua")
    if brands is not None and payload.brands is not None and frozenset(_BRAND.findall(brands)) != payload.brands:
        found.add(62)
    mobile = _header(headers, b"sec-ch-ua-mobile")
    if mobile is not None and payload.mobile is not None and (mobile.strip() == "?1") != payload.mobile:
        found.add(69)
    languages = _header(headers, b"accept-language")
    if languages is not None and payload.language and _primary(languages) not in ("", "*", _primary(payload.language)):
        found.add(63)
    return found


def _same_firefox(agent: str, other: str) -> bool:
    """With `resistFingerprinting` Firefox names another system in its header than to scripts."""
    first, second = _FIREFOX.search(agent), _FIREFOX.search(other)
    return first is not None and second is not None and first[1] == second[1]


def _primary(languages: str) -> str:
    return languages.split(",", 1)[0].split(";", 1)[0].split("-", 1)[0].strip().lower()


def _header(headers: Headers, name: bytes) -> str | None:
    value = headers.first(name)
    return None if value is None else value[:_LONGEST].decode("latin-1")
