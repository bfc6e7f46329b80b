"""What stands in front of a site changes headers as it does in life, and takes the visitor's TLS away."""

from __future__ import annotations

import pytest

from botproxy.training.dataset import Labelled
from botproxy.training.in_front import WAYS, through_alb, through_cdn, through_haproxy, through_nginx_kept
from tests.training.test_terminated import recorded

PAGE = (("user-agent", "y"), ("accept", "z"), ("accept-encoding", "gzip, deflate, br, zstd"), ("te", "trailers"))


def names(one: Labelled) -> list[str]:
    return [name for name, _ in one.headers]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_nothing_is_known_of_tls_and_the_visitor_s_headers_keep_their_order(way: object) -> None:
    assert callable(way)
    one = way(recorded(*PAGE))
    assert (one.tls, one.ja3, one.ja4, one.http2) == ("", "", "", "")
    assert [name.lower() for name in names(one) if name.lower() in ("user-agent", "accept")] == ["user-agent", "accept"]
    assert "te" not in [name.lower() for name in names(one)]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_websocket_stays_one(way: object) -> None:
    assert callable(way)
    one = way(recorded(("Host", "shop.test"), ("Connection", "Upgrade"), ("Upgrade", "websocket")))
    said = {name.lower(): value for name, value in one.headers}
    assert (said["upgrade"], said["connection"], one.http) == ("websocket", "upgrade", "HTTP/1.1")


def test_each_spells_and_orders_its_own_as_it_does() -> None:
    nginx, haproxy, alb, cdn = (
        names(way(recorded(*PAGE))) for way in (through_nginx_kept, through_haproxy, through_alb, through_cdn)
    )
    assert nginx[:2] == ["Host", "X-Real-IP"]
    assert haproxy[0] == "host"
    assert haproxy[-2:] == ["x-forwarded-for", "x-forwarded-proto"]
    assert alb[:2] == ["X-Forwarded-For", "X-Forwarded-Proto"]
    assert alb.index("Host") < alb.index("user-agent")
    assert cdn[-3:] == ["CF-Connecting-IP", "CDN-Loop", "CF-IPCountry"]
    assert dict(through_cdn(recorded(*PAGE)).headers)["accept-encoding"] == "gzip, br"
