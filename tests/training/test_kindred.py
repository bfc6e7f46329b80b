from __future__ import annotations

import pytest

from botproxy.training.dataset import Labelled
from botproxy.training.kindred import KINDS, Kind, called, dressed, engine_of, kindred

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PAGE = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)


def recorded(*headers: tuple[str, str], session: str = "s", human: bool = True) -> Labelled:
    return Labelled(
        human, "chromium", "chromium", "147", "browsing", "none", False, session, 0, 0.0, "192.0.2.1", "GET", "/",
        "HTTP/2", True, "shop.test", headers, 0, "page", 200, "text/html", "",
        "t13d1516h2_8daaf6152771_d8a2da3f94cd", "TLSv1.3", "c", "1:1|0|0|m,a,s,p", None,
    )  # fmt: skip


def page(agent: str = CHROME, session: str = "s", human: bool = True) -> Labelled:
    return recorded(
        ("sec-ch-ua", '"Google Chrome";v="147", "Chromium";v="147", "Not_A Brand";v="24"'), ("sec-ch-ua-mobile", "?0"),
        ("sec-ch-ua-platform", '"Windows"'), ("user-agent", agent), ("accept", PAGE), ("sec-fetch-site", "none"),
        ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("accept-encoding", "gzip, deflate, br, zstd"),
        ("accept-language", "de-DE"), ("priority", "u=0, i"), session=session, human=human,
    )  # fmt: skip


def kind(name: str) -> Kind:
    return next(each for each in KINDS if each.name == name)


def test_a_fork_has_its_brand_everywhere_and_keeps_order_and_spelling() -> None:
    headers = dict(dressed(page(), kind("samsung"), 147, "1").headers)
    assert [name for name, _ in page().headers] == list(headers)
    assert "SamsungBrowser/27.0 Chrome/147.0.0.0 Mobile" in headers["user-agent"]
    assert headers["sec-ch-ua"].startswith('"Samsung Internet";v="27.0", "Chromium";v="147"')
    assert (headers["sec-ch-ua-mobile"], headers["sec-ch-ua-platform"]) == ("?1", '"Android"')


def test_an_old_version_leaves_out_what_it_did_not_send_yet() -> None:
    headers = dict(dressed(page(), Kind("x", "chromium", kind("chrome-old").dress), 147, "3").headers)
    assert not {"priority", "sec-ch-ua-platform"} & set(headers)
    assert "zstd" not in headers["accept-encoding"]


def test_a_page_in_an_app_may_name_the_app() -> None:
    made = [dict(dressed(page(), kind("instagram"), 147, str(seed)).headers) for seed in range(20)]
    assert all("; wv)" in headers["user-agent"] for headers in made)
    assert {headers.get("x-requested-with") for headers in made} == {None, "com.instagram.android"}


@pytest.mark.parametrize(
    ("agent", "engine"),
    [
        (CHROME, ("chromium", 147)),
        (FIREFOX, ("firefox", 140)),
        (CHROME.replace("Chrome/", "HeadlessChrome/"), ("", 0)),
        ("python-requests/2.32.3", ("", 0)),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", ("", 0)),
    ],
)
def test_only_browsers_have_relatives(agent: str, engine: tuple[str, int]) -> None:
    assert engine_of(agent) == engine


def test_who_it_becomes_is_drawn_by_visit_and_says_nothing_of_the_label() -> None:
    visits = [page(session=str(number % 40), human=number % 40 < 20) for number in range(400)]
    found = list(kindred(visits, 1))
    assert len(found) == 400
    one_each = {one.session: one.client for one in found}
    assert all(one_each[one.session] == one.client for one in found)
    swapped = [one._replace(human=not one.human) for one in visits]
    assert [one.client for one in kindred(swapped, 1)] == [one.client for one in found]


def test_nobody_who_claims_no_browser_is_told_again() -> None:
    assert not list(kindred([page("curl/8.5.0")], 1))


def test_all_kinds_keep_every_request_readable() -> None:
    bases = {"chromium": CHROME, "firefox": FIREFOX, "safari": CHROME.replace("537.36", "605.1.15")}
    for each in KINDS:
        made = dressed(page(bases[each.engine]), each, 147, "1")
        names = [name for name, _ in made.headers]
        assert len(names) == len(set(names))
        assert dict(made.headers)["user-agent"].startswith("Mozilla/5.0 (")
        assert called(each) == f"as-{each.name}"
