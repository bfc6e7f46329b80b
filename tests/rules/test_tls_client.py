"""Does the TLS fit the browser that is claimed?"""

from __future__ import annotations

import pytest

from botproxy.model import Tls
from botproxy.rules import FIELDS, FINGERPRINT_FIELDS, claimed_tls_client, compile_expression

CHROME = b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
FIREFOX = b"Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"
SAFARI = (
    b"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
    b"Safari/605.1.15"
)
CHROME_IOS = (
    b"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/150.0 "
    b"Mobile/15E148 Safari/604.1"
)
CHROME_IPAD_AS_MAC = (
    b"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/150 Version/18.0 "
    b"Safari/605.1.15"
)
CURL = b"curl/7.88.1"

OF_CHROMIUM = "t13d1517h2_8daaf6152771_cb7bf5808d99"
OF_FIREFOX = "t13d1616h2_86a278354501_0c27189014cf"
OF_SAFARI = "t13d2014h2_a09f3c656075_14788d8d241b"
OF_CURL = "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6"
OF_PYTHON = "t13d1812h1_85036bcba153_d41ae481755e"
OF_OPENSSL = "t13d311100_e8f1e7e78f70_aaaaaaaaaaaa"
UNKNOWN = "t13d311100_aaaaaaaaaaaa_aaaaaaaaaaaa"


@pytest.mark.parametrize(
    ("agent", "client"),
    [
        (CHROME, "chromium"),
        (FIREFOX, "firefox"),
        (SAFARI, "safari"),
        (CHROME_IOS, "safari"),
        (CHROME_IPAD_AS_MAC, "safari"),
        (CURL, ""),
        (b"", ""),
    ],
)
def test_a_browser_has_the_tls_of_its_engine_or_of_its_system(agent: bytes, client: str) -> None:
    assert claimed_tls_client(agent) == client


@pytest.mark.parametrize(
    ("agent", "ja4", "fit"),
    [
        (CHROME, OF_CHROMIUM, "fits"),
        (CHROME, OF_CHROMIUM.replace("1517", "1618").replace("cb7b", "0000"), "fits"),
        (FIREFOX, OF_FIREFOX, "fits"),
        (CHROME_IPAD_AS_MAC, OF_SAFARI, "fits"),
        (CHROME, OF_CURL, "contradicts"),
        (CHROME, OF_PYTHON, "contradicts"),
        (FIREFOX, OF_CHROMIUM, "contradicts"),
        (CHROME, OF_FIREFOX, "contradicts"),
        (CHROME, OF_OPENSSL, None),  # a proxy that opens TLS for the people behind it
        (CHROME, UNKNOWN, None),
        (CHROME, "", None),
        (CURL, OF_CURL, None),
    ],
)
def test_fit_is_told_where_it_can_be(agent, ja4, fit, make_facts) -> None:
    facts = make_facts(headers=((b"User-Agent", agent),), tls=Tls("TLSv1.3", "x", "", ja4))
    for word in ("fits", "contradicts"):
        expression = compile_expression(f'botproxy.tls_fit eq "{word}"', FINGERPRINT_FIELDS)
        assert expression.matches(facts) == (fit == word)


CHROMIUM_2 = "1:65536;2:0;4:6291456;6:262144|15663105|0|m,a,s,p"
CURL_2 = "3:100;4:33554432;2:0|33488897|0|m,p,s,a"
JAVA_2 = "1:16384;2:0;3:0;4:16777216;5:16384;6:393216|33488897|0|a,m,p,s"
HINTS = b'"Not:A-Brand";v="8", "Chromium";v="156"'


@pytest.mark.parametrize(
    ("agent", "hints", "ja4", "http2", "fit"),
    [
        (CHROME, HINTS, OF_CHROMIUM, CHROMIUM_2, "fits"),
        (CHROME, b"", UNKNOWN, CHROMIUM_2, "fits"),
        (CURL, HINTS, UNKNOWN, CHROMIUM_2, "fits"),
        (FIREFOX, b"", OF_FIREFOX, CHROMIUM_2, "contradicts"),
        (CHROME, HINTS, OF_CHROMIUM, CURL_2, "contradicts"),
        (CURL, b"", OF_CHROMIUM, CURL_2, "contradicts"),  # its TLS alone is a browser's
        (CURL, HINTS, UNKNOWN, CURL_2, "contradicts"),
        (CHROME, b"", OF_CHROMIUM, JAVA_2, None),  # of a proxy that opens TLS, perhaps
        (CHROME_IOS, b"", UNKNOWN, CHROMIUM_2, "contradicts"),
        (CURL, b"", OF_CURL, CURL_2, None),  # claims to be no browser
        (CHROME, HINTS, OF_CHROMIUM, "1:1|1|0|m,a,s,p", None),
        (CHROME, HINTS, OF_CHROMIUM, "", None),
    ],
)
def test_http2_fits_what_user_agent_hints_and_tls_claim(agent, hints, ja4, http2, fit, make_facts) -> None:
    headers = ((b"User-Agent", agent), *(((b"Sec-CH-UA", hints),) if hints else ()))
    facts = make_facts(headers=headers, tls=Tls("TLSv1.3", "x", "", ja4))
    facts = facts._replace(client=facts.client._replace(http2=http2))
    for word in ("fits", "contradicts"):
        expression = compile_expression(f'botproxy.http2_fit eq "{word}"', FINGERPRINT_FIELDS)
        assert expression.matches(facts) == (fit == word)
    for client, theirs in (("chromium", CHROMIUM_2), ("curl", CURL_2), ("java", JAVA_2)):
        expression = compile_expression(f'botproxy.http2_client eq "{client}"', FINGERPRINT_FIELDS)
        assert expression.matches(facts) == (http2 == theirs)
    assert compile_expression('botproxy.http2 contains "|"', FIELDS).matches(facts) == bool(http2)


def test_without_tls_nothing_is_told(make_facts) -> None:
    facts = make_facts(headers=((b"User-Agent", CHROME),))
    assert not compile_expression('botproxy.tls_client ne "x"', FINGERPRINT_FIELDS).matches(facts)
