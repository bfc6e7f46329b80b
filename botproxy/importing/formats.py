"""The formats of access logs: Apache's and nginx's common and combined, and nginx's JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Literal

import orjson

from botproxy.importing.entries import Entry, LineError, header, log_time, request_line, unescaped

Format = Literal["common", "combined", "nginx-json"]
FORMATS: Final[tuple[Format, ...]] = ("combined", "common", "nginx-json")

MAX_LINE: Final = 64 * 1024
LOOKED_AT: Final = 200
"""Lines from which a format is told."""

Reader = Callable[[bytes], Entry | None]
"""An entry; None for a line in order whose request is no HTTP. Raises LineError."""

_QUOTED: Final = rb'"((?:[^"\\]|\\.)*+)"'
_COMMON: Final = rb"(?:([^\s:]{1,255}):[0-9]{1,5} )?(\S{2,64}) \S+ [^\[]{1,256}+\[([^\]]{20,40})\] " + _QUOTED
_COMMON_LINE: Final = re.compile(_COMMON + rb" ([0-9]{3}|-) ([0-9]{1,18}|-)", re.DOTALL)
_HEADERS: Final = re.compile(rb" " + _QUOTED + rb" " + _QUOTED, re.DOTALL)


def reader(format_: Format) -> Reader:
    """What reads the lines of a format."""
    if format_ == "nginx-json":
        return _json
    return _common if format_ == "common" else _combined


def detect(lines: Iterable[bytes]) -> Format | None:
    """The format that most of the first lines are of; None when there is none."""
    counts = dict.fromkeys(FORMATS, 0)
    for seen, line in enumerate(lines):
        if seen >= LOOKED_AT:
            break
        for format_ in FORMATS:
            try:
                reader(format_)(line)
            except LineError:
                continue
            counts[format_] += 1
            break  # what is combined is common too
    best = max(FORMATS, key=lambda each: counts[each])
    return best if counts[best] else None


def _common(line: bytes) -> Entry | None:
    entry, _ = _start(line)
    return entry


def _combined(line: bytes) -> Entry | None:
    entry, end = _start(line)
    found = _HEADERS.match(line, end)
    if found is None:
        raise LineError("no Referer and User-Agent in quotes behind the size")
    if entry is None:
        return None
    return entry._replace(referer=header(found[1]), user_agent=header(found[2]))


def _start(line: bytes) -> tuple[Entry | None, int]:
    if len(line) > MAX_LINE:
        raise LineError(f"more than {MAX_LINE} bytes")
    found = _COMMON_LINE.match(line)
    if found is None:
        raise LineError('not as ADDRESS - USER [TIME] "REQUEST" STATUS SIZE')
    time = log_time(found[3].decode("latin-1"))
    asked = request_line(unescaped(found[4]))
    if asked is None:
        return None, found.end()
    entry = Entry(
        found[2].decode("latin-1"),
        time,
        *asked,
        int(found[5]) if found[5] != b"-" else 0,
        int(found[6]) if found[6] != b"-" else 0,
        None,
        None,
        found[1],
    )
    return entry, found.end()


_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "address": ("remote_addr", "client_ip", "client", "remote_ip"),
    "request": ("request",),
    "method": ("request_method", "method"),
    "target": ("request_uri", "uri", "url"),
    "protocol": ("server_protocol", "protocol"),
    "status": ("status",),
    "size": ("body_bytes_sent", "bytes_sent", "size"),
    "referer": ("http_referer", "http_referrer", "referer", "referrer"),
    "user_agent": ("http_user_agent", "user_agent", "agent"),
    "host": ("host", "http_host", "server_name"),
    "scheme": ("scheme",),
    "seconds": ("request_time",),
}
"""What `log_format … escape=json` calls it, as its variables or in words."""


def _json(line: bytes) -> Entry | None:
    if len(line) > MAX_LINE:
        raise LineError(f"more than {MAX_LINE} bytes")
    try:
        given = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise LineError("no JSON") from None
    if not isinstance(given, dict):
        raise LineError("no JSON object")
    address = _text(given, "address")
    if not address:
        raise LineError("no remote_addr")
    time = _json_time(given)
    whole = _text(given, "request")
    method, target = _text(given, "method"), _text(given, "target")
    if not whole and not (method and target):
        raise LineError("neither request nor request_method and request_uri")
    protocol = _text(given, "protocol") or "HTTP/1.1"
    asked = request_line((whole or f"{method} {target} {protocol}").encode("utf-8", "replace"))
    if asked is None:
        return None
    scheme = _text(given, "scheme")
    return Entry(
        address,
        time,
        *asked,
        int(_number(given, "status")),
        int(_number(given, "size")),
        _header(given, "referer"),
        _header(given, "user_agent"),
        _header(given, "host"),
        None if not scheme else scheme == "https",
        _number(given, "seconds"),
    )


def _value(given: Mapping[str, Any], what: str) -> Any:
    return next((given[key] for key in _KEYS[what] if key in given), None)


def _text(given: Mapping[str, Any], what: str) -> str:
    value = _value(given, what)
    return value if isinstance(value, str) else ""


def _number(given: Mapping[str, Any], what: str) -> float:
    value = _value(given, what)
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0.0
    except ValueError:
        return 0.0
    return number if math.isfinite(number) and 0 <= number < 1e15 else 0.0


def _header(given: Mapping[str, Any], what: str) -> bytes | None:
    """None where the log has no such key."""
    value = _value(given, what)
    if value is None and not any(key in given for key in _KEYS[what]):
        return None
    return value.encode("utf-8", "replace") if isinstance(value, str) and value != "-" else b""


def _json_time(given: Mapping[str, Any]) -> float:
    local, iso = given.get("time_local"), given.get("time_iso8601", given.get("time", given.get("@timestamp")))
    if isinstance(local, str):
        return log_time(local)
    moment = given.get("msec", iso)
    if isinstance(moment, str):
        try:
            seconds = datetime.fromisoformat(moment).timestamp()
        except ValueError:
            try:
                seconds = float(moment)
            except ValueError:
                raise LineError("no time such as 2015-05-17T10:05:03+00:00") from None
    elif isinstance(moment, int | float) and not isinstance(moment, bool):
        seconds = float(moment)
    else:
        raise LineError("no time_local, time_iso8601 or msec")
    if not 0 <= seconds < 4e9:
        raise LineError("a time that does not exist")
    return seconds
