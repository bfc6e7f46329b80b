"""Keys, notices and counters in Redis or Valkey, for all nodes. Only the supervisor imports this.

The rule of this file: nobody waits longer than the operator's timeout, nothing is retried but one stale connection, and
whatever goes wrong with the server is `StoreAway`: then a node goes on alone.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from struct import Struct
from typing import Any, Final, NamedTuple, TypeVar, cast, final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError, RedisError, ResponseError

from botproxy.store.keyvalue import StoreAway, StoreFull, check
from botproxy.store.notices import MAX_NOTICES, Notice, check_notice, check_topic
from botproxy.store.settings import PASSWORD_VARIABLE, StateSettings, locate

T = TypeVar("T")

CONNECTIONS: Final = 16
STREAM_ENTRIES: Final = 2_000
"""Entries of a stream that are kept, about; a node that begins reads them all. One has 30 KB at most."""

STREAM_SECONDS: Final = 3 * 3600
"""After which a stream that nobody writes to any more is gone."""

READ_ENTRIES: Final = 100

_TOKEN: Final = 16
_EXPIRES: Final = Struct(">d")

# Atomic, because nodes post at the same time; expired ones go first, so that the bound is one of live notices.
# `table.unpack` is no thing of Lua 5.1, and `unpack` has a limit, hence the loop.
_POST: Final = """
local old = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[4])
for _, id in ipairs(old) do redis.call('HDEL', KEYS[1], id) end
if #old > 0 then redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[4]) end
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held == ARGV[2] then return 1 end
if not held and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
redis.call('INCR', KEYS[3])
local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
local ends = math.ceil(tonumber(last[2])) + 60
redis.call('EXPIREAT', KEYS[1], ends)
redis.call('EXPIREAT', KEYS[2], ends)
redis.call('EXPIREAT', KEYS[3], ends + 86400)
return 1
"""


_PUT: Final = """
if (redis.call('HGET', KEYS[1], 'v') or '') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'b', ARGV[3])
return 1
"""


class Entry(NamedTuple):
    """What a node appended to a stream."""

    id: bytes
    fields: Mapping[bytes, bytes]


@final
class RedisStore:
    """`KeyValue` and `Notices` over the network, and streams for what nodes tell each other. One for a process."""

    def __init__(
        self,
        settings: StateSettings,
        password: str | None = None,
        clock: Callable[[], float] = time.time,
        most_notices: int = MAX_NOTICES,
    ) -> None:
        """Connects to nobody yet. Raises OSError or ssl.SSLError when the file of certificates cannot be read."""
        at = locate(settings.url)
        self._prefix: Final = settings.prefix.encode() + b":"
        self._seconds: Final = settings.timeout
        self._clock: Final = clock
        self._most_notices: Final = most_notices
        self._turns: Final = asyncio.Semaphore(CONNECTIONS)
        options: dict[str, Any] = {}
        if at.tls:
            options["ssl"] = True
            options["ssl_ca_certs"] = None if settings.ca_file is None else str(settings.ca_file)
            options["ssl_min_version"] = ssl.TLSVersion.TLSv1_2
            if settings.ca_file is not None:
                ssl.create_default_context(cafile=str(settings.ca_file))
        if at.path:
            options["unix_socket_path"] = at.path
        self._client: Final[Any] = Redis(
            host=at.host or "localhost",
            port=at.port or 6379,
            db=at.database,
            username=settings.username,
            password=password,
            socket_timeout=settings.timeout,
            socket_connect_timeout=settings.timeout,
            retry=Retry(NoBackoff(), 1),  # a connection that the server closed meanwhile; what is sent bears repetition
            max_connections=CONNECTIONS,
            decode_responses=False,
            **options,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def burn(self, key: bytes, ttl: float) -> bool:
        """See `KeyValue.burn`. The answer may get lost after the key was burnt, so that it is asked for again: whoever
        burnt it knows it by the token that stands there."""
        return await self._put(key, os.urandom(_TOKEN), ttl)

    async def own(self, key: bytes, owner: bytes, ttl: float) -> bool:
        """See `OwnedKeys.own`."""
        check(owner, ttl)
        return await self._put(key, b"owner:" + owner, ttl)

    async def _put(self, key: bytes, token: bytes, ttl: float) -> bool:
        check(key, ttl)
        name = self._prefix + b"n:" + key
        if await self._ask(lambda: self._client.set(name, token, nx=True, px=max(int(ttl * 1000), 1))):
            return True
        return bool(await self._ask(lambda: self._client.get(name)) == token)

    async def post(self, topic: str, notice: Notice) -> None:
        """See `Notices.post`."""
        check_notice(topic, notice)
        now = self._clock()
        if notice.expires <= now:
            return
        value = _EXPIRES.pack(notice.expires) + notice.body
        keys = self._board(topic)
        args = (notice.id, value, repr(notice.expires), repr(now), self._most_notices)
        if not await self._ask(lambda: self._client.eval(_POST, len(keys), *keys, *args)):
            raise StoreFull(f"{self._most_notices} notices are live")

    async def posted(self, topic: str) -> list[Notice]:
        """See `Notices.posted`."""
        check_topic(topic)
        now = self._clock()
        held = cast("dict[bytes, bytes]", await self._ask(lambda: self._client.hgetall(self._board(topic)[0])))
        found: list[Notice] = []
        for each, value in held.items():
            if len(value) >= _EXPIRES.size:
                notice = Notice(each, value[_EXPIRES.size :], _EXPIRES.unpack_from(value)[0])
                if notice.expires > now:
                    found.append(notice)
        return found

    async def exchange(
        self, stream: str, entries: Sequence[Mapping[bytes, bytes]], after: bytes, topics: Sequence[str] = ()
    ) -> tuple[list[Entry], list[bytes]]:
        """Append to a stream, and read what stands there `after` an entry (b"0" for all of it), `READ_ENTRIES` at most;
        and the version of each topic, which changes with every notice. One turn on the network."""
        name = self._prefix + b"s:" + stream.encode()
        pipe = self._client.pipeline(transaction=False)
        for fields in entries:
            pipe.xadd(name, dict(fields), maxlen=STREAM_ENTRIES, approximate=True)
        if entries:
            pipe.expire(name, STREAM_SECONDS)
        pipe.xread({name: after}, count=READ_ENTRIES)
        for topic in topics:
            pipe.get(self._board(topic)[2])
        answers = cast("list[Any]", await self._ask(pipe.execute))
        versions = [answer or b"" for answer in answers[len(answers) - len(topics) :]] if topics else []
        return _entries(answers[len(answers) - len(topics) - 1]), versions

    async def document(self, name: str, known: bytes = b"") -> tuple[bytes, bytes] | None:
        """Version and content of something that nodes share as a whole, None without it; no content for the version
        that is `known`."""
        key = self._prefix + b"d:" + name.encode()
        version = await self._ask(lambda: self._client.hget(key, "v"))
        if version is None or version == known:
            return None if version is None else (bytes(version), b"")
        found = cast("dict[bytes, bytes]", await self._ask(lambda: self._client.hgetall(key)))
        return (found[b"v"], found.get(b"b", b"")) if b"v" in found else None

    async def put_document(self, name: str, before: bytes, version: bytes, content: bytes) -> bool:
        """Replace it, where the version `before` still stands there, b"" for none; whether it did."""
        key = self._prefix + b"d:" + name.encode()
        return bool(await self._ask(lambda: self._client.eval(_PUT, 1, key, before, version, content)))

    async def last(self, stream: str) -> bytes:
        """The id of the newest entry; b"0" without one."""
        name = self._prefix + b"s:" + stream.encode()
        newest = await self._ask(lambda: self._client.xrevrange(name, count=1))
        return bytes(newest[0][0]) if newest else b"0"

    async def forgetful(self) -> str:
        """Why this server may forget what is still wanted; "" when it does not, or does not say."""
        try:
            said = await self._ask(lambda: self._client.info("memory"))
        except StoreAway:
            return ""
        policy = str(said.get("maxmemory_policy", "noeviction")) if isinstance(said, dict) else "noeviction"
        return "" if policy == "noeviction" else f"maxmemory-policy is {policy}, and ought to be noeviction"

    def _board(self, topic: str) -> tuple[bytes, bytes, bytes]:
        name = self._prefix + b"b:{" + topic.encode() + b"}"
        return name, name + b":e", name + b":v"

    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(2 * self._seconds), self._turns:
                return await ask()
        except OutOfMemoryError as error:
            raise StoreFull(str(error)) from None
        except (RedisError, OSError, TimeoutError, EOFError) as error:
            raise StoreAway(_said(error)) from None


def read_password(settings: StateSettings, environment: Mapping[str, str] = os.environ) -> str | None:
    """The password of this server; None without one. Raises OSError."""
    if settings.password_file is not None:
        return Path(settings.password_file).read_text("utf-8").strip() or None
    return environment.get(PASSWORD_VARIABLE) or None


def _entries(answer: Any) -> list[Entry]:
    """What XREAD says, in the shapes of both protocols."""
    if not answer:
        return []
    streams = list(answer.values()) if isinstance(answer, dict) else [stream[1] for stream in answer]
    found: list[Entry] = []
    for stream in streams:
        rows = stream[0] if stream and isinstance(stream[0], list) else stream
        found.extend(Entry(bytes(row[0]), row[1]) for row in rows if row[1])
    return found


def _said(error: BaseException) -> str:
    """In words; what a server says of a password names none."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    kind = "it answers with an error: " if isinstance(error, ResponseError) else ""
    return kind + (str(error) or type(error).__name__)
