from __future__ import annotations

from botproxy.training.dataset import Labelled, facts
from botproxy.training.referrers import shortened


def asked(referer: str, session: str = "s") -> Labelled:
    headers = (("host", "shop.test"), ("referer", referer), ("accept", "*/*"))
    return Labelled(
        True, "chromium", "chromium", "156", "browsing", "none", False, session, 0, 0.0, "192.0.2.1", "GET", "/",
        "HTTP/2", True, "shop.test", headers, 0, "page", 200, "text/html", "", "", "", "", "", None,
    )  # fmt: skip


def test_a_site_without_referrers_gets_none_of_its_own_and_those_of_others() -> None:
    own, other = shortened([asked("https://shop.test/a?b"), asked("https://search.test/")], 1, none=1, origin=0)
    assert [name for name, _ in own.headers] == ["host", "accept"]
    assert dict(other.headers)["referer"] == "https://search.test/"
    assert facts(own).short_referer


def test_a_site_that_wants_the_origin_alone_gets_it() -> None:
    (one,) = shortened([asked("https://shop.test/a?b")], 1, none=0, origin=1)
    assert dict(one.headers)["referer"] == "https://shop.test/"


def test_which_site_it_was_is_drawn_by_visit() -> None:
    visits = [asked("https://shop.test/a", session=str(number % 50)) for number in range(500)]
    found: dict[str, set[bool]] = {}
    for one in shortened(visits, 1):
        found.setdefault(one.session, set()).add(one.short_referer)
    assert all(len(each) == 1 for each in found.values())
    assert {True, False} == {each for every in found.values() for each in every}
