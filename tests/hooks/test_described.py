"""A request as a hook sees it, under the names that Workers have."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from botproxy.hooks import Request
from botproxy.hooks.described import cf, described
from botproxy.model import (
    BotManagement,
    Facts,
    Headers,
    Ja4Signals,
    Place,
    Profile,
    Score,
    ScoreSource,
    Tls,
    VerifiedBot,
)

from ..rules.conftest import FactsMaker, build


def told(facts: Facts) -> Request:
    """As it arrives in a hook process."""
    message = orjson.loads(orjson.dumps(described(facts, "BOT")))
    return Request(message["url"], message["method"], message["headers"], message["cf"])


def test_bot_management_has_exactly_the_keys_of_workers(make_facts: FactsMaker) -> None:
    tls = Tls("TLSv1.3", "TLS_AES_128_GCM_SHA256", "25b4882c2bcb50cd6b469ff28c596742", "t13d1516h2_a_b", 517)
    request = told(make_facts(score=7, detections=(201326592, 33554817), tls=tls))
    assert request.cf.botManagement == {
        "score": 7,
        "verifiedBot": False,
        "corporateProxy": False,
        "staticResource": False,
        "signedAgent": False,
        "ja3Hash": "25b4882c2bcb50cd6b469ff28c596742",
        "ja4": "t13d1516h2_a_b",
        "ja4Signals": {},
        "jaSignalsParsed": {"ratios": {}, "ranks": {}, "quantiles": {}},
        "jsDetection": {"passed": False},
        "detectionIds": [201326592, 33554817],
    }
    assert request.cf.tlsVersion == "TLSv1.3"
    assert request.cf.tlsClientHelloLength == "517"
    for key in ("tlsClientRandom", "tlsClientCiphersSha1", "tlsClientExtensionsSha1", "tlsClientExtensionsSha1Le"):
        assert isinstance(request.cf[key], str)
    assert request.cf.httpProtocol == "HTTP/1.1"
    assert request.cf.colo == "BOT"


def test_signals_of_a_ja4_are_told_whole_and_by_kind(make_facts: FactsMaker) -> None:
    signals = Ja4Signals(0.98, 0.0, 0.93, 0.18, 901, 655, 850, 662, 0.999, 0.9992)
    bots = told(make_facts(score=7)._replace(profile=Profile(signals=signals))).cf.botManagement
    assert bots.ja4Signals == {
        "h2h3_ratio_1h": 0.98,
        "heuristic_ratio_1h": 0.0,
        "browser_ratio_1h": 0.93,
        "cache_ratio_1h": 0.18,
        "uas_rank_1h": 901,
        "paths_rank_1h": 655,
        "reqs_rank_1h": 850,
        "ips_rank_1h": 662,
        "reqs_quantile_1h": 0.999,
        "ips_quantile_1h": 0.9992,
    }
    assert bots.jaSignalsParsed == {
        "ratios": {
            "h2h3_ratio_1h": 0.98,
            "heuristic_ratio_1h": 0.0,
            "browser_ratio_1h": 0.93,
            "cache_ratio_1h": 0.18,
        },
        "ranks": {"uas_rank_1h": 901, "paths_rank_1h": 655, "reqs_rank_1h": 850, "ips_rank_1h": 662},
        "quantiles": {"reqs_quantile_1h": 0.999, "ips_quantile_1h": 0.9992},
    }


def test_what_is_true_is_told(make_facts: FactsMaker) -> None:
    bots = BotManagement(
        Score(30, ScoreSource.VERIFIED_BOT),
        VerifiedBot("Somebot", "AI Assistant", signed_agent=True),
        js_passed=True,
        corporate_proxy=True,
    )
    request = told(make_facts()._replace(bot_management=bots, static_resource=True))
    told_bots = request.cf.botManagement
    assert (
        told_bots.verifiedBot is told_bots.signedAgent is told_bots.corporateProxy is told_bots.staticResource is True
    )
    assert told_bots.jsDetection.passed is True
    assert request.cf.verifiedBotCategory == "AI Assistant"


def test_without_tls_fingerprints_are_empty_and_without_a_score_there_is_no_bot_management(
    make_facts: FactsMaker,
) -> None:
    plain = cf(make_facts(score=50, secure=False), "BOT")
    assert plain["botManagement"]["ja3Hash"] == plain["botManagement"]["ja4"] == ""
    assert "tlsVersion" not in plain
    failed = told(make_facts(scoring_failed=True))
    assert failed.cf["botManagement"] is None


def test_a_place_has_the_names_of_workers_and_only_what_is_known(make_facts: FactsMaker) -> None:
    place = Place(asn=64496, country="PT", city="Évora", latitude="38.57", is_eu=True)
    request = told(make_facts(score=50, place=place))
    assert (request.cf.asn, request.cf.country, request.cf.city) == (64496, "PT", "Évora")
    assert (request.cf.latitude, request.cf.isEUCountry) == ("38.57", "1")
    assert "region" not in request.cf
    assert request.headers.get("cf-ipcountry") == "PT"
    assert "isEUCountry" not in cf(make_facts(place=Place(country="US", is_eu=False)), "BOT")


def test_url_and_headers_are_those_that_the_origin_will_see(make_facts: FactsMaker) -> None:
    sent = (
        (b"X_Forwarded_For", b"203.0.113.9"),
        (b"X-Forwarded-Proto", b"gopher"),
        (b"Accept", b"a"),
        (b"Accept", b"b"),
    )
    request = told(make_facts(b"/a/b?c=d", sent))
    assert request.url == "https://Example.com:8443/a/b?c=d"
    assert request.method == "GET"
    assert request.headers.get_all("accept") == ["a", "b"]
    assert request.headers.get_all("x-forwarded-for") == ["192.0.2.1"]
    assert request.headers.get_all("x-forwarded-proto") == ["https"]
    assert request.headers.get("cf-connecting-ip") == "192.0.2.1"
    assert request.headers.get("cf-ray") == "0123456789abcdef-BOT"
    assert "x_forwarded_for" not in request.headers


@given(st.binary(max_size=30), st.binary(max_size=30), st.binary(max_size=30))
def test_bytes_of_any_kind_can_be_told_and_no_url_holds_more_than_ascii(name: bytes, value: bytes, path: bytes) -> None:
    facts = build(b"/" + path)
    facts = facts._replace(request=facts.request._replace(headers=Headers(((name, value),))))
    request = told(facts)
    assert request.url.isascii()
    assert request.url.isprintable()
    assert " " not in request.url
    if name.lower().replace(b"_", b"-") not in (b"x-forwarded-for", b"x-forwarded-proto"):
        assert request.headers.items()[0] == (name.decode("latin-1"), value.decode("latin-1"))
