"""The store over the network, beyond what all stores do."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from botproxy.store import StoreAway, StoreFull
from botproxy.store.redis import RedisStore, read_password
from botproxy.store.settings import StateSettings, locate


async def test_nobody_there_is_away_and_said_at_once(free_port: Any) -> None:
    store = RedisStore(StateSettings(url=f"redis://127.0.0.1:{free_port()}"))
    with pytest.raises(StoreAway):
        await store.burn(b"key", 60.0)
    await store.close()


async def test_a_server_that_does_not_answer_is_away_after_the_timeout(redis_server: Any) -> None:
    store = RedisStore(StateSettings(url=redis_server.url, timeout=0.1))
    assert await store.burn(b"key", 60.0)
    redis_server.signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        with pytest.raises(StoreAway):
            await store.burn(b"other", 60.0)
        assert time.monotonic() - begun < 5.0
    finally:
        redis_server.signal(signal.SIGCONT)
    await store.close()


async def test_a_server_that_was_restarted_is_asked_again_without_being_away(redis_server: Any) -> None:
    store = RedisStore(StateSettings(url=redis_server.url, timeout=2.0))
    assert await store.burn(b"key", 60.0)
    redis_server.stop()
    redis_server.start()
    assert await store.burn(b"key", 60.0)
    await store.close()


async def test_a_server_without_memory_is_full(part: Any, free_port: Any, tmp_path: Path) -> None:
    from tests.conftest import RedisServer

    server = RedisServer(part("redis"), tmp_path, free_port(), "--maxmemory", "1", "--maxmemory-policy", "noeviction")
    server.start()
    try:
        store = RedisStore(StateSettings(url=server.url, timeout=2.0))
        with pytest.raises(StoreFull):
            await store.burn(b"key", 60.0)
        await store.close()
    finally:
        server.stop()


async def test_a_server_that_forgets_is_found_out(part: Any, free_port: Any, tmp_path: Path) -> None:
    from tests.conftest import RedisServer

    server = RedisServer(part("redis"), tmp_path, free_port(), "--maxmemory-policy", "allkeys-lru")
    server.start()
    try:
        store = RedisStore(StateSettings(url=server.url, timeout=2.0))
        assert "allkeys-lru" in await store.forgetful()
        await store.close()
    finally:
        server.stop()


async def test_a_password_is_asked_for_and_given(part: Any, free_port: Any, tmp_path: Path) -> None:
    from tests.conftest import RedisServer

    server = RedisServer(part("redis"), tmp_path, free_port(), "--requirepass", "of the house")
    server.start()
    try:
        (tmp_path / "password").write_text("of the house\n")
        settings = StateSettings(url=server.url, timeout=2.0, password_file=tmp_path / "password")
        store = RedisStore(settings, read_password(settings))
        assert await store.burn(b"key", 60.0)
        await store.close()
        store = RedisStore(settings, "another")
        with pytest.raises(StoreAway) as away:
            await store.burn(b"key", 60.0)
        assert "another" not in str(away.value)
        await store.close()
    finally:
        server.stop()


async def test_tls_with_an_authority_of_ones_own(part: Any, free_port: Any, tmp_path: Path, certificates: Any) -> None:
    from tests.conftest import RedisServer

    port = free_port()
    server = RedisServer(
        part("redis"), tmp_path, free_port(), "--tls-port", str(port), "--tls-auth-clients", "no",
        "--tls-cert-file", str(certificates.certificate_file), "--tls-key-file", str(certificates.key_file),
        "--tls-ca-cert-file", str(certificates.authority_file),
    )  # fmt: skip
    server.start()
    try:
        url = f"rediss://localhost:{port}"
        store = RedisStore(StateSettings(url=url, timeout=2.0, ca_file=certificates.authority_file))
        assert await store.burn(b"key", 60.0)
        await store.close()
        store = RedisStore(StateSettings(url=url, timeout=2.0))
        with pytest.raises(StoreAway, match="certificate"):
            await store.burn(b"key", 60.0)
        await store.close()
    finally:
        server.stop()


async def test_who_shares_the_server_under_another_prefix_is_a_stranger(redis_server: Any) -> None:
    one = RedisStore(StateSettings(url=redis_server.url, timeout=2.0, prefix="one"))
    other = RedisStore(StateSettings(url=redis_server.url, timeout=2.0, prefix="other"))
    assert await one.burn(b"key", 60.0)
    assert await other.burn(b"key", 60.0)
    await one.close()
    await other.close()


async def test_a_stream_is_read_in_order_from_where_one_was(redis_server: Any) -> None:
    store = RedisStore(StateSettings(url=redis_server.url, timeout=2.0))
    assert await store.last("rates") == b"0"
    heard, versions = await store.exchange("rates", [{b"a": b"%d" % n} for n in range(150)], b"0", ["revoked"])
    assert [entry.fields[b"a"] for entry in heard] == [b"%d" % n for n in range(100)]
    assert versions == [b""]
    more, _ = await store.exchange("rates", [{b"a": b"\xff"}], heard[-1].id)
    assert [entry.fields[b"a"] for entry in more] == [*(b"%d" % n for n in range(100, 150)), b"\xff"]
    assert (await store.exchange("rates", [], more[-1].id))[0] == []
    assert await store.last("rates") == more[-1].id
    await store.close()


async def test_many_at_once_share_a_few_connections(redis_server: Any) -> None:
    store = RedisStore(StateSettings(url=redis_server.url, timeout=2.0))
    said = await asyncio.gather(*(store.burn(b"%d" % (n % 100), 60.0) for n in range(200)))
    assert sum(said) == 100
    await store.close()


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("redis://:secret@host", "password_file"),
        ("http://host", "redis://host"),
        ("redis://", "no host"),
        ("redis://host:0", "no host"),
        ("redis://host:99999", "not the URL"),
        ("redis://host/x", "number of a database"),
        ("redis://host/0?db=1", "redis://host"),
        ("redis://ho st", "no host"),
        ("unix://redis.sock", "whole"),
    ],
)
def test_urls_that_name_no_server(url: str, right: str) -> None:
    with pytest.raises(ValueError, match=right):
        locate(url)


def test_urls_that_do() -> None:
    assert locate("redis://host")[:4] == ("host", 6379, "", 0)
    assert locate("rediss://[::1]:7000/3") == ("::1", 7000, "", 3, True)
    assert locate("unix:///run/redis.sock").path == "/run/redis.sock"
