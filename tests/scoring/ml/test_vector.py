from __future__ import annotations

import json
import math
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.model import Behaviour, Client, Crowd, Facts, Headers, Profile, Request, Session, Tls
from botproxy.scoring.ml import FEATURES, NAMES, Vectors
from botproxy.tls import shipped_clients

RECORDED = Path(__file__).parents[2] / "data" / "clients"
CHROMIUM = (
    (b"Host", b"site.test"),
    (b"Connection", b"keep-alive"),
    (b"sec-ch-ua", b'"Not:A-Brand";v="8", "Chromium";v="156"'),
    (b"sec-ch-ua-mobile", b"?0"),
    (b"sec-ch-ua-platform", b'"Linux"'),
    (b"Upgrade-Insecure-Requests", b"1"),
    (
        b"User-Agent",
        b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    ),
    (b"Accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    (b"Sec-Fetch-Site", b"none"),
    (b"Sec-Fetch-Mode", b"navigate"),
    (b"Sec-Fetch-Dest", b"document"),
    (b"Accept-Encoding", b"gzip, deflate, br, zstd"),
    (b"Accept-Language", b"en-US,en;q=0.9"),
)


def facts(headers: tuple[tuple[bytes, bytes], ...] = CHROMIUM, **changes: Any) -> Facts:
    request = Request(
        ray="0" * 16,
        received=1_000.0,
        method=b"GET",
        target=b"/",
        path=b"/",
        query=None,
        version="HTTP/1.1",
        secure=True,
        authority=b"site.test",
        host="site.test",
        headers=Headers(headers),
        body_length=0,
    )
    request = request._replace(**{name: changes.pop(name) for name in tuple(changes) if name in Request._fields})
    client = Client(IPv4Address("192.0.2.1"), "192.0.2.1", 1, "192.0.2.1", changes.pop("tls", None))
    client = client._replace(http2=changes.pop("http2", ""))
    made = Facts(request, client, "zone", False, changes.pop("session", None), None, {})
    return made._replace(**changes)


def named(given_facts: Facts) -> dict[str, float]:
    return dict(zip(NAMES, Vectors(shipped_clients()).of(given_facts).tolist(), strict=True))


def test_every_feature_is_described_once() -> None:
    assert len(set(NAMES)) == len(NAMES) <= 200
    assert all(feature.meaning and feature.unit and feature.missing for feature in FEATURES)


def test_a_browser_agrees_with_itself() -> None:
    values = named(facts())
    assert values["claimed_browser"] == 1
    assert values["hints_agree"] == 3
    assert values["expected_absent"] == 0
    assert values["fetch_coherent"] == 1
    assert values["names_case"] == 2
    assert values["user_agent_before_accept"] == 1


def test_a_copied_user_agent_lacks_what_its_browser_sends() -> None:
    agent = dict(CHROMIUM)[b"User-Agent"]
    values = named(facts(((b"Host", b"site.test"), (b"User-Agent", agent), (b"Accept", b"*/*"))))
    assert values["expected_absent"] == 8
    assert math.isnan(values["hints_agree"])
    assert math.isnan(values["fetch_coherent"])


@pytest.mark.parametrize(
    ("headers", "purpose"),
    [
        ((), 0),
        (((b"Sec-Fetch-Dest", b"document"),), 1),
        (((b"Sec-Fetch-Dest", b"iframe"),), 1),
        (((b"Sec-Fetch-Dest", b"image"),), 2),
        (((b"Sec-Fetch-Dest", b"empty"),), 3),
        (((b"Sec-Fetch-Dest", b"sharedworker"),), 4),
        (((b"Service-Worker", b"script"),), 4),
        (((b"Sec-Fetch-Dest", b"empty"), (b"Sec-WebSocket-Key", b"x")), 5),
        (((b"Sec-Fetch-Dest", b"empty"), (b"Access-Control-Request-Method", b"GET")), 6),
        (((b"Sec-Fetch-Dest", b"tomorrow"),), 0),
    ],
)
def test_a_request_says_what_it_is_for(headers: tuple[tuple[bytes, bytes], ...], purpose: int) -> None:
    assert named(facts(headers))["purpose"] == purpose


def test_the_connection_says_whose_it_is() -> None:
    tls = Tls("TLSv1.3", "x", ja4="t13d1516h2_8daaf6152771_e5627efa2ab1")
    values = named(facts(tls=tls, http2="1:65536;4:6291456|15663105|0|m,a,s,p", version="HTTP/2"))
    assert values["tls_browser"] == values["tls_fit"] == 1
    assert values["tls_ciphers"] == 15
    assert values["tls_extensions"] == 16
    assert values["http2_order"] == 1
    assert values["http2_settings"] == 2
    assert values["http2_window"] == 15663105


def test_without_tls_its_features_are_missing() -> None:
    values = named(facts(secure=False))
    assert all(math.isnan(values[name]) for name in NAMES if name.startswith(("tls_", "http2_")))


def test_a_session_has_an_age() -> None:
    assert named(facts(session=Session("s", 900.0, 950.0, 50)))["session_age"] == 100
    assert math.isnan(named(facts())["session_age"])


@pytest.mark.parametrize(
    ("value", "code"),
    [(b"https://site.test/a", 1.0), (b"https://site.test", 1.0), (b"https://other.test/", 2.0), (b"junk", 2.0)],
)
def test_a_referer_is_of_this_host_or_of_another(value: bytes, code: float) -> None:
    assert named(facts((*CHROMIUM, (b"Referer", value))))["referer"] == code


def test_what_a_caller_did_counts_in_shares() -> None:
    did = Behaviour(requests=40.0, pages=10.0, subresources=30.0, gap_mean=2.0, gap_deviation=1.0, paths=8.0)
    few, many = (
        named(facts(profile=Profile(visitor=did._replace(requests=number, paths=number / 5)))) for number in (40, 400)
    )
    assert few["visitor_parts"] == 3
    assert few["visitor_irregularity"] == 0.5
    assert few["visitor_variety"] == pytest.approx(many["visitor_variety"])


def test_the_page_before_a_session_began_is_known_for_the_address() -> None:
    """Links of a first page are followed in a session that the page itself began."""
    address, session = Behaviour(requests=9.0, followed=4.0), Behaviour(requests=8.0, strayed=4.0)
    values = named(facts(profile=Profile(address=address, session=session, visitor=session)))
    assert values["visitor_followed"] == 1
    wandering = named(facts(profile=Profile(address=session, session=session, visitor=session)))
    assert wandering["visitor_followed"] == 0
    unknown = named(facts(profile=Profile(address=Behaviour(requests=9.0), session=session, visitor=session)))
    assert unknown["visitor_followed"] == 0


def test_what_others_at_the_address_did_is_not_held_against_a_caller() -> None:
    ill = Behaviour(requests=900.0, pages=900.0, client_errors=900.0, gap_mean=0.1, user_agents=5.0, paths=200.0)
    network = Crowd(logins=90.0, login_failures=90.0)
    beside, alone = named(facts(profile=Profile(address=ill, network=network))), named(facts(profile=Profile()))
    assert {
        name for name in NAMES if not math.isclose(beside[name], alone[name]) and beside[name] == beside[name]
    } == set()


def test_logins_of_a_network_count_for_who_logs_in() -> None:
    profile = Profile(network=Crowd(logins=90.0, login_failures=45.0))
    assert named(facts(profile=profile, method=b"POST", path=b"/login"))["network_failed_logins"] == 0.5


def test_many_user_agents_at_an_address_are_counted_against_its_sessions() -> None:
    rotating, office = (
        Behaviour(requests=60.0, user_agents=40.0),
        Behaviour(requests=900.0, user_agents=40.0, peers=80.0),
    )
    assert named(facts(profile=Profile(address=rotating)))["address_agents"] == 40
    assert named(facts(profile=Profile(address=office)))["address_agents"] == 0.5


def test_several_people_with_one_browser_are_not_one_fast_caller() -> None:
    one = Behaviour(requests=40.0, burst=2.0, idle=1.0, gap_mean=2.0, gap_deviation=0.0, peers=1.0)
    own = Behaviour(requests=3.0)
    alone, several = (
        named(facts(profile=Profile(session=own, visitor=one._replace(peers=peers)))) for peers in (1.0, 4.0)
    )
    assert several["visitor_pace"] == pytest.approx(alone["visitor_pace"] / 4)
    assert alone["visitor_irregularity"] == 0
    newcomer = named(facts(profile=Profile(visitor=one)))
    assert newcomer["visitor_pace"] == pytest.approx(alone["visitor_pace"] / 2)
    assert math.isnan(newcomer["visitor_gap"])
    assert all(math.isnan(several[f"visitor_{name}"]) for name in ("idle", "gap", "irregularity"))


def test_who_was_never_seen_has_no_past() -> None:
    values = named(facts(profile=Profile()))
    assert all(
        math.isnan(value) for name, value in values.items() if name.startswith(("visitor_", "address_", "network_"))
    )


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=20), st.binary(max_size=60)), max_size=12),
    st.binary(max_size=80),
    st.text(max_size=40),
    st.text(max_size=40),
)
def test_nothing_that_a_client_sends_makes_it_fail(
    headers: list[tuple[bytes, bytes]], agent: bytes, ja4: str, http2: str
) -> None:
    vector = Vectors(shipped_clients()).of(
        facts((*headers, (b"User-Agent", agent)), tls=Tls("TLSv1.3", "x", ja4=ja4), http2=http2)
    )
    assert vector.shape == (len(FEATURES),)
    assert not any(math.isinf(value) for value in vector.tolist())


def test_every_recorded_client_has_a_vector() -> None:
    vectors = Vectors(shipped_clients())
    for path in sorted(RECORDED.glob("*.jsonl")):
        for line in path.read_text().splitlines()[::20]:
            one = json.loads(line)
            headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in one["headers"])
            assert len(vectors.of(facts(headers, secure=one["scheme"] == "https"))) == len(FEATURES)
