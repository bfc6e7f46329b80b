"""The admin listener as the supervisor keeps it over reloads."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest

from botproxy.admin import Settings
from botproxy.admin.application import Control
from botproxy.supervisor.nursery import Refused
from botproxy.supervisor.operators import Operators


class Supervisor:
    """Knows only that all is well."""

    analytics: Any = None

    def health(self) -> dict[str, Any]:
        return {"status": "ok"}

    def modes(self) -> dict[str, Any]:
        return {"mode": "observe"}


@pytest.fixture
async def operators() -> AsyncIterator[Operators]:
    kept = Operators(cast("Control", Supervisor()))
    yield kept
    await kept.end()


async def status(operators: Operators, path: str = "/api/mode", token: str | None = None) -> int:
    """Status of one request on a connection of its own."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{operators.address}{path}", headers=headers) as answer,
    ):
        return answer.status


def token_file(directory: Path, token: str) -> Path:
    """A file with this token."""
    path = directory / "token"
    path.write_text(token + "\n")
    return path


async def test_a_new_token_holds_on_the_same_address(operators: Operators, tmp_path: Path) -> None:
    await operators.take(operators.prepare(Settings(listen="127.0.0.1:0")))
    before = operators.address
    assert await status(operators) == 200
    settings = Settings(listen="127.0.0.1:0", token_file=token_file(tmp_path, "a" * 20))
    await operators.take(operators.prepare(settings))
    assert operators.address == before
    assert await status(operators) == 401
    assert await status(operators, token="a" * 20) == 200
    token_file(tmp_path, "b" * 20)
    await operators.take(operators.prepare(settings))
    assert await status(operators, token="a" * 20) == 401
    assert await status(operators, token="b" * 20) == 200


async def test_a_new_address_replaces_the_old_one(operators: Operators) -> None:
    await operators.take(operators.prepare(Settings(listen="127.0.0.1:0")))
    host, _, port = operators.address.rpartition(":")
    await operators.take(operators.prepare(Settings(listen="127.0.0.2:0")))
    assert await status(operators) == 200
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))


async def test_what_was_prepared_and_not_taken_leaves_no_trace(operators: Operators) -> None:
    await operators.take(operators.prepare(Settings(listen="127.0.0.1:0")))
    for listen in ("127.0.0.1:0", "127.0.0.2:0"):
        operators.discard(operators.prepare(Settings(listen=listen)))
    assert await status(operators) == 200


@pytest.mark.parametrize("listen", ["0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0"])
async def test_an_address_for_others_needs_a_token(
    operators: Operators, listen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BOTPROXY_ADMIN_TOKEN", raising=False)
    with pytest.raises(Refused, match=r"set admin\.token_file or BOTPROXY_ADMIN_TOKEN"):
        operators.prepare(Settings(listen=listen))


async def test_the_environment_supplies_a_token(operators: Operators, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTPROXY_ADMIN_TOKEN", "e" * 32)
    await operators.take(operators.prepare(Settings(listen="127.0.0.1:0")))
    assert await status(operators) == 401
    assert await status(operators, token="e" * 32) == 200
    assert await status(operators, "/healthz") == 200


@pytest.mark.parametrize(
    "token", ["", "short", "with space in the middle of it", "ünïcödé-ünïcödé-ünïcödé", "a" * 20 + "\x7f"]
)
async def test_a_token_that_is_none_is_refused(operators: Operators, tmp_path: Path, token: str) -> None:
    with pytest.raises(Refused, match="at least 16"):
        operators.prepare(Settings(listen="127.0.0.1:0", token_file=token_file(tmp_path, token)))


async def test_a_token_file_that_is_not_there_is_refused(operators: Operators, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="No such file"):
        operators.prepare(Settings(token_file=tmp_path / "nosuch"))


async def test_named_tokens_come_from_files_and_the_environment(
    operators: Operators, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFANA_TOKEN", "g" * 20)
    tokens = [
        {"name": "ada", "role": "operator", "token_file": token_file(tmp_path, "a" * 20)},
        {"name": "grafana", "environment": "GRAFANA_TOKEN", "zones": ["shop"]},
    ]
    settings = Settings.model_validate({"listen": "127.0.0.1:0", "tokens": tokens})
    await operators.take(operators.prepare(Settings.model_validate(settings.model_dump(mode="json"))))
    assert await status(operators) == 401
    assert await status(operators, token="a" * 20) == 200
    assert await status(operators, token="g" * 20) == 200
    assert await status(operators, "/metrics", token="g" * 20) == 403
    monkeypatch.setenv("GRAFANA_TOKEN", "a" * 20)
    with pytest.raises(Refused, match="another name already"):
        operators.prepare(settings)
    monkeypatch.delenv("GRAFANA_TOKEN")
    with pytest.raises(Refused, match=r"admin\.tokens\[1\]\.environment: GRAFANA_TOKEN is not set"):
        operators.prepare(settings)


async def test_tokens_do_not_travel_unencrypted_unless_somebody_says_so(operators: Operators, tmp_path: Path) -> None:
    given: dict[str, Any] = {"listen": "0.0.0.0:0", "token_file": token_file(tmp_path, "a" * 20)}
    with pytest.raises(Refused, match=r"set admin\.tls, or list the proxy"):
        operators.prepare(Settings(**given))
    for more in ({"allow_plain": True}, {"proxies": ["10.0.0.0/8"]}):
        operators.discard(operators.prepare(Settings(**given, **more)))


async def test_the_listener_speaks_tls(operators: Operators, tmp_path: Path) -> None:
    import trustme

    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    (tmp_path / "key").write_bytes(issued.private_key_pem.bytes())
    (tmp_path / "chain").write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
    tls = {"certificate": tmp_path / "chain", "key": tmp_path / "key"}
    settings = Settings.model_validate({"listen": "127.0.0.1:0", "tls": tls})
    await operators.take(operators.prepare(settings))
    assert operators.prepare(settings) == operators.prepare(settings)  # what did not change is not read again
    context = ssl.create_default_context()
    authority.configure_trust(context)
    url = f"https://{operators.address}/healthz"
    async with aiohttp.ClientSession() as session, session.get(url, ssl=context) as answer:
        assert answer.status == 200
    (tmp_path / "key").write_text("nothing")
    with pytest.raises(Refused, match=r"admin\.tls"):
        operators.prepare(settings)
