"""Where log exports go: each takes one batch at a time, and says by raising that it did not."""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import select
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final, Literal, NamedTuple, Protocol, final
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from botproxy.errors import OperatorError
from botproxy.outgoing import DIRECT, Outgoing
from botproxy.outgoing import said as said_by_proxy
from botproxy.telemetry.event_file import EventFile
from botproxy.telemetry.logpush_settings import FileSettings, HttpSettings, LogpushSettings, S3Settings, SecretSettings
from botproxy.telemetry.s3_signature import Key, encoded, signed

LEVEL: Final = 4
"""Of gzip: nearly as small as 6 in half the time."""

_CODE: Final = re.compile(rb"<Code>([A-Za-z]{1,64})</Code>")
_MAX_ANSWER: Final = 64 * 1024
_MAX_SECRET: Final = 64 * 1024


class Batch(NamedTuple):
    """Lines to send."""

    lines: bytes  # complete; not packed; for HTTP and S3 with the head
    records: int
    first: float  # when the earliest of their requests began, in seconds since 1970
    last: float
    number: str  # 8 hex digits that name the batch, the same when it is sent again
    output: Literal["ndjson", "csv"] = "ndjson"


class NotTaken(Exception):  # noqa: N818 - what happened to a batch
    """The batch did not arrive, or nobody knows. `final`: sending it again would not help."""

    def __init__(self, why: str, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


class Destination(Protocol):
    """One place to send to."""

    packs: bool
    """Whether it wants batches packed with gzip, so that they wait packed."""

    gathers: bool
    """Whether a batch is worth waiting for; what is only appended to is given at once, and is not lost by a kill."""

    async def send(self, batch: Batch, body: bytes) -> None:
        """Send one batch; `body` is its lines, packed if wanted. Raises NotTaken."""
        ...

    async def aside(self, done: Callable[[], int]) -> int:
        """Put aside what is written to, and call `done` on another thread while nothing is written. Raises OSError."""
        ...


class Secrets(NamedTuple):
    """What a job's settings name and do not hold, read once. Never shown."""

    values: dict[str, str]  # name of the setting -> secret

    def __repr__(self) -> str:
        return "Secrets(…)"


def read_secrets(settings: LogpushSettings, environment: Mapping[str, str] = os.environ) -> Secrets:
    """Raises OperatorError that names the place which has none, and never what stands there."""
    wanted: dict[str, SecretSettings | str] = {}
    if settings.http is not None:
        wanted = {f"headers.{name}": value for name, value in settings.http.headers.items()}
    if settings.s3 is not None:
        wanted = {"access_key": settings.s3.access_key, "secret_key": settings.s3.secret_key}
    return Secrets({name: _secret(settings.name, name, value, environment) for name, value in wanted.items()})


def _secret(job: str, name: str, value: SecretSettings | str, environment: Mapping[str, str]) -> str:
    if isinstance(value, str):
        return value
    if value.file is not None:
        try:
            with value.file.open("rb") as opened:
                found = opened.read(_MAX_SECRET).decode("ascii", "replace").strip()
        except OSError as error:
            raise OperatorError(f"logpush job {job}: {value.file}, for {name}: {error.strerror}") from None
        where = str(value.file)
    else:
        found, where = environment.get(value.environment or "", "").strip(), f"the variable {value.environment}"
    if not found or not found.isprintable() or not found.isascii() or len(found) > 4096:
        raise OperatorError(f"logpush job {job}: no secret for {name} in {where}: one line of ASCII is wanted")
    return found


async def open_destination(
    settings: LogpushSettings, secrets: Secrets, head: bytes, stack: AsyncExitStack, outgoing: Outgoing = DIRECT
) -> Destination:
    """The destination of a job; what it keeps open is closed with `stack`."""
    if settings.file is not None:
        file = File(settings.file, head)
        stack.callback(file.close)
        return file
    if settings.http is not None:
        session = await stack.enter_async_context(_session(settings.http))
        return Http(settings.http, secrets, session, outgoing)
    if settings.s3 is not None:
        session = await stack.enter_async_context(_session(settings.s3))
        return S3(settings.s3, secrets, session, outgoing)
    return Stdout(head)


def _session(settings: HttpSettings | S3Settings) -> aiohttp.ClientSession:
    context = ssl.create_default_context(cafile=str(settings.ca_file)) if settings.ca_file is not None else True
    timeout = aiohttp.ClientTimeout(total=settings.timeout, connect=min(settings.timeout, 10.0))
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=2, ssl=context),
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "botproxy"},
        auto_decompress=False,
    )


@final
class File:
    """Files of this machine."""

    packs = False
    gathers = False

    def __init__(self, settings: FileSettings, head: bytes) -> None:
        self._one = asyncio.Lock()
        self._file = EventFile(
            settings.path,
            settings.rotate_size,
            settings.rotate_age,
            settings.keep_files,
            settings.keep_size,
            head=head,
            compress=settings.compress,
        )

    async def send(self, batch: Batch, body: bytes) -> None:
        """See `Destination`. On the job's own thread, so that a slow disk holds up nothing else."""
        try:
            async with self._one:
                self._file.append(body)
        except OSError as error:
            raise NotTaken(os.strerror(error.errno) if error.errno else type(error).__name__) from None

    async def aside(self, done: Callable[[], int]) -> int:
        """See `Destination`."""
        async with self._one:
            self._file.put_aside()
            return await asyncio.to_thread(done)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@final
class Stdout:
    """Standard output of the supervisor."""

    packs = False
    gathers = False

    def __init__(self, head: bytes, descriptor: int = 1) -> None:
        self._head = head
        self._descriptor = descriptor

    async def send(self, batch: Batch, body: bytes) -> None:
        """See `Destination`. Waits for a reader that is slow, on the job's own thread."""
        left = memoryview(self._head + body)
        self._head = b""
        try:
            while left:
                select.select([], [self._descriptor], [])
                left = left[os.write(self._descriptor, left[:4096]) :]
        except OSError as error:
            # A part of it may be out; what follows begins on a line of its own.
            self._head = b"\n" if len(left) < len(body) else self._head
            raise NotTaken(os.strerror(error.errno) if error.errno else type(error).__name__) from None

    async def aside(self, done: Callable[[], int]) -> int:
        """See `Destination`: nothing of it is here."""
        return 0


@final
class Http:
    """An endpoint that takes a POST of each batch."""

    packs = True
    gathers = True

    def __init__(
        self, settings: HttpSettings, secrets: Secrets, session: aiohttp.ClientSession, outgoing: Outgoing
    ) -> None:
        self._url = URL(settings.url, encoded=True)
        self._by: dict[str, Any] = outgoing.options(settings.url)
        self._session = session
        self._headers = {
            **{name: secrets.values[f"headers.{name}"] for name in settings.headers},
            "Content-Encoding": "gzip",
        }

    async def send(self, batch: Batch, body: bytes) -> None:
        """See `Destination`."""
        kind = "text/csv" if batch.output == "csv" else "application/x-ndjson"  # one that waited may be older than that
        headers = {**self._headers, "Content-Type": kind, "Idempotency-Key": batch.number}
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False, **self._by
            ) as answer:
                await answer.content.read(_MAX_ANSWER)
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotTaken(_named(self._url, error)) from None
        if not 200 <= status < 300:
            raise NotTaken(f"{self._url.host} answered {status}", final=status in (400, 413, 415, 422))

    async def aside(self, done: Callable[[], int]) -> int:
        """See `Destination`: nothing of it is here."""
        return 0


@final
class S3:
    """A bucket; each batch is an object, whose name is the same when it is sent again."""

    packs = True
    gathers = True

    def __init__(
        self, settings: S3Settings, secrets: Secrets, session: aiohttp.ClientSession, outgoing: Outgoing
    ) -> None:
        self._settings = settings
        self._by: dict[str, Any] = outgoing.options(settings.endpoint)
        self._key = Key(secrets.values["access_key"], secrets.values["secret_key"])
        self._session = session
        parts = urlsplit(settings.endpoint)
        usual = {"http": 80, "https": 443}[parts.scheme]
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        self._host = host if parts.port in (None, usual) else f"{host}:{parts.port}"

    def name(self, batch: Batch) -> str:
        """The name of its object."""
        first, last = (time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(when)) for when in (batch.first, batch.last))
        prefix = self._settings.prefix.replace("{DATE}", first[:8]).strip("/")
        return f"{prefix}/{first}_{last}_{batch.number}.log.gz".lstrip("/")

    async def send(self, batch: Batch, body: bytes) -> None:
        """See `Destination`."""
        settings = self._settings
        path = f"/{settings.bucket}/{self.name(batch)}"
        given = {"Host": self._host, "Content-Type": "application/gzip"}
        headers = signed("PUT", path, given, body, self._key, settings.region, time.time())
        url = URL(settings.endpoint + encoded(path), encoded=True)
        try:
            async with self._session.put(url, data=body, headers=headers, allow_redirects=False, **self._by) as answer:
                said = await answer.content.read(_MAX_ANSWER)
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotTaken(_named(url, error)) from None
        if status != 200:
            # What a store says beside its code repeats the key's id and what was signed.
            code = _CODE.search(said)
            raise NotTaken(f"{url.host} answered {status}" + (f" {code[1].decode()}" if code else ""))

    async def aside(self, done: Callable[[], int]) -> int:
        """See `Destination`: nothing of it is here."""
        return 0


def packed(lines: bytes) -> bytes:
    """Packed with gzip."""
    return gzip.compress(lines, LEVEL, mtime=0)


def _named(url: URL, error: BaseException) -> str:
    """What went wrong, without the path and query of the URL, which may hold a token."""
    by_proxy = said_by_proxy(error)
    if by_proxy is not None:
        return by_proxy
    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    number = inner.errno if isinstance(inner, OSError) else None
    said = os.strerror(number) if number is not None and number > 0 else type(error).__name__
    return f"{url.host}:{url.port}: {said}"
