"""A solution counts for the visitor, the site and the time it was asked for, and only when the work was done."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botproxy.challenges import PURPOSE, Failed, Passed, Reason, verify
from botproxy.cookies import KeyRing, Sealer
from botproxy.model import ClearanceLevel, Headers


def judge(site: Any, page: Any, answer: str, **more: Any) -> Passed | Failed:
    given: dict[str, Any] = {
        "sealer": site.sealer,
        "now": site.now + 1,
        "zone": "shop",
        "headers": site.request().headers,
        "client": site.client,
        "token": page.token,
        "answer": answer,
    }
    return verify(**{**given, **more})


def reason(judged: Passed | Failed) -> Reason:
    assert isinstance(judged, Failed)
    return judged.reason


def test_a_whole_solution_passes_at_once(site: Any) -> None:
    page = site.page(site.request(b"/wanted", b"a=1"))
    judged = judge(site, page, site.solution(page))
    assert isinstance(judged, Passed)
    ticket = judged.ticket
    assert ticket.nonce == page.nonce
    assert (ticket.level, ticket.ray, ticket.destination) == (ClearanceLevel.JS, site.ray, "/wanted?a=1")
    assert judged.ttl >= 299


def test_a_part_passes_once_its_time_is_over_by_our_clock(site: Any) -> None:
    page = site.page()
    early = judge(site, page, site.solution(page, 2))
    assert isinstance(early, Failed)
    assert (early.reason, early.wait) == (Reason.EARLY, 1.5)
    assert isinstance(judge(site, page, site.solution(page, 2), now=site.now + 2.5), Passed)


def test_less_than_the_minimum_never_passes(site: Any) -> None:
    page = site.page()
    assert reason(judge(site, page, site.solution(page, 1), now=site.now + 200)) is Reason.WORK


def test_wrong_work_never_passes(site: Any) -> None:
    page = site.page()
    answer = site.solution(page)
    for wrong in ("", "0" * 64, "f" * 64, answer[:8] * 8, answer[:-8], answer + answer[:8], answer.upper() + "\n"):
        assert reason(judge(site, page, wrong)) in (Reason.WORK, Reason.EARLY)
        if wrong != answer[:-8]:
            assert reason(judge(site, page, wrong, now=site.now + 200)) is Reason.WORK


def test_time_is_bounded_on_both_sides(site: Any) -> None:
    page = site.page()
    answer = site.solution(page)
    assert reason(judge(site, page, answer, now=site.now + 300)) is Reason.EXPIRED
    assert reason(judge(site, page, answer, now=site.now - 61)) is Reason.EXPIRED
    assert isinstance(judge(site, page, answer, now=site.now - 30), Passed)


@pytest.mark.parametrize(
    ("bind_address", "address", "passes"),
    [
        ("exact", "192.0.2.7", True),
        ("exact", "192.0.2.8", False),
        ("network", "192.0.2.8", True),
        ("network", "192.0.3.7", False),
        ("network", "2001:db8::1", False),
        ("none", "2001:db8::1", True),
    ],
)
def test_it_is_bound_to_the_address_as_the_zone_asks(site: Any, bind_address: str, address: str, passes: bool) -> None:
    page = site.page(bind_address=bind_address)
    judged = judge(site, page, site.solution(page), client=site.visitor_at(address))
    assert isinstance(judged, Passed) if passes else reason(judged) is Reason.MOVED


def test_another_browser_does_not_hand_it_in(site: Any) -> None:
    page = site.page()
    other = Headers(((b"User-Agent", b"Browser/2"),))
    assert reason(judge(site, page, site.solution(page), headers=other)) is Reason.VISITOR
    assert reason(judge(site, page, site.solution(page), headers=Headers(()))) is Reason.VISITOR


def test_it_counts_for_its_own_site_alone(site: Any) -> None:
    page = site.page()
    answer = site.solution(page)
    other = Sealer(site.keyring, PURPOSE, "other")
    assert reason(judge(site, page, answer, sealer=other, zone="other")) is Reason.FORGED
    assert reason(judge(site, page, answer, zone="other")) is Reason.ZONE


def test_a_token_of_other_keys_or_another_purpose_is_forged(site: Any) -> None:
    page = site.page()
    answer = site.solution(page)
    stranger = Sealer(KeyRing([b"another secret of enough length!"]), PURPOSE, "shop")
    assert reason(judge(site, page, answer, sealer=stranger)) is Reason.FORGED
    assert reason(judge(site, page, answer, sealer=Sealer(site.keyring, "clearance", "shop"))) is Reason.FORGED


def test_a_rotated_out_secret_still_opens(site: Any) -> None:
    page = site.page()
    ring = KeyRing([b"a new secret of more than enough", b"k" * 16 + b"0123456789abcdef"])
    assert isinstance(judge(site, page, site.solution(page), sealer=Sealer(ring, PURPOSE, "shop")), Passed)


def test_no_changed_character_goes_unnoticed(site: Any) -> None:
    page = site.page()
    answer = site.solution(page)
    for at in range(0, len(page.token), 7):
        changed = page.token[:at] + ("A" if page.token[at] != "A" else "B") + page.token[at + 1 :]
        assert reason(judge(site, page, answer, token=changed)) is Reason.FORGED


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(token=st.text(max_size=100))
def test_arbitrary_tokens_fail_cleanly(site: Any, token: str) -> None:
    assert reason(judge(site, site.page(), "00000000", token=token)) in (Reason.FORGED, Reason.MALFORMED)
