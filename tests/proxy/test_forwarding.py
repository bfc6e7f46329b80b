"""What the origin is sent, whatever came."""

from __future__ import annotations

import re
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.model import Client, Headers, Request
from botproxy.proxy.blocks import RequestReader
from botproxy.proxy.forwarding import (
    HOP_BY_HOP,
    OURS,
    _Passing,
    items_without,
    lines_without,
    request_head,
    response_headers,
    strip_ours,
    unremarkable,
)
from botproxy.proxy.own_cookies import USUAL, OwnCookies


def head(*items: tuple[bytes, bytes], peer: str = "192.0.2.1", length: int | None = 0, method: bytes = b"GET") -> bytes:
    headers = Headers(strip_ours(((b"Host", b"example.com"), *items)))
    request = Request(
        "0" * 16, 0.0, method, b"/a", b"/a", None, "HTTP/1.1", True, b"example.com", "example.com", headers, length
    )
    return request_head(request, Client(ip_address("192.0.2.1"), "192.0.2.1", 1, peer), b"0" * 16 + b"-BOT")


@pytest.mark.parametrize("name", sorted(OURS))
def test_what_only_we_say_cannot_be_sent_by_a_client(name: bytes) -> None:
    for spelling in (name, name.upper(), name.replace(b"-", b"_")):
        assert strip_ours(((spelling, b"forged"),)) == ()


def test_forwarded_addresses_of_strangers_are_replaced_and_of_listed_peers_appended() -> None:
    sent = (b"X-Forwarded-For", b"203.0.113.9")
    assert b"\r\nX-Forwarded-For: 192.0.2.1\r\n" in head(sent)
    assert b"\r\nX-Forwarded-For: 203.0.113.9, 10.0.0.1\r\n" in head(sent, peer="10.0.0.1")
    assert b"203.0.113.9" not in head((b"X_Forwarded_For", b"203.0.113.9"))


def test_connection_cannot_remove_what_matters_and_hop_by_hop_headers_end_here() -> None:
    sent = head(
        (b"Connection", b"host, cookie, cf-connecting-ip, x-drop"), (b"Cookie", b"a=b"), (b"X-Drop", b"1"),
        (b"Keep-Alive", b"5"), (b"TE", b"trailers"), (b"Upgrade", b"h2c"), (b"HTTP2-Settings", b"x"),
    )  # fmt: skip
    assert b"\r\nHost: example.com\r\n" in sent
    assert b"\r\nCookie: a=b\r\n" in sent
    assert b"\r\nCF-Connecting-IP: 192.0.2.1\r\n" in sent
    for gone in (b"x-drop", b"keep-alive", b"te:", b"upgrade:", b"http2-settings", b"connection: "):
        assert b"\r\n" + gone not in sent.lower()


def test_the_loop_token_is_appended_and_never_removes() -> None:
    assert b"\r\nCDN-Loop: other, botproxy\r\n" in head((b"CDN-Loop", b"other"))


def test_one_framing_is_written() -> None:
    assert b"Transfer-Encoding: chunked\r\n" in head((b"Transfer-Encoding", b"chunked"), length=None)
    assert head((b"Content-Length", b"7"), length=7).count(b"Content-Length: 7\r\n") == 1
    assert b"Content-Length: 0\r\n" in head(length=0, method=b"POST")
    assert b"Content-Length" not in head()


def test_our_cookies_do_not_reach_the_origin() -> None:
    assert b"\r\nCookie: a=b; c=d\r\n" in head((b"Cookie", b"a=b; __cf_bm=x; cf_clearance=y; cf_chl_rc_ni=1; c=d"))
    assert b"Cookie" not in head((b"Cookie", b"__cf_bm=x"))


RENAMED = OwnCookies("sid", "clr")


def sent_with(cookies: OwnCookies, *items: tuple[bytes, bytes]) -> list[bytes]:
    """The Cookie headers that the origin gets, of the same block twice and of another zone's between."""
    headers = Headers(strip_ours(((b"Host", b"h"), *items)))
    request = Request("0" * 16, 0.0, b"GET", b"/", b"/", None, "HTTP/1.1", True, b"h", "h", headers, 0)
    client = Client(ip_address("192.0.2.1"), "192.0.2.1", 1, "192.0.2.1")
    first, _, again = [request_head(request, client, b"0-BOT", cookies=each) for each in (cookies, USUAL, cookies)]
    assert first == again
    return re.findall(rb"\r\nCookie: ([^\r]*)", first)


def test_cookies_that_were_renamed_do_not_reach_the_origin_either() -> None:
    ours = b"a=b; sid=1; sidecar=2; clr=3;xsid=4; __cf_bm=5; c=sid=6"
    assert sent_with(RENAMED, (b"Cookie", ours)) == [b"a=b; sidecar=2;xsid=4; c=sid=6"]
    assert sent_with(USUAL, (b"Cookie", ours)) == [b"a=b; sid=1; sidecar=2; clr=3;xsid=4; c=sid=6"]
    assert sent_with(RENAMED, (b"Cookie", b"sid=1; clr=2")) == []
    assert sent_with(RENAMED, (b"Cookie", b"sid=1; q=2"), (b"Cookie", b"clr=3"), (b"Cookie", b"z=1")) == [
        b"q=2",
        b"z=1",
    ]


def test_an_origin_cannot_set_cookies_that_were_renamed() -> None:
    kept = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=sid=1\r\nset-cookie: sids=2\r\nX-Set-Cookie: sid=3\r\n"
    forged = b"Set-Cookie: sid=1; Path=/\r\nSET-COOKIE:clr =x\r\nset-cookie: \tsid\r\n"
    assert RENAMED.kept_from(kept + forged) == kept
    assert RENAMED.kept_from(kept[:17] + forged + kept[17:]) == kept
    assert USUAL.kept_from(kept + forged) == kept + forged


_NAMES = st.sampled_from(
    [b"Host", b"accept", b"X-Real-IP", b"x_real_ip", b"CF_Ray", b"Cookie", b"cookie", b"X_Free", b"X-Forwarded-For"]
)
_VALUES = st.sampled_from([b"", b"a", b"b ", b"c\t", b"d e", b"_"])


@given(st.lists(st.tuples(_NAMES, _VALUES), unique_by=lambda item: item[0]))
def test_telling_apart_what_needs_no_stripping_changes_nothing(items: list[tuple[bytes, bytes]]) -> None:
    clean = strip_ours(items)  # from here on its names are known
    assert unremarkable(dict(items)) <= (clean == tuple(items))
    head = b"GET / HTTP/1.1\r\n%b\r\n" % b"".join([b"%b: %b\r\n" % item for item in items])
    read = RequestReader(100).read(head).headers
    assert read.items == clean
    assert read.index == Headers(clean).index


def test_hop_by_hop_headers_of_a_response_end_here() -> None:
    kept = [(b"Server", b"x"), (b"Content-Length", b"5"), (b"X-Free", b"1")]
    ending = [(name.title(), b"x") for name in sorted(HOP_BY_HOP)]
    assert response_headers([*kept, *ending]) == kept


def test_names_that_the_origins_connection_lists_end_here_but_not_what_visitors_need() -> None:
    items = [(b"X-Hop", b"1"), (b"x_other", b"2"), (b"Set-Cookie", b"a=b"), (b"Content-Type", b"text/html")]
    assert response_headers(items, b"x-hop, X-Other, set-cookie, content-type, close") == items[2:]
    assert response_headers(items, b"keep-alive") == items
    assert response_headers(items) == items


@pytest.mark.parametrize(
    "item",
    [
        (b"Set-Cookie", b"__cf_bm=forged; Path=/"),
        (b"set-cookie", b" cf_clearance =forged"),
        (b"SET-COOKIE", b"__cf_bm"),
        (b"CF-RAY", b"0"),
        (b"cf_mitigated", b"challenge"),
        (b"X-Accel-Buffering", b"no"),
    ],
)
def test_an_origin_cannot_say_what_only_we_may_say(item: tuple[bytes, bytes]) -> None:
    for _ in range(2):  # what passes is remembered by name, and must not pass for it
        assert response_headers([(b"Server", b"x"), item]) == [(b"Server", b"x")]


def test_cookies_of_the_site_keep_their_order_and_their_number() -> None:
    cookies = [(b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"__cf_bm2=1"), (b"Set-Cookie", b"x=__cf_bm=1")]
    assert response_headers(cookies) == cookies


@pytest.mark.parametrize(
    "name", [b"CF_Bot_Score", b"cf.bot.score", b"Cf-Bot_Score", b"CF+BOT~SCORE", b"cf|ja4", b"CF_JA4"]
)
def test_no_spelling_that_a_server_could_take_for_ours_comes_through(name: bytes) -> None:
    """CGI makes CF_BOT_SCORE of all of these on one server or another."""
    assert strip_ours(((name, b"99"),)) == ()
    assert b"99" not in head((name, b"99"))


def test_headers_that_are_replaced_do_not_go_on_in_any_spelling_and_the_next_request_has_them_again() -> None:
    headers = Headers(
        strip_ours(((b"Host", b"h"), (b"X_Score", b"forged"), (b"x-score", b"forged"), (b"Accept", b"a")))
    )
    request = Request("0" * 16, 0.0, b"GET", b"/", b"/", None, "HTTP/1.1", True, b"h", "h", headers, 0)
    client = Client(ip_address("192.0.2.1"), "192.0.2.1", 1, "192.0.2.1")

    def sent(**more: object) -> bytes:
        return request_head(request, client, b"0" * 16 + b"-BOT", **more)  # type: ignore[arg-type]

    before = sent()
    assert before.count(b"forged") == 2
    replaced = sent(extra=((b"X-Score", b"7"),), without=frozenset((b"x-score",)))
    assert b"forged" not in replaced
    assert replaced.count(b"\r\nX-Score: 7\r\n") == 1
    assert b"\r\nAccept: a\r\n" in replaced
    assert sent() == before


def test_headers_of_an_answer_go_in_every_spelling_and_its_first_line_stays() -> None:
    head = b"HTTP/1.1 200 server: x\r\nServer: a\r\nSERVER: b\r\nX_Powered_By: c\r\nDate: d\r\n"
    assert lines_without(head, (b"server", b"x-powered-by")) == b"HTTP/1.1 200 server: x\r\nDate: d\r\n"
    items = ((b"Server", b"a"), (b"X_Powered_By", b"c"), (b"Date", b"d"))
    assert items_without(items, (b"server", b"x-powered-by")) == [(b"Date", b"d")]


_SET: tuple[bytes, ...] = (
    *(b"host", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"cf-connecting-ip", b"cf-visitor"),
    *(b"cf-ray", b"cdn-loop", b"content-length", b"cf-bot-score", b"true-client-ip", b"cf-ipcountry"),
)


@st.composite
def _spelled(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A header of ours as a client could spell it, in the hope that some server takes it for ours."""
    name = draw(st.sampled_from(_SET[1:]))
    parts = [part.upper() if draw(st.booleans()) else part.title() for part in name.split(b"-")]
    spelled = parts[0]
    for part in parts[1:]:
        spelled += draw(st.sampled_from([b"-", b"_", b".", b"~", b"|", b"+"])) + part
    return spelled, b"f0rged"


@given(st.lists(_spelled(), max_size=12))
def test_what_we_tell_an_origin_stands_there_once_and_nobody_elses_word_beside_it(
    sent: list[tuple[bytes, bytes]],
) -> None:
    items = ((b"Host", b"example.com"), *[item for item in sent if item[0].lower() != b"content-length"])
    headers = Headers(strip_ours(items))
    request = Request("0" * 16, 0.0, b"POST", b"/", b"/", None, "HTTP/1.1", True, b"h", "h", headers, 7)
    extra = ((b"cf-bot-score", b"1"), (b"true-client-ip", b"192.0.2.1"), (b"cf-ipcountry", b"XX"))
    client = Client(ip_address("192.0.2.1"), "192.0.2.1", 1, "192.0.2.1")
    out = request_head(request, client, b"0" * 16 + b"-BOT", extra=extra)
    names = [re.sub(rb"[^a-z0-9]", b"-", line.partition(b":")[0].lower()) for line in out.split(b"\r\n")[1:] if line]
    assert sorted(name for name in names if name in _SET) == sorted(_SET)
    # The one header that came and is told on: others wrote it before us (RFC 8586 section 2).
    assert all(line.startswith(b"CDN-Loop: ") for line in out.split(b"\r\n") if b"f0rged" in line)


def test_names_that_are_made_up_are_remembered_up_to_a_bound_and_no_further() -> None:
    passing = _Passing(OURS)
    assert all(passing.passes(b"x-%d" % number) for number in range(10_000))
    assert not any(passing.passes(b"CF_RAY") for _ in range(2))
    assert len(passing.known) == 4096
    assert not _Passing(OURS).known
    long = _Passing(OURS)
    assert long.passes(b"x" * 65)
    assert not long.known
