from __future__ import annotations

import pytest

from botproxy.traffic import Referrals
from botproxy.traffic.referrals import PAGES, shortens


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (b"", False),
        (b"no-referrer", True),
        (b"NO-REFERRER ", True),
        (b"strict-origin", True),
        (b"origin", True),
        (b"strict-origin-when-cross-origin", False),
        (b"same-origin", False),
        (b"no-referrer, strict-origin-when-cross-origin", False),  # the last one that is known counts
        (b"no-referrer, something-of-tomorrow", True),
        (b"nonsense", False),
        (b"," * 10_000, False),
    ],
)
def test_a_policy_shortens_what_browsers_say_to_the_site_itself(policy: bytes, expected: bool) -> None:
    assert shortens(policy) is expected


def test_a_site_is_known_by_its_first_page() -> None:
    site = Referrals()
    assert not site.short
    site.page(b"no-referrer")
    assert site.short


def test_some_pages_with_such_a_policy_are_enough_and_none_for_long_is_not() -> None:
    site = Referrals()
    for number in range(500):
        site.page(b"no-referrer" if number % 20 == 0 else b"")
    assert site.short
    for _ in range(10 * PAGES):
        site.page(b"")
    assert not site.short
