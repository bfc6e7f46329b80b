"""A request as somebody wrote it down: a head, what curl prints or is called with, a HAR file, or a line of events."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from botproxy.errors import OperatorError

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_EVENT_LINES: Final = 1_000_000

_REQUEST_LINE: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+)(?: (HTTP/[0-9.]+))?\Z")
_HEADER: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*\Z")


class RecordedError(OperatorError):
    """What was given is no request that can be read; the text says where, and what would be."""


class Recorded(NamedTuple):
    """One request. `event` is the line of events that it comes from; `whole` is whether all its headers are known."""

    kind: str  # for people: "a request head", …
    method: str
    target: str  # in origin form, or a URL
    version: str
    secure: bool | None  # None: not told
    headers: tuple[tuple[str, str], ...]
    body: bytes | None = None
    whole: bool = True
    event: Mapping[str, Any] = {}
    status: int | None = None  # of the answer


def read_request(content: bytes, entry: int = 1, ray: str = "") -> Recorded:
    """The request in `content`; of several (HAR, events) the one at position `entry` from 1, or with this `ray`.

    Raises `RecordedError`.
    """
    if len(content) > MAX_BYTES:
        raise RecordedError(f"more than {MAX_BYTES // 1024**2} MB: give a part of it")
    # One byte, one character, so that nothing of a header is lost; JSON is UTF-8 by its own rules.
    text = content.decode("latin-1")
    if not text.strip():
        raise RecordedError("it is empty: a request head, `curl -v` text, a HAR file or a line of events is wanted")
    if text.lstrip()[0] in "{[":
        return _from_json(content, entry, ray)
    if re.match(r"\s*curl\s", text):
        return _from_curl_command(text)
    lines = text.replace("\r\n", "\n").split("\n")
    if any(line.startswith("> ") for line in lines):
        return _from_curl_output(lines)
    return _from_head(lines)


def _from_head(lines: list[str]) -> Recorded:
    while lines and not lines[0].strip():
        lines.pop(0)
    first = _REQUEST_LINE.match(lines[0].rstrip())
    if first is None:
        return Recorded("headers", "GET", "/", "HTTP/1.1", None, _headers(lines, 1)[0])
    headers, rest = _headers(lines[1:], 2)
    body = "\n".join(rest).encode("latin-1") if any(rest) else None
    return Recorded(
        "a request head",
        first[1],
        first[2],
        first[3] or "HTTP/1.1",
        None,
        headers,
        body,
    )


def _headers(lines: list[str], number: int) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    """Header lines up to an empty one, and what comes behind it."""
    found: list[tuple[str, str]] = []
    for at, line in enumerate(lines):
        if not line.strip():
            return tuple(found), lines[at + 1 :]
        header = _HEADER.match(line)
        if header is None:
            right = "`GET /path HTTP/1.1` or `Name: value`" if number + at == 1 else "`Name: value`"
            raise RecordedError(f"line {number + at}: {_short(line)} is no header line: {right}")
        found.append((header[1], header[2]))
    return tuple(found), []


def _from_curl_output(lines: list[str]) -> Recorded:
    sent = [line[2:] for line in lines if line.startswith("> ")]
    talk = "\n".join(line for line in lines if line.startswith("* "))
    secure = bool(re.search(r"SSL connection using|TLS handshake|port 443", talk)) if talk else None
    read = _from_head(sent)
    answers = [found[1] for line in lines if (found := re.match(r"< HTTP/[0-9.]+ ([0-9]{3})", line))]
    return read._replace(
        kind="what curl printed",
        secure=secure,
        status=int(answers[-1]) if answers else None,
    )


_CURL_HEADERS: Final = {
    "-A": "User-Agent", "--user-agent": "User-Agent", "-e": "Referer", "--referer": "Referer",
    "-b": "Cookie", "--cookie": "Cookie",
}  # fmt: skip
_CURL_DATA: Final = (
    "-d",
    "--data",
    "--data-raw",
    "--data-ascii",
    "--data-binary",
    "--data-urlencode",
    "--json",
)
_CURL_VALUES: Final = frozenset(
    (
        "-o",
        "--output",
        "-x",
        "--proxy",
        "-m",
        "--max-time",
        "--resolve",
        "--cacert",
        "-u",
    )
)


def _from_curl_command(text: str) -> Recorded:
    try:
        words = shlex.split(text.replace("\\\r\n", " ").replace("\\\n", " "))[1:]
    except ValueError as error:
        raise RecordedError(f"this curl command cannot be read: {error}") from None
    method, url, version = "", "", "HTTP/1.1"
    headers: list[tuple[str, str]] = []
    data: list[str] = []
    at = 0
    while at < len(words):
        word, value = words[at], words[at + 1] if at + 1 < len(words) else ""
        at += 2
        if word in ("-H", "--header"):
            found = _HEADER.match(value)
            if found is None:
                raise RecordedError(f"{_short(value)} is no header: `-H 'Name: value'`")
            headers.append((found[1], found[2]))
        elif word in ("-X", "--request"):
            method = value
        elif word in _CURL_HEADERS:
            headers.append((_CURL_HEADERS[word], value))
        elif word in _CURL_DATA:
            data.append(value)
        elif word not in _CURL_VALUES:
            at -= 1
            if word in ("-I", "--head"):
                method = "HEAD"
            elif word == "--http2":
                version = "HTTP/2"
            elif word == "--compressed":
                headers.append(("Accept-Encoding", "gzip, deflate, br, zstd"))
            elif not word.startswith("-"):
                url = word
    if not url:
        raise RecordedError("this curl command names no URL")
    if "://" not in url:
        url = f"http://{url}"
    sent = {name.lower() for name, _ in headers}
    usual = (("User-Agent", "curl/8.5.0"), ("Accept", "*/*"))
    headers += [(name, value) for name, value in usual if name.lower() not in sent]
    body = "&".join(data).encode("latin-1", "replace") if data else None
    method = method or ("POST" if data else "GET")
    return Recorded("a curl command", method, url, version, None, tuple(headers), body)


def _from_json(content: bytes, entry: int, ray: str) -> Recorded:
    lines = content.splitlines()
    try:
        whole: Any = json.loads(content)
    except ValueError as error:
        return _from_events(lines, entry, ray, str(error))
    except RecursionError:
        raise RecordedError("this JSON is nested too deeply") from None
    if isinstance(whole, dict) and isinstance(whole.get("log"), dict):
        return _from_har(whole["log"], entry)
    if isinstance(whole, dict) and "ClientRequestMethod" in whole:
        return _from_event(whole)
    raise RecordedError("this JSON is neither a HAR file (`log.entries`) nor an event (`ClientRequestMethod`)")


def _from_har(log: dict[str, Any], entry: int) -> Recorded:
    entries = log.get("entries")
    if not isinstance(entries, list) or not entries:
        raise RecordedError("this HAR file has no entries")
    if not 1 <= entry <= len(entries):
        raise RecordedError(f"this HAR file has {len(entries)} entries, and no entry {entry}")
    try:
        request = entries[entry - 1]["request"]
        method, url, version = (
            str(request["method"]),
            str(request["url"]),
            str(request.get("httpVersion", "")),
        )
        pairs = [(str(header["name"]), str(header["value"])) for header in request["headers"]]
        posted = request.get("postData") or {}
        body = str(posted["text"]).encode("utf-8", "replace") if "text" in posted else None
        status = entries[entry - 1].get("response", {}).get("status")
    except (KeyError, TypeError, AttributeError) as error:
        raise RecordedError(f"entry {entry} of this HAR file is not whole: {error}") from None
    headers = [pair for pair in pairs if not pair[0].startswith(":")]
    version = {"h2": "HTTP/2", "HTTP/2.0": "HTTP/2", "h3": "HTTP/3"}.get(version, version or "HTTP/1.1")
    kind = f"entry {entry} of {len(entries)} of a HAR file"
    known = status if isinstance(status, int) and status > 0 else None
    return Recorded(kind, method, url, version, None, tuple(headers), body, status=known)


def _from_events(lines: list[bytes], entry: int, ray: str, error: str) -> Recorded:
    if len(lines) > MAX_EVENT_LINES:
        raise RecordedError(f"more than {MAX_EVENT_LINES} lines: give a part of them")
    if len([line for line in lines[:2] if line.strip()]) < 2:
        raise RecordedError(f"this JSON cannot be read: {error}")
    if not ray:
        if not 1 <= entry <= len(lines):
            raise RecordedError(f"there are {len(lines)} lines, and no line {entry}")
        return _from_event(_event(lines[entry - 1], entry))
    for at, line in enumerate(lines, 1):
        if ray.encode() in line:
            event = _event(line, at)
            if event.get("RayID") == ray:
                return _from_event(event)
    raise RecordedError(f"there is no event with the ray id {_short(ray)}")


def _event(line: bytes, number: int) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RecordedError(f"line {number} is no JSON: {error}") from None
    if not isinstance(event, dict) or "ClientRequestMethod" not in event:
        raise RecordedError(f"line {number} is no event: it has no `ClientRequestMethod`")
    return event


def _from_event(event: dict[str, Any]) -> Recorded:
    named = {
        "Host": "ClientRequestHost",
        "User-Agent": "ClientRequestUserAgent",
        "Referer": "ClientRequestReferer",
        "X-Requested-With": "ClientXRequestedWith",
    }
    headers = [(name, _wire(event.get(key))) for name, key in named.items() if event.get(key)]
    status = event.get("EdgeResponseStatus")
    return Recorded(
        "an event",
        str(event["ClientRequestMethod"]),
        _wire(event.get("ClientRequestURI") or event.get("ClientRequestPath") or "/"),
        str(event.get("ClientRequestProtocol") or "HTTP/1.1"),
        event.get("ClientRequestScheme") == "https",
        tuple(headers),
        None,
        False,
        event,
        status if isinstance(status, int) and status > 0 else None,
    )


def _wire(value: object) -> str:
    """Text as it was on the wire, a character a byte."""
    return str(value or "").encode("utf-8", "replace").decode("latin-1")


def origin_form(target: str) -> tuple[str, str, bool | None]:
    """Target in origin form, host and scheme (None: not told) of a target that may be a URL."""
    if target.startswith("/") or "://" not in target:
        return target, "", None
    try:
        url = urlsplit(target)
    except ValueError:
        raise RecordedError(f"{_short(target)} is no URL") from None
    path = (url.path or "/") + (f"?{url.query}" if url.query or target.split("#")[0].endswith("?") else "")
    return path, url.netloc.rpartition("@")[2], url.scheme.lower() == "https"


def _short(text: str) -> str:
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:80])
    return f"`{shown}…`" if len(text) > 80 else f"`{shown}`"
