"""What origins are told of bots and places, and what not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from botproxy.model import BotManagement, Facts, Place, Score, ScoreSource, Tls, VerifiedBot
from botproxy.proxy.answers import header_lines
from botproxy.proxy.forwarding import OURS
from botproxy.proxy.managed_headers import escaped, managed
from botproxy.proxy.settings import ManagedRequestHeaderSettings

from ..rules.conftest import build

TLS = Tls("TLSv1.3", "TLS_AES_128_GCM_SHA256", "25b4882c2bcb50cd6b469ff28c596742", "t13d1516h2_a_b")


def told(facts: Facts, *switched: str) -> dict[bytes, bytes]:
    made = managed(ManagedRequestHeaderSettings.model_validate(dict.fromkeys(switched, True)))
    assert made is not None
    items = made.of(facts)
    assert len(dict(items)) == len(items)
    return dict(items)


def bots(facts: Facts) -> dict[bytes, bytes]:
    return told(facts, "add_bot_protection_headers")


def places(place: Place | None) -> dict[bytes, bytes]:
    return told(build(place=place), "add_visitor_location_headers")


def test_nothing_is_made_where_nothing_is_switched_on() -> None:
    assert managed(ManagedRequestHeaderSettings()) is None


def test_bot_fields_have_the_values_of_the_original() -> None:
    assert bots(build(score=30, tls=TLS)) == {
        b"cf-bot-score": b"30",
        b"cf-verified-bot": b"false",
        b"cf-ja3-hash": b"25b4882c2bcb50cd6b469ff28c596742",
        b"cf-ja4": b"t13d1516h2_a_b",
    }
    verified = BotManagement(Score(1, ScoreSource.VERIFIED_BOT), VerifiedBot("Somebot", "AI Search"))
    assert bots(build()._replace(bot_management=verified))[b"cf-verified-bot"] == b"true"


def test_what_is_missing_gives_no_header() -> None:
    assert set(bots(build(score=30, secure=False))) == {b"cf-bot-score", b"cf-verified-bot"}
    assert set(bots(build(score=30, tls=Tls("TLSv1.3", "x")))) == {b"cf-bot-score", b"cf-verified-bot"}
    assert set(bots(build(score=0))) == {b"cf-verified-bot"}
    assert bots(build(scoring_failed=True)) == {}
    assert places(None) == {}
    assert places(Place()) == {b"cf-ipcountry": b"XX"}


def test_a_place_is_told_with_all_that_is_known_of_it() -> None:
    place = Place(
        64496, "BR", "SA", "São Paulo", "São Paulo", "SP", "01000", None, "-23.5", "-46.6", "America/Sao_Paulo"
    )
    assert places(place) == {
        b"cf-ipcountry": b"BR",
        b"cf-ipcontinent": b"SA",
        b"cf-ipcity": rb"S\u00c3\u00a3o Paulo",
        b"cf-region": rb"S\u00c3\u00a3o Paulo",
        b"cf-region-code": b"SP",
        b"cf-postal-code": b"01000",
        b"cf-iplatitude": b"-23.5",
        b"cf-iplongitude": b"-46.6",
        b"cf-timezone": b"America/Sao_Paulo",
    }


def test_every_name_is_one_that_no_client_can_send() -> None:
    place = Place(1, "x", "x", "x", "x", "x", "x", "x", "x", "x", "x")
    everything = told(build(score=1, tls=TLS, place=place), *ManagedRequestHeaderSettings.model_fields)
    assert len(everything) == 15
    assert set(everything) <= OURS
    assert everything[b"true-client-ip"] == b"192.0.2.1"


@given(st.text())
def test_text_of_any_database_stays_within_its_header(text: str) -> None:
    assert header_lines([(b"cf-ipcity", escaped(text))]).count(b"\n") == 1
