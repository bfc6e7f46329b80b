"""Directories of keys: what is one, how long it stands, and that nobody can have anything else fetched."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from servers import Https, ScriptedDns
from signing import NOW, Signer

from botproxy.addresses import NetworkSet
from botproxy.addresses.settings import Settings as Forwarding
from botproxy.bots.settings import SignatureSettings
from botproxy.bots.signatures import thumbprint
from botproxy.bots.verifying.agent_keys import _TAG, PATH, AgentKeyStore, KeysError, parse_keys, signed_keys
from botproxy.bots.verifying.guarded import Fetcher

TYPE = "application/http-message-signatures-directory+json"
ONE, TWO = Signer(), Signer()


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def directory(*signers: Signer) -> bytes:
    return json.dumps({"keys": [signer.jwk for signer in signers]}).encode()


def test_keys_of_other_kinds_and_out_of_their_time_are_passed_over() -> None:
    body = json.dumps(
        {
            "keys": [
                ONE.jwk,
                {"kty": "RSA", "n": "x", "e": "AQAB"},
                {"kty": "OKP", "crv": "X25519", "x": TWO.x},
                {"kty": "OKP", "crv": "Ed25519", "x": "short"},
                {"kty": "OKP", "crv": "Ed25519", "x": 5},
                TWO.jwk | {"exp": NOW - 1},
                TWO.jwk | {"nbf": NOW + 1},
                TWO.jwk | {"exp": (NOW - 1) * 1000},
                "nonsense",
            ]
        }
    )
    assert parse_keys(body.encode(), TYPE, NOW) == (ONE.x,)
    assert parse_keys(directory(ONE, TWO), "application/json", NOW) == (ONE.x, TWO.x)


def vouched(
    signer: Signer, name: str, authority: str = "agent.test", *, tag: str = _TAG, ends: float = 600, key: str = ""
) -> tuple[tuple[bytes, bytes], ...]:
    """The two headers of a directory that signs itself."""
    parameters = (
        f'("@authority";req);created={int(NOW)};expires={int(NOW + ends)};keyid="{key or thumbprint(signer.x)}"'
        f';alg="ed25519";tag="{tag}"'
    )
    base = f'"@authority";req: {authority}\n"@signature-params": {parameters}'.encode()
    value = base64.b64encode(signer.sign(base)).decode()
    return (b"Signature-Input", f"{name}={parameters}".encode()), (b"Signature", f"{name}=:{value}:".encode())


def test_only_keys_that_signed_a_signed_directory_are_taken() -> None:
    keys = (ONE.x, TWO.x)

    def taken(*signed: tuple[tuple[bytes, bytes], ...], now: float = NOW) -> tuple[str, ...]:
        return signed_keys(keys, tuple([item for each in signed for item in each]), "agent.test", now)

    assert taken() == keys
    assert taken(vouched(ONE, "a", tag="other")) == keys
    assert taken(vouched(ONE, "a"), vouched(TWO, "b")) == keys
    assert taken(vouched(TWO, "b")) == (TWO.x,)
    assert taken(vouched(ONE, "a"), vouched(TWO, "b", "copied.test")) == (ONE.x,)
    assert taken(vouched(ONE, "a"), vouched(ONE, "b", key=thumbprint(TWO.x))) == (ONE.x,)
    for nothing in (vouched(ONE, "a", "copied.test"), vouched(Signer(), "a"), vouched(ONE, "a", ends=-70)):
        with pytest.raises(KeysError, match="by none of its keys"):
            taken(nothing)
    with pytest.raises(KeysError, match="by none of its keys"):
        taken(vouched(ONE, "a"), now=NOW + 700)
    other = (b"Signature-Input", vouched(ONE, "a")[0][1].replace(b'"@authority";req', b'"content-type"'))
    with pytest.raises(KeysError, match="by none of its keys"):
        taken((other, vouched(ONE, "a")[1]))


@pytest.mark.parametrize(
    ("body", "content_type", "why"),
    [
        (b"{}", TYPE, "no `keys`"),
        (b"[]", TYPE, "no `keys`"),
        (b'{"keys": {}}', TYPE, "no `keys`"),
        (b"{", TYPE, "broken JSON"),
        (b'{"keys": []}', "text/html", "its type is text/html"),
        (b'{"keys": []}', "", "not said"),
        (json.dumps({"keys": [ONE.jwk] * 33}).encode(), TYPE, "more than 32"),
    ],
)
def test_what_is_no_directory_is_refused(body: bytes, content_type: str, why: str) -> None:
    with pytest.raises(KeysError, match=why):
        parse_keys(body, content_type, NOW)


class World:
    """A store of one agent, on the server under test."""

    def __init__(self, https: Https, fetcher: Fetcher) -> None:
        self.agent = f"https://agent.test:{https.port}"
        self.https = https
        self.clock = Clock()
        self.said: list[str] = []
        settings = SignatureSettings(keep_keys=3600, retry=60, timeout=1.0, size=2048)
        self.store = AgentKeyStore(
            frozenset({self.agent}), fetcher, settings, lambda what, about: self.said.append(what), self.clock
        )


@pytest.fixture
async def world(https: Https, dns: ScriptedDns, ca_file: Path) -> AsyncIterator[World]:
    dns.host("agent.test", "127.0.0.1")
    networks = Forwarding.model_validate({"trusted": ["127.0.0.0/8"]}).trusted
    fetcher = Fetcher([await dns.start()], NetworkSet(networks), ca_file)
    made = World(https, fetcher)
    yield made
    await made.store.close()
    await fetcher.close()


async def keys(world: World, again: bool = False) -> tuple[str, ...] | None:
    kept = await world.store.get(world.agent, again)
    assert kept is not None
    return kept.keys


async def test_the_directory_of_a_listed_agent_is_fetched_once(world: World) -> None:
    world.https.serves(directory(ONE), content_type=TYPE)
    found = await asyncio.gather(*(keys(world) for _ in range(5)))
    assert found == [(ONE.x,)] * 5
    assert world.https.asked == [PATH]


async def test_a_stranger_is_never_fetched(world: World) -> None:
    assert await world.store.get(f"https://other.test:{world.https.port}", False) is None
    assert world.https.asked == []


async def test_keys_are_fetched_again_when_their_time_is_over(world: World) -> None:
    world.https.serves(directory(ONE), content_type=TYPE)
    await keys(world)
    world.https.serves(directory(TWO), content_type=TYPE)
    world.clock.now += 3599
    assert await keys(world) == (ONE.x,)
    world.clock.now += 2
    assert await keys(world) == (TWO.x,)


async def test_the_server_may_say_that_they_are_good_for_less(world: World) -> None:
    world.https.serves(directory(ONE), content_type=TYPE, more="Cache-Control: public, max-age=100\r\n")
    await keys(world)
    world.clock.now += 101
    await keys(world)
    assert len(world.https.asked) == 2


async def test_a_missing_key_is_looked_for_again_and_not_all_the_time(world: World) -> None:
    world.https.serves(directory(ONE), content_type=TYPE)
    await keys(world)
    await keys(world, again=True)
    assert len(world.https.asked) == 1
    world.clock.now += 61
    world.https.serves(directory(ONE, TWO), content_type=TYPE)
    assert await keys(world, again=True) == (ONE.x, TWO.x)


async def test_keys_stand_while_their_directory_is_away(world: World) -> None:
    world.https.serves(directory(ONE), content_type=TYPE)
    await keys(world)
    world.https.serves(b"", status=500)
    world.clock.now += 3601
    assert await keys(world) == (ONE.x,)
    assert world.said == ["the keys of an agent could not be had"]
    await keys(world)
    assert len(world.https.asked) == 2, "not asked again at once"


async def test_a_directory_that_was_never_there_is_not_asked_for_all_the_time(world: World) -> None:
    assert await keys(world) is None
    assert await keys(world, again=True) is None
    assert len(world.https.asked) == 1


@pytest.mark.parametrize("trouble", ["redirect", "huge", "html"])
async def test_a_directory_that_misbehaves_is_none(world: World, trouble: str) -> None:
    if trouble == "redirect":
        world.https.serves(b"", status=302, more=f"Location: {world.agent}/elsewhere\r\n")
    elif trouble == "huge":
        world.https.serves(b'{"keys": [' + b" " * 4096 + b"]}", content_type=TYPE)
    else:
        world.https.serves(b"<html>", content_type="text/html")
    assert await keys(world) is None
    assert world.https.asked == [PATH]
