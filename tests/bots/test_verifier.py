"""Questions of workers, from a claim to its verdict, with real servers at the end."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from servers import Https, ScriptedDns
from signing import NOW, Signer, make_facts, make_request, signed

from botproxy.addresses import NetworkSet
from botproxy.bots.asking import MAX_OPEN, Asker
from botproxy.bots.directory import Directory, parse_all
from botproxy.bots.knowledge import NAMES, Knowledge, Question
from botproxy.bots.recogniser import FORGED, IMPOSTOR, REPLAYED, Recogniser
from botproxy.bots.settings import NameSettings, Settings, SignatureSettings
from botproxy.bots.verifying.agent_keys import AgentKeyStore
from botproxy.bots.verifying.guarded import Fetcher
from botproxy.bots.verifying.names import Resolver
from botproxy.bots.verifying.verifier import Verifier
from botproxy.model import Facts, Request
from botproxy.store import StoreAway

SIGNER = Signer()
ADDRESS = "192.0.2.7"
SEEK = ["seek.example"]


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Oracle:
    """The supervisor's side, without a link between."""

    def __init__(self, verifier: Verifier) -> None:
        self.verifier = verifier
        self.burnt: set[bytes] = set()
        self.away = False

    async def verify(self, kind: str, subject: str, details: list[str]) -> Mapping[str, Any]:
        if self.away:
            raise StoreAway("away")
        return await self.verifier.answer(kind, subject, details)

    async def burn(self, key: bytes, ttl: float) -> bool:
        if self.away:
            raise StoreAway("away")
        if key in self.burnt:
            return False
        self.burnt.add(key)
        return True


class World:
    def __init__(self, verifier: Verifier, directory: Directory, clock: Clock, https: Https, dns: ScriptedDns) -> None:
        self.verifier = verifier
        self.oracle = Oracle(verifier)
        self.directory = directory
        self.clock = clock
        self.https = https
        self.dns = dns
        self.agent = next(iter(directory.agents))
        self.knowledge, self.asker, self.recogniser = self.worker()

    def worker(self) -> tuple[Knowledge, Asker, Recogniser]:
        knowledge = Knowledge(1000)
        return (knowledge, Asker(self.oracle, knowledge, self.clock), Recogniser(self.directory, knowledge, Settings()))

    async def status(self, facts: Facts) -> str:
        """What becomes of a request that waits for what is to be found out."""
        found = self.recogniser.recognise(facts.request, facts.client)
        if found is not None and found.waits:
            await self.asker.settle(found.questions, 5.0)
            found = self.recogniser.recognise(facts.request, facts.client, settled=True)
        assert found is not None
        return found.claim.status if found.refused is None else str(found.refused.id)


@pytest.fixture
async def world(https: Https, dns: ScriptedDns, ca_file: Path) -> AsyncIterator[World]:
    server = await dns.start()
    dns.host("agent.test", "127.0.0.1")
    agent = f"https://agent.test:{https.port}"
    text = f"""
bots:
  - {{name: Seeker, user_agent: Seeker/, verify: {{domains: {SEEK}}}}}
  - {{name: Agent, verify: {{signature_agent: '{agent}'}}}}
"""
    clock = Clock()
    fetcher = Fetcher([server], NetworkSet([ip_network("127.0.0.0/8")]), ca_file)
    keys = AgentKeyStore(frozenset({agent}), fetcher, SignatureSettings(timeout=1.0), lambda what, about: None, clock)
    names = NameSettings(timeout=0.6, at_once=2, keep_confirmed=3600, keep_refused=600)
    verifier = Verifier(Resolver([server], names.timeout), keys, names, clock)
    yield World(verifier, Directory.build(parse_all({"own": text})), clock, https, dns)
    await verifier.close()
    await fetcher.close()


def claim(address: str = ADDRESS, received: float = NOW) -> Facts:
    return make_facts(make_request([("User-Agent", "Seeker/1.0")], received=received), address)


async def test_a_bot_with_a_confirmed_name_is_verified(world: World) -> None:
    world.dns.name(ADDRESS, "crawl.seek.example")
    world.dns.host("crawl.seek.example", ADDRESS)
    assert await world.status(claim()) == "verified"
    assert await world.status(claim()) == "verified"
    assert len(world.dns.asked) == 2, "one question each way, then remembered"


async def test_its_own_ptr_makes_nobody_a_bot(world: World) -> None:
    world.dns.name(ADDRESS, "crawl.seek.example")
    assert await world.status(claim()) == str(IMPOSTOR)


async def test_while_dns_is_away_a_claim_is_neither_verified_nor_refused(world: World) -> None:
    world.dns.quiet = True
    assert await world.status(claim()) == "unverified"
    found = world.recogniser.recognise(claim().request, claim().client)
    assert found is not None
    assert not found.waits, "the next request does not wait again"


async def test_the_last_good_verdict_stands_while_dns_is_away_on_every_worker(world: World) -> None:
    world.dns.name(ADDRESS, "crawl.seek.example")
    world.dns.host("crawl.seek.example", ADDRESS)
    assert await world.status(claim()) == "verified"
    world.dns.quiet = True
    world.clock.now += 7200
    assert await world.status(claim(received=world.clock.now)) == "verified"
    world.knowledge, world.asker, world.recogniser = world.worker()
    assert await world.status(claim(received=world.clock.now)) == "verified", "a worker that was started since"


async def test_the_last_good_verdict_stands_over_a_restart(world: World) -> None:
    world.dns.name(ADDRESS, "crawl.seek.example")
    world.dns.host("crawl.seek.example", ADDRESS)
    assert await world.status(claim()) == "verified"
    kept = world.verifier.confirmed_names()
    world.dns.quiet = True
    world.clock.now += 7200
    names = NameSettings(timeout=0.3)
    resolver = Resolver(["127.0.0.1:9"], names.timeout)
    restarted = Verifier(resolver, world.verifier._keys, names, world.clock)
    assert restarted.take_names(kept) == 1
    assert (await restarted.answer(NAMES, ADDRESS, SEEK))["confirmed"] is True
    assert restarted.away == 1, "it was asked again"
    for broken in (b"", b"[]", b'{"confirmed": 5}', b'{"confirmed": {"a": "b"}}'):
        assert restarted.take_names(broken) == 0
    await resolver.close()


async def test_a_name_that_is_gone_is_refused_once_its_time_is_over(world: World) -> None:
    world.dns.name(ADDRESS, "crawl.seek.example")
    world.dns.host("crawl.seek.example", ADDRESS)
    assert await world.status(claim()) == "verified"
    answer = await world.verifier.answer(NAMES, ADDRESS, SEEK)
    assert answer == {"confirmed": True, "seconds": 3600.0}
    world.dns.records.clear()
    world.clock.now += 3601
    world.dns.records["gone", 1] = []
    # The resolver itself may hold the old answer for as long as DNS allows; another address it has not seen.
    assert (await world.verifier.answer(NAMES, "192.0.2.9", SEEK))["confirmed"] is False


async def test_questions_beyond_what_is_asked_at_once_are_left_open(world: World) -> None:
    world.dns.quiet = True
    answers = await asyncio.gather(
        *(world.verifier.answer(NAMES, f"192.0.2.{number}", SEEK) for number in range(20, 25))
    )
    assert [answer["confirmed"] for answer in answers] == [None] * 5
    assert {name for name, kind in world.dns.asked if kind == 12} == {f"{n}.2.0.192.in-addr.arpa" for n in (20, 21)}


async def test_an_agent_is_verified_by_the_keys_that_it_publishes(world: World) -> None:
    world.https.serves(json.dumps({"keys": [SIGNER.jwk]}).encode())
    assert await world.status(make_facts(request(world, SIGNER))) == "verified"
    assert await world.status(make_facts(request(world, SIGNER, forged=True))) == str(FORGED)
    assert await world.status(make_facts(request(world, Signer()))) == str(FORGED)
    assert len(world.https.asked) == 1


def request(world: World, signer: Signer, *, nonce: str = "", ray: str = "a" * 16, forged: bool = False) -> Request:
    return signed(signer, agent=f'"{world.agent}"', nonce=nonce, ray=ray, forged=forged)


async def test_a_signature_is_not_good_twice_whichever_worker_sees_it(world: World) -> None:
    world.https.serves(json.dumps({"keys": [SIGNER.jwk]}).encode())
    first = make_facts(request(world, SIGNER, nonce="n"))
    second = make_facts(request(world, SIGNER, nonce="n", ray="b" * 16))
    # The keys are found out first; what the nonce asks comes after, as on any later request.
    await world.status(make_facts(request(world, SIGNER)))
    assert await world.status(first) == "verified"
    assert await world.status(second) == str(REPLAYED)
    world.knowledge, world.asker, world.recogniser = world.worker()
    await world.status(make_facts(request(world, SIGNER)))
    assert await world.status(second) == str(REPLAYED)


async def test_a_directory_that_is_away_makes_nobody_an_impostor(world: World) -> None:
    world.https.serves(b"", status=500)
    assert await world.status(make_facts(request(world, SIGNER))) == "unverified"


async def test_a_supervisor_that_is_away_makes_nobody_an_impostor(world: World) -> None:
    world.oracle.away = True
    assert await world.status(claim()) == "unverified"
    found = world.recogniser.recognise(claim().request, claim().client)
    assert found is not None
    assert not found.waits


async def test_waiting_ends_when_it_is_to_end(world: World) -> None:
    world.dns.quiet = True
    loop = asyncio.get_running_loop()
    began = loop.time()
    found = world.recogniser.recognise(claim().request, claim().client)
    assert found is not None
    await world.asker.settle(found.questions, 0.05)
    assert loop.time() - began < 0.5


async def test_no_more_questions_are_open_than_a_worker_may_have(world: World) -> None:
    world.dns.quiet = True
    many = [Question(NAMES, f"10.0.{number >> 8}.{number & 255}", ("seek.example",)) for number in range(1000)]
    world.asker.ask(many)
    assert world.asker.unasked == 1000 - MAX_OPEN
    world.asker.close()
    await asyncio.sleep(0)


async def test_questions_of_no_kind_have_no_answer(world: World) -> None:
    assert await world.verifier.answer("nonsense", "", []) == {}
    assert await world.verifier.answer(NAMES, "nonsense", SEEK) == {"confirmed": False, "seconds": 600.0}
    assert await world.verifier.answer("keys", "https://stranger.example", []) == {}


@pytest.mark.parametrize("answer", [{}, {"confirmed": None, "seconds": 5}])
async def test_an_empty_answer_is_none(answer: dict[str, Any]) -> None:
    class Empty:
        async def verify(self, kind: str, subject: str, details: list[str]) -> Mapping[str, Any]:
            return answer

        async def burn(self, key: bytes, ttl: float) -> bool:
            raise StoreAway("away")

    knowledge = Knowledge(10)
    asker = Asker(Empty(), knowledge, lambda: NOW)
    question = Question(NAMES, ADDRESS, ("seek.example",))
    await asker.settle([question], 1.0)
    assert knowledge.name(question, NOW) == (None, False)
