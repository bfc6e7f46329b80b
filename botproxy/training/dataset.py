"""The format of labelled requests: what the laboratory writes, and what training reads.

JSON lines in order of time, packed with xz or gzip (`.jsonl.xz`, `.jsonl.gz`) or not at all (`.jsonl`). The first line
is the card: what it is, how it was made, what is wrong with it. Every other line is one request as the proxy received
it. A reader holds one line at a time.
"""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, cast

import orjson

from botproxy.errors import OperatorError
from botproxy.model import Client, Facts, Headers, Request, Session, Tls
from botproxy.scoring.static_resources import is_static_resource

FORMAT: Final = 1
"""Of the lines; another number is refused."""

LINE: Final = 256 * 1024
"""Bytes of one line; a longer one is refused, however small it was packed."""

MOST: Final = 20_000_000
"""Lines of one file."""

START: Final = 1_790_000_000.0
"""What `facts` adds to the time of a request, which begins at 0 in every file."""

_KINDS: Final = frozenset(("page", "part", "api", "feed", "other"))


class DatasetError(OperatorError):
    """A file is no data set, or a line of it is damaged."""


class Labelled(NamedTuple):
    """One request with its label. Text is latin-1: each character is one byte as it was on the wire."""

    human: bool
    family: str  # of the client: "curl", "chromium"; splits never part one
    client: str  # what tells clients of a family apart: "curl-cffi-chrome131", "chromium-german"
    version: str  # of the client; "" when it did not say
    behaviour: str  # "crawl", "stuffing", "browsing"
    disguise: str  # "none", "agent" (a browser's name), "headers" (all of them), "tls" (that too), "stealth" (plug-in)
    generated: bool  # drawn from a model of devices, and not recorded
    session: str  # requests of one visit, whatever its addresses
    step: int  # which request of its session, from 0
    time: float  # seconds since the data set began; pauses that were shortened in the laboratory are put back
    address: str  # stands for a visitor's address; means nothing by itself
    method: str
    target: str
    http: str  # "HTTP/1.1", "HTTP/2"
    secure: bool
    host: str
    headers: tuple[tuple[str, str], ...]  # in order, as received
    body: int | None  # bytes; None when not known ahead
    kind: str  # "page", "part" (image, style, script, font), "api", "feed", "other"
    status: int  # of the origin's answer
    content_type: str  # of the origin's answer
    ja3: str
    ja4: str
    tls: str  # "TLSv1.3", "" without TLS
    cipher: str
    http2: str  # fingerprint of how HTTP/2 began, "" without
    since: float | None  # seconds since the session cookie that it brought was issued; None when it brought none
    short_referer: bool = False  # the site asks for that (`training.referrers`); nothing that is recorded

    def header(self, name: str) -> str:
        """The first value of a header, by its name in lower case; "" without it."""
        return next((value for each, value in self.headers if each.lower() == name), "")


_FIELDS: Final = Labelled._fields[:-1]
_TEXTS: Final = frozenset(name for name, kind in Labelled.__annotations__.items() if kind == "str")


def write(path: Path, card: Mapping[str, Any], requests: Iterable[Labelled]) -> int:
    """Write a data set; how many requests it has. They have to come in order of time."""
    count = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with _opened(path, "wb") as file:
        file.write(orjson.dumps({"format": FORMAT, "fields": _FIELDS, "card": card}) + b"\n")
        for one in requests:
            file.write(orjson.dumps(list(one[:-1])) + b"\n")
            count += 1
    return count


def card(path: Path) -> dict[str, Any]:
    """What is said of a data set. Raises `DatasetError`."""
    with _opened(path, "rb") as file:
        return _card(path, file)


def read(path: Path) -> Iterator[Labelled]:
    """The requests of a data set, one at a time. Raises `DatasetError` with the number of the line."""
    with _opened(path, "rb") as file:
        _card(path, file)
        number = 1
        while line := _line(path, file, number + 1):
            number += 1
            if number > MOST:
                raise DatasetError(f"{path}: more than {MOST} lines")
            yield _labelled(path, number, line)


def facts(one: Labelled) -> Facts:
    """What engines would be given for this request, before scoring."""
    target = one.target.encode("latin-1")
    path, mark, query = target.partition(b"?")
    now = START + one.time
    host = one.host.encode("latin-1")
    items = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in one.headers)
    version = one.http
    request = Request(
        "0" * 16, now, one.method.encode("latin-1"), target, path, query if mark else None, version, one.secure,
        host, one.host, Headers(items), one.body,
    )  # fmt: skip
    tls = Tls(one.tls, one.cipher, one.ja3, one.ja4) if one.secure and one.tls else None
    client = Client(ip_address(one.address), one.address, 40_000, one.address, tls, http2=one.http2)
    session = None if one.since is None else Session(one.session[:32], now - one.since, now, 0)
    return Facts(
        request, client, "lab", is_static_resource(path), session, None, {}, short_referer=one.short_referer
    )  # fmt: skip


def _card(path: Path, file: IO[bytes]) -> dict[str, Any]:
    line = _line(path, file, 1)
    try:
        head = orjson.loads(line)
    except orjson.JSONDecodeError:
        head = None
    if not isinstance(head, dict) or head.get("format") != FORMAT or head.get("fields") != list(_FIELDS):
        raise DatasetError(f"{path}: no data set of format {FORMAT}")
    return dict(head.get("card") or {})


def _line(path: Path, file: IO[bytes], number: int) -> bytes:
    try:
        line = file.readline(LINE + 1)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise DatasetError(f"{path}, line {number}: damaged: {error}") from None
    if len(line) > LINE:
        raise DatasetError(f"{path}, line {number}: longer than {LINE} bytes")
    return line


def _labelled(path: Path, number: int, line: bytes) -> Labelled:
    try:
        values = orjson.loads(line)
        if len(values) != len(_FIELDS):
            raise ValueError(values)
        one = Labelled(*values)
        headers = tuple((name, value) for name, value in one.headers)
        one = one._replace(headers=headers)
        right = (
            all(type(getattr(one, name)) is str for name in _TEXTS)
            and all(type(name) is type(value) is str for name, value in headers)
            and type(one.human) is type(one.secure) is type(one.generated) is bool
            and type(one.step) is type(one.status) is int
            and (one.body is None or type(one.body) is int)
            and 0 <= float(one.time) < 1e9
            and (one.since is None or 0 <= float(one.since) < 1e9)
            and one.kind in _KINDS
        )
        one.target.encode("latin-1")
        ip_address(one.address)
    except (TypeError, ValueError):
        right = False
    if not right:
        raise DatasetError(f"{path}, line {number}: no request")
    return one


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[IO[bytes]]:
    try:
        if path.suffix == ".xz":
            packed = lzma.LZMAFile(path, mode, preset=6 if mode == "wb" else None)  # noqa: SIM115 - closed below
            file = cast("IO[bytes]", packed)
        elif path.suffix == ".gz":
            # No time and no name inside: the same requests make the same file.
            file = cast("IO[bytes]", gzip.GzipFile(path, mode, mtime=0))
        else:
            file = cast("IO[bytes]", path.open(mode))
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror}") from None
    with file:
        yield file
