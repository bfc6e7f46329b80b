from __future__ import annotations

from botproxy.training.dataset import Labelled
from botproxy.training.terminated import directly, plainly, through_proxy, varied


def recorded(*headers: tuple[str, str], session: str = "s") -> Labelled:
    http2 = "1:1|0|0|m,a,s,p"
    return Labelled(
        True, "chromium", "chromium", "156", "browsing", "none", False, session, 0, 0.0, "192.0.2.1", "GET", "/",
        "HTTP/2", True, "shop.test", headers, 0, "page", 200, "text/html", "ja3", "ja4", "TLSv1.3", "c", http2, None,
    )  # fmt: skip


def test_chromium_over_http_1_names_connection_second_and_keeps_its_hints_small() -> None:
    one = directly(recorded(("sec-ch-ua", "x"), ("user-agent", "y"), ("priority", "u=0"), ("accept", "z")))
    assert [name for name, _ in one.headers] == ["Host", "Connection", "sec-ch-ua", "User-Agent", "Accept"]
    assert (one.http, one.http2, one.ja4) == ("HTTP/1.1", "", "ja4")


def test_firefox_names_connection_after_what_it_accepts() -> None:
    headers = (("user-agent", "y"), ("accept", "z"), ("accept-encoding", "gzip"), ("dnt", "1"), ("te", "trailers"))
    one = directly(recorded(*headers))
    assert [name for name, _ in one.headers] == ["Host", "User-Agent", "Accept", "Accept-Encoding", "Connection", "DNT"]


def test_what_came_over_http_1_stays_as_it_is() -> None:
    one = recorded(("Host", "shop.test"))._replace(http="HTTP/1.1")
    assert directly(one) is one


def test_behind_another_proxy_nothing_is_known_of_tls() -> None:
    one = through_proxy(recorded(("user-agent", "y"), ("te", "trailers")))
    assert one.headers == (("Host", "shop.test"), ("Connection", "close"), ("user-agent", "y"))
    assert (one.tls, one.ja3, one.ja4, one.http2) == ("", "", "", "")


def test_over_plain_http_a_browser_keeps_back_what_only_https_gets() -> None:
    headers = (("sec-ch-ua", "x"), ("accept-encoding", "gzip, deflate, br, zstd"), ("sec-fetch-mode", "navigate"))
    one = plainly(recorded(*headers))
    assert one.headers == (("Host", "shop.test"), ("Connection", "keep-alive"), ("Accept-Encoding", "gzip, deflate"))
    assert (one.secure, one.tls, one.ja4) == (False, "", "")


def test_a_visit_comes_all_of_it_one_way() -> None:
    visits = [recorded(("user-agent", "y"), session=str(number % 20)) for number in range(200)]
    ways: dict[str, set[str]] = {}
    for one in varied(visits, 1):
        ways.setdefault(one.session, set()).add(one.http)
    assert all(len(found) == 1 for found in ways.values())
    assert {way for found in ways.values() for way in found} == {"HTTP/1.0", "HTTP/1.1"}


def test_a_websocket_stays_one_behind_another_proxy() -> None:
    headers = (("Host", "shop.test"), ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "x"))
    one = through_proxy(recorded(*headers)._replace(http="HTTP/1.1"))
    expected = (("Host", "shop.test"), ("Upgrade", "websocket"), ("Connection", "upgrade"), ("Sec-WebSocket-Key", "x"))
    assert one.headers == expected
    assert (one.http, one.tls, one.ja4) == ("HTTP/1.1", "", "")
