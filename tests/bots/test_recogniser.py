"""What is said of claims: by addresses, names, signatures; and that not knowing is no verdict."""

from __future__ import annotations

import sys
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

sys.path.insert(0, str(Path(__file__).parent))
from signing import NOW, Shared, Signer, make_facts, make_request, signed

from botproxy.addresses import NetworkSet
from botproxy.bots.directory import Directory, parse_all
from botproxy.bots.knowledge import AGAIN, KEYS, NAMES, ONCE, Knowledge, Question
from botproxy.bots.recogniser import EXPIRED, FORGED, IMPOSTOR, REPLAYED, Recogniser, Recognition
from botproxy.bots.settings import Settings
from botproxy.model import Facts, Request, VerifiedBot

SIGNER = Signer()
OWN = Signer()
BOTS = f"""
lists:
  seeker: {{urls: [https://example.com/a]}}
bots:
  - {{name: Seeker, category: Search Engine Crawler, user_agent: Seeker/, purpose: search, robots: [Seeker],
     tags: [seek], verify: {{lists: [seeker], domains: [seek.example]}}}}
  - {{name: Listed, user_agent: Listed/, verify: {{lists: [seeker]}}}}
  - {{name: Fixed, user_agent: Fixed/, verify: {{networks: [198.51.100.0/24]}}}}
  - {{name: Partial, user_agent: Partial/, verify: {{networks: [198.51.100.0/24], complete: false}}}}
  - {{name: Hearsay, category: AI Crawler, user_agent: Hearsay/, purpose: training, robots: [Hearsay]}}
  - {{name: Agent, category: AI Assistant, purpose: agent, verify: {{signature_agent: 'https://agent.example'}}}}
  - {{name: App, verify: {{keys: [{{id: app-1, ed25519: {OWN.x}}}]}}}}
  - {{name: Office, verify: {{networks: [192.0.2.0/28], ja4: [t13d_office]}}}}
  - {{name: Phone, user_agent: Phone/, verify: {{networks: [192.0.2.0/24], ja4: [t13d_phone]}}}}
"""
DIRECTORY = Directory.build(parse_all({"own": BOTS}))


@pytest.fixture
def knowledge() -> Knowledge:
    return Knowledge(100)


@pytest.fixture
def recogniser(knowledge: Knowledge) -> Recogniser:
    return Recogniser(DIRECTORY, knowledge, Settings(), frozenset({"training"}))


def says(user_agent: str, address: str = "203.0.113.7", ja4: str = "", target: str = "/a") -> Facts:
    return make_facts(make_request([("User-Agent", user_agent)], target=target), address, ja4)


def recognised(recogniser: Recogniser, facts: Facts, settled: bool = False) -> Recognition:
    recognition = recogniser.recognise(facts.request, facts.client, settled)
    assert recognition is not None
    return recognition


def question(facts: Facts) -> Question:
    return Question(NAMES, facts.client.text, ("seek.example",))


def publish(knowledge: Knowledge, *networks: str, age: float = 0.0) -> None:
    knowledge.learn_list("seeker", NetworkSet(map(ip_network, networks)), NOW - age)


def learn_keys(knowledge: Knowledge, *signers: Signer, age: float = 0.0) -> None:
    keys = {signer.id: Ed25519PublicKey.from_public_bytes(signer.public) for signer in signers}
    knowledge.learn_keys("https://agent.example", keys, NOW, 3600.0, age)


def test_who_claims_nothing_is_nobody(recogniser: Recogniser) -> None:
    facts = says("Mozilla/5.0")
    assert recogniser.recognise(facts.request, facts.client) is None
    assert recogniser.recognise(facts.request, facts.client) is None
    facts = make_facts(make_request([]))
    assert recogniser.recognise(facts.request, facts.client) is None


def test_an_address_of_its_list_verifies_a_bot(recogniser: Recogniser, knowledge: Knowledge) -> None:
    publish(knowledge, "203.0.113.0/24")
    found = recognised(recogniser, says("Seeker/1.0"))
    assert found.bot == VerifiedBot("Seeker", "Search Engine Crawler", False, ("seek", "SearchEngine"))
    assert (found.claim.status, found.refused, found.questions) == ("verified", None, ())


def test_a_stale_list_still_verifies_and_refuses_nobody(recogniser: Recogniser, knowledge: Knowledge) -> None:
    publish(knowledge, "203.0.113.0/24", age=30 * 86400)
    assert recognised(recogniser, says("Listed/1.0")).bot is not None
    found = recognised(recogniser, says("Listed/1.0", "198.51.100.9"))
    assert (found.claim.status, found.refused, found.waits) == ("unverified", None, False)


def test_a_list_that_was_never_fetched_is_no_verdict(recogniser: Recogniser) -> None:
    assert recognised(recogniser, says("Listed/1.0")).claim.status == "unverified"


def test_an_address_outside_of_a_fresh_list_is_an_impostor(recogniser: Recogniser, knowledge: Knowledge) -> None:
    publish(knowledge, "203.0.113.0/24")
    found = recognised(recogniser, says("Listed/1.0", "198.51.100.9"))
    assert found.bot is None
    assert found.claim.status == "refused"
    assert found.refused is not None
    assert (found.refused.id, found.refused.tag) == (IMPOSTOR, "impostor")
    assert "says that it is Listed" in found.refused.reason
    assert "198.51.100.9" in found.refused.reason


def test_a_name_is_asked_for_when_no_list_knows_the_address(recogniser: Recogniser, knowledge: Knowledge) -> None:
    publish(knowledge, "198.51.100.0/24")
    facts = says("Seeker/1.0")
    found = recognised(recogniser, facts)
    assert (found.questions, found.waits, found.refused) == ((question(facts),), True, None)
    knowledge.learn_name(question(facts), True, NOW, 60.0)
    assert recognised(recogniser, facts).bot is not None


def test_a_claimant_without_name_and_without_list_entry_is_an_impostor(
    recogniser: Recogniser, knowledge: Knowledge
) -> None:
    publish(knowledge, "198.51.100.0/24")
    facts = says("Seeker/1.0")
    knowledge.learn_name(question(facts), False, NOW, 60.0)
    assert recognised(recogniser, facts).claim.status == "refused"


def test_without_its_list_a_missing_name_is_no_verdict(recogniser: Recogniser, knowledge: Knowledge) -> None:
    facts = says("Seeker/1.0")
    knowledge.learn_name(question(facts), False, NOW, 60.0)
    assert recognised(recogniser, facts).claim.status == "unverified"


def test_while_dns_is_away_nobody_is_refused(recogniser: Recogniser, knowledge: Knowledge) -> None:
    publish(knowledge, "198.51.100.0/24")
    facts = says("Seeker/1.0")
    knowledge.learn_name(question(facts), None, NOW, 30.0)
    found = recognised(recogniser, facts)
    assert (found.claim.status, found.refused, found.waits) == ("unverified", None, False)


def test_a_confirmed_name_stands_while_dns_is_away(recogniser: Recogniser, knowledge: Knowledge) -> None:
    facts = says("Seeker/1.0")
    knowledge.learn_name(question(facts), True, NOW - 7200, 3600.0)
    found = recognised(recogniser, facts)
    assert found.bot is not None
    assert (found.questions, found.waits) == ((question(facts),), False), "asked again, and not waited for"
    knowledge.learn_name(question(facts), None, NOW, 30.0)
    assert recognised(recogniser, facts).bot is not None


def test_its_own_networks_verify_a_bot_and_refuse_others(recogniser: Recogniser) -> None:
    assert recognised(recogniser, says("Fixed/1", "198.51.100.1")).bot is not None
    assert recognised(recogniser, says("Fixed/1")).refused is not None


def test_incomplete_networks_refuse_nobody(recogniser: Recogniser) -> None:
    assert recognised(recogniser, says("Partial/1", "198.51.100.1")).bot is not None
    assert recognised(recogniser, says("Partial/1")).refused is None


def test_an_impostor_does_not_hide_behind_a_second_claim(recogniser: Recogniser) -> None:
    assert recognised(recogniser, says("Hearsay/1 Fixed/1 Listed/1")).claim.name == "Fixed"
    assert recognised(recogniser, says("Hearsay/1 Fixed/1 Listed/1")).refused is not None


def test_a_word_alone_is_never_verified_and_never_refused(recogniser: Recogniser) -> None:
    found = recognised(recogniser, says("Hearsay/1"))
    assert (found.bot, found.refused, found.questions) == (None, None, ())
    assert (found.claim.status, found.claim.ai_purpose) == ("unverified", "training")


def test_who_says_that_it_obeys_robots_and_does_not_is_told(recogniser: Recogniser, knowledge: Knowledge) -> None:
    assert recognised(recogniser, says("Hearsay/1")).claim.disobeys_robots
    assert not recognised(recogniser, says("Hearsay/1", target="/robots.txt")).claim.disobeys_robots
    assert not recognised(recogniser, says("Seeker/1")).claim.disobeys_robots
    allowed = Recogniser(DIRECTORY, knowledge, Settings())
    assert not recognised(allowed, says("Hearsay/1")).claim.disobeys_robots


def test_a_tls_fingerprint_narrows_and_never_verifies(recogniser: Recogniser) -> None:
    assert recognised(recogniser, says("Phone/1", "192.0.2.99", "t13d_phone")).bot is not None
    assert recognised(recogniser, says("Phone/1", "192.0.2.99", "t13d_other")).refused is not None
    assert recognised(recogniser, says("Phone/1", "192.0.2.99")).claim.status == "unverified"
    assert recognised(recogniser, says("Phone/1", "203.0.113.7", "t13d_phone")).refused is not None


def test_a_client_without_a_name_is_known_by_its_network(recogniser: Recogniser) -> None:
    found = recognised(recogniser, says("anything", "192.0.2.3", "t13d_office"))
    assert found.bot is not None
    assert found.bot.name == "Office"
    for facts in (says("anything", "192.0.2.3", "t13d_other"), says("anything", "192.0.2.99", "t13d_office")):
        assert recogniser.recognise(facts.request, facts.client) is None


# Signatures


def test_a_signature_of_a_listed_agent_verifies_it(recogniser: Recogniser, knowledge: Knowledge) -> None:
    facts = make_facts(signed(SIGNER))
    found = recognised(recogniser, facts)
    assert (found.questions, found.waits) == ((Question(KEYS, "https://agent.example"),), True)
    learn_keys(knowledge, SIGNER)
    found = recognised(recogniser, facts)
    assert found.bot == VerifiedBot("Agent", "AI Assistant", True, ("AIAssistant",))


def refused(recogniser: Recogniser, request: Request) -> int:
    found = recognised(recogniser, make_facts(request))
    assert found.bot is None
    return found.refused.id if found.refused is not None else 0


def test_a_forged_signature_is_refused(recogniser: Recogniser, knowledge: Knowledge) -> None:
    learn_keys(knowledge, SIGNER)
    assert refused(recogniser, signed(SIGNER, forged=True)) == FORGED
    assert refused(recogniser, signed(Signer(), key_id=SIGNER.id)) == FORGED


def test_a_signature_out_of_its_time_is_refused(recogniser: Recogniser, knowledge: Knowledge) -> None:
    learn_keys(knowledge, SIGNER)
    now = int(NOW)
    assert refused(recogniser, signed(SIGNER, created=now - 600, expires=now - 120)) == EXPIRED
    assert refused(recogniser, signed(SIGNER, created=now + 600, expires=now + 700)) == EXPIRED
    assert refused(recogniser, signed(SIGNER, expires=None)) == EXPIRED
    assert refused(recogniser, signed(SIGNER, created=now - 10, expires=now + 10 * 86400)) == EXPIRED


def test_a_key_that_the_agent_does_not_publish_is_refused_once_that_is_sure(
    recogniser: Recogniser, knowledge: Knowledge
) -> None:
    learn_keys(knowledge, Signer(), age=600.0)
    found = recognised(recogniser, make_facts(signed(SIGNER)))
    assert (found.refused, found.questions) == (None, (Question(KEYS, "https://agent.example", (AGAIN,)),))
    learn_keys(knowledge, Signer())
    assert refused(recogniser, signed(SIGNER)) == FORGED


def test_while_the_directory_is_away_nobody_is_refused_and_known_keys_stand(
    recogniser: Recogniser, knowledge: Knowledge
) -> None:
    knowledge.learn_keys("https://agent.example", None, NOW, 60.0)
    assert refused(recogniser, signed(SIGNER)) == 0
    learn_keys(knowledge, SIGNER)
    knowledge.learn_keys("https://agent.example", None, NOW, 60.0)
    assert recognised(recogniser, make_facts(signed(SIGNER))).bot is not None
    assert refused(recogniser, signed(Signer())) == 0, "it may have been published since"


def test_keys_that_are_old_are_fetched_again_without_waiting(recogniser: Recogniser, knowledge: Knowledge) -> None:
    learn_keys(knowledge, SIGNER)
    later = signed(SIGNER, created=int(NOW) + 7000, expires=int(NOW) + 7100)._replace(received=NOW + 7050)
    found = recognised(recogniser, make_facts(later))
    assert found.bot is not None
    assert (found.questions, found.waits) == ((Question(KEYS, "https://agent.example"),), False)


@pytest.mark.parametrize(
    "request_",
    [
        signed(SIGNER, components='"@authority"'),
        signed(SIGNER, components='"signature-agent"'),
        signed(SIGNER, tag="other"),
        signed(SIGNER, agent='"https://stranger.example"'),
    ],
)
def test_a_signature_that_binds_nothing_here_verifies_nobody(
    recogniser: Recogniser, knowledge: Knowledge, request_: Request
) -> None:
    learn_keys(knowledge, SIGNER)
    found = recogniser.recognise(request_, make_facts(request_).client)
    assert found is None or (found.bot is None and found.refused is None)


def test_a_nonce_is_good_for_one_request(recogniser: Recogniser, knowledge: Knowledge) -> None:
    learn_keys(knowledge, SIGNER)
    first, second = (make_facts(signed(SIGNER, nonce="n1", ray=ray)) for ray in ("a" * 16, "b" * 16))
    found = recognised(recogniser, first)
    assert found.bot is None
    assert found.waits
    (asked,) = found.questions
    assert asked.kind == ONCE
    assert len(bytes.fromhex(asked.subject)) == 32
    assert 60 <= asked.seconds <= 130
    knowledge.learn_use(asked.subject, True)
    assert recognised(recogniser, first).bot is not None, "the same request, decided again"
    replayed = recognised(recogniser, second)
    assert replayed.refused is not None
    assert replayed.refused.id == REPLAYED


def test_a_nonce_that_another_worker_saw_is_a_replay(recogniser: Recogniser, knowledge: Knowledge) -> None:
    learn_keys(knowledge, SIGNER)
    facts = make_facts(signed(SIGNER, nonce="n2"))
    (asked,) = recognised(recogniser, facts).questions
    knowledge.learn_use(asked.subject, False)
    found = recognised(recogniser, facts)
    assert found.refused is not None
    assert found.refused.id == REPLAYED


def test_when_nobody_can_tell_of_replays_a_signature_stands(recogniser: Recogniser, knowledge: Knowledge) -> None:
    learn_keys(knowledge, SIGNER)
    facts = make_facts(signed(SIGNER, nonce="n3"))
    assert recognised(recogniser, facts).bot is None
    assert recognised(recogniser, facts, settled=True).bot is not None


def test_an_own_client_signs_with_its_own_key(recogniser: Recogniser) -> None:
    good = signed(OWN, key_id="app-1", components='"@method" "@target-uri"', agent=None, tag="")
    found = recognised(recogniser, make_facts(good))
    assert found.bot is not None
    assert (found.bot.name, found.bot.signed_agent) == ("App", False)
    weak = signed(OWN, key_id="app-1", components='"@authority"', agent=None, tag="")
    assert recognised(recogniser, make_facts(weak)).bot is None
    forged = signed(OWN, key_id="app-1", components='"@method" "@target-uri"', agent=None, forged=True)
    assert refused(recogniser, forged) == FORGED
    old = signed(OWN, key_id="app-1", components='"@method" "@target-uri"', created=int(NOW) - 900, expires=None,
                 agent=None)  # fmt: skip
    assert refused(recogniser, old) == EXPIRED


def test_an_own_client_with_a_shared_secret(tmp_path: Path) -> None:
    text = "bots: [{name: Shop, verify: {keys: [{id: shop, hmac_file: /secret}]}}]"
    directory = Directory.build(parse_all({"own": text}), {Path("/secret"): b"s" * 32})
    recogniser = Recogniser(directory, Knowledge(10), Settings())
    request = signed(Shared("shop", b"s" * 32), components='"@method" "@authority" "@path"', agent=None, tag="")
    assert recognised(recogniser, make_facts(request)).bot is not None
    request = signed(Shared("shop", b"t" * 32), components='"@method" "@authority" "@path"', agent=None, tag="")
    assert refused(recogniser, request) == FORGED


def test_what_is_known_stays_bounded() -> None:
    knowledge = Knowledge(100)
    for number in range(10_000):
        asked = Question(NAMES, f"10.0.{number >> 8}.{number & 255}", ("a.example",))
        knowledge.learn_name(asked, False, NOW, 60.0)
        knowledge.use(f"{number:064x}", "ray")
    assert len(knowledge.names) <= 100
    assert len(knowledge.used) <= 100
