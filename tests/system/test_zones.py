"""Several sites in one instance: each with hosts, origins, mode, rules and cookies of its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from email.message import Message
from typing import Any, NamedTuple

import pytest

from .conftest import Program, Proxy, Start, browse, until
from .recording import Recording, origin, says


class Answer(NamedTuple):
    status: int
    headers: Message
    body: bytes


def script(port: int, host: str, path: str = "/", **headers: str) -> Answer:
    """Ask as a script does, from 127.0.0.1 or from `source`."""
    source = headers.pop("source", "127.0.0.1")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=(source, 0))
    connection.request("GET", path, headers={"Host": host, **{k.replace("_", "-"): v for k, v in headers.items()}})
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read())
    connection.close()
    return answer


@pytest.fixture
def origins() -> Iterator[dict[str, Recording]]:
    """Three origins, each of which says its name."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(origin(says(name.encode()))) for name in ("shop", "blog", "rest")}


def zone(name: str, hosts: list[str], recording: Recording, **more: Any) -> dict[str, Any]:
    return {"name": name, "hosts": hosts, "origins": [recording.url], **more}


def test_hosts_lead_to_their_zones_and_unknown_ones_are_misdirected(
    start: Start, origins: dict[str, Recording]
) -> None:
    zones = [
        zone("shop", ["shop.example", "www.shop.example"], origins["shop"]),
        zone("blog", ["blog.example", "*.blog.example"], origins["blog"]),
    ]
    proxy = start(config={"unknown_host": "refuse", "zones": zones})
    for host in ("shop.example", "www.shop.example", "SHOP.example", "shop.example.", "shop.example:8080"):
        assert script(proxy.port, host).body == b"shop"
    for host in ("blog.example", "a.blog.example", "a.b.blog.example"):
        assert script(proxy.port, host).body == b"blog"
    for host in ("other.example", "x.shop.example", "notblog.example", "127.0.0.1", "[::1]"):
        assert script(proxy.port, host).status == 421
    event = proxy.event(EdgeResponseStatus=421, ClientRequestHost="other.example")
    assert event["ZoneName"] == ""
    assert proxy.event(ClientRequestHost="a.b.blog.example")["ZoneName"] == "blog"
    assert b"other.example" not in origins["shop"].received + origins["blog"].received


def test_an_unknown_host_may_have_a_zone(start: Start, origins: dict[str, Recording]) -> None:
    zones = [zone("shop", ["shop.example"], origins["shop"]), zone("rest", [], origins["rest"])]
    proxy = start(config={"unknown_host": "rest", "zones": zones})
    assert script(proxy.port, "shop.example").body == b"shop"
    assert script(proxy.port, "whatever.example").body == b"rest"
    assert b"Host: whatever.example\r\n" in origins["rest"].received


BLOCK_CRAWL = {"ref": "no-crawl", "expression": 'http.request.uri.path contains "/crawl"', "action": "block"}


def test_each_zone_has_its_own_mode_and_one_command_switches_one(start: Start, origins: dict[str, Recording]) -> None:
    zones = [
        zone("shop", ["shop.example"], origins["shop"], mode="enforce", rules=[BLOCK_CRAWL]),
        zone("blog", ["blog.example"], origins["blog"], rules=[BLOCK_CRAWL]),
    ]
    proxy = start(config={"mode": "observe", "zones": zones, "unknown_host": "refuse"})
    assert script(proxy.port, "shop.example", "/crawl").status == 403
    assert script(proxy.port, "blog.example", "/crawl").status == 200
    enforced = proxy.event(ZoneName="shop")
    assert (enforced["BotproxyMode"], enforced["SecurityAction"]) == ("enforce", "block")
    observed = proxy.event(ZoneName="blog")
    assert (observed["BotproxyMode"], observed["SecurityAction"]) == ("observe", "log")
    assert observed["BotproxyWouldAction"] == "block"
    switch = Program(proxy.data / "switch", "mode", "enforce", "--zone", "blog", "--admin", proxy.admin_address)
    switch.process.wait(20)
    assert switch.stop() == 0, switch.said()
    until(lambda: script(proxy.port, "blog.example", "/crawl").status == 403, 5, "blog enforces")
    assert script(proxy.port, "shop.example", "/crawl").status == 403


def test_rules_of_a_zone_block_log_and_skip_in_their_order(start: Start, origins: dict[str, Recording]) -> None:
    rules = [
        {"ref": "note", "expression": 'http.request.uri.path contains "/a"', "action": "log"},
        {"ref": "partner", "expression": 'any(http.request.headers["x-partner"][*] eq "yes")', "action": "skip"},
        {"ref": "no-a", "description": "nobody", "expression": 'starts_with(http.request.uri.path, "/a")',
         "action": "block"},
        {"ref": "off", "expression": 'http.request.uri.path eq "/c"', "action": "block", "enabled": False},
    ]  # fmt: skip
    zones = [
        zone("shop", ["shop.example"], origins["shop"], rules=rules),
        zone("blog", ["blog.example"], origins["blog"], rules=[]),
    ]
    proxy = start(config={"mode": "enforce", "zones": zones, "unknown_host": "refuse"})

    page = browse(proxy.port, "/a", host="shop.example")
    assert page.status == 403
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.ray.encode() in page.body
    assert page.headers["cf-mitigated"] is None
    event = proxy.event(RayID=page.ray)
    assert event["SecurityActions"] == ["log", "block"]
    assert event["SecurityRuleID"] == event["SecurityRuleIDs"][-1]
    assert event["SecurityRuleDescription"] == "nobody"

    answer = script(proxy.port, "shop.example", "/a")
    assert answer.status == 403
    assert json.loads(answer.body)["error"]["status"] == 403

    assert script(proxy.port, "shop.example", "/%61").status == 403
    assert script(proxy.port, "shop.example", "//a").status == 403
    assert script(proxy.port, "shop.example", "/a", X_Partner="yes").status == 200
    assert script(proxy.port, "shop.example", "/c").status == 200
    assert script(proxy.port, "blog.example", "/a").status == 200
    assert script(proxy.port, "shop.example", "/b/a").status == 200
    assert proxy.event(ClientRequestPath="/b/a")["SecurityActions"] == ["log"]


def test_cookies_are_for_the_host_alone_unless_the_zone_names_a_domain(
    start: Start, origins: dict[str, Recording]
) -> None:
    zones = [
        zone("shop", ["shop.example", "www.shop.example"], origins["shop"], cookies={"cookie_domain": "shop.example"}),
        zone("blog", ["blog.example"], origins["blog"]),
        zone("rest", [], origins["rest"], cookies={"bm_cookie_enabled": False}),
    ]
    proxy = start(config={"zones": zones, "unknown_host": "rest"})
    shared = browse(proxy.port, host="www.shop.example").headers["Set-Cookie"]
    assert "domain=shop.example" in shared.lower()
    own = browse(proxy.port, host="blog.example").headers["Set-Cookie"]
    assert own.startswith("__cf_bm=")
    assert "domain=" not in own.lower()
    assert browse(proxy.port, host="elsewhere.example").headers["Set-Cookie"] is None
    # A cookie of one zone says nothing in another: it is as good as none, so a new one is set.
    carried = ("Cookie", shared.split(";")[0])
    assert browse(proxy.port, "/", carried, host="shop.example").headers["Set-Cookie"] is None
    assert browse(proxy.port, "/", carried, host="blog.example").headers["Set-Cookie"] is not None


def test_a_tls_listener_serves_its_certificate_and_the_origin_hears_of_https(
    start: Start, origins: dict[str, Recording], certificates: Any, free_port: Any
) -> None:
    port, plain = free_port(), free_port()
    tls = {"certificate": str(certificates.certificate_file), "key": str(certificates.key_file)}
    listeners = [{"address": f"127.0.0.1:{port}", "tls": tls}]

    def begin() -> Proxy:
        # `start` waits on a plain listener, so one stands beside the one that is meant.
        config = {"zones": [zone("shop", [], origins["shop"])], "unknown_host": "shop"}
        return start(config={**config, "listeners": [*listeners, {"address": f"127.0.0.1:{plain}"}]}, port=plain)

    proxy = begin()
    context = ssl.create_default_context(cafile=str(certificates.authority_file))
    with urllib.request.urlopen(f"https://localhost:{port}/secret", context=context, timeout=10) as answer:
        assert answer.read() == b"shop"
        cookie = answer.headers["Set-Cookie"]
    assert "secure" in cookie.lower()
    assert b"X-Forwarded-Proto: https\r\n" in origins["shop"].received
    event = proxy.event(ClientRequestPath="/secret")
    assert event["ClientRequestScheme"] == "https"
    assert event["ClientSSLProtocol"].startswith("TLSv1.")


def test_forwarded_addresses_are_believed_from_listed_peers_alone(start: Start, origins: dict[str, Recording]) -> None:
    config = {
        "zones": [zone("shop", [], origins["shop"])],
        "unknown_host": "shop",
        "forwarding": {"trusted": ["127.0.0.1"], "hops": 1},
    }
    proxy = start(config=config)
    told = {"X_Forwarded_For": "198.51.100.9, 203.0.113.7", "X_Forwarded_Proto": "https"}
    script(proxy.port, "shop.example", "/listed", **told)
    script(proxy.port, "shop.example", "/unlisted", source="127.0.0.2", **told)
    script(proxy.port, "shop.example", "/mapped", X_Forwarded_For="::ffff:203.0.113.8")
    script(proxy.port, "shop.example", "/forged", CF_Connecting_IP="192.0.2.1", X_Forwarded_For="203.0.113.7")

    event = proxy.event(ClientRequestPath="/listed")
    assert (event["ClientIP"], event["ClientRequestScheme"]) == ("203.0.113.7", "https")
    event = proxy.event(ClientRequestPath="/unlisted")
    assert (event["ClientIP"], event["ClientRequestScheme"]) == ("127.0.0.2", "http")
    assert proxy.event(ClientRequestPath="/mapped")["ClientIP"] == "203.0.113.8"

    heads = {head.split(b" ")[1]: head for head in origins["shop"].received.split(b"\r\n\r\n") if head}
    assert b"X-Forwarded-For: 198.51.100.9, 203.0.113.7, 127.0.0.1\r\n" in heads[b"/listed"]
    assert b"CF-Connecting-IP: 203.0.113.7\r\n" in heads[b"/listed"]
    assert b"X-Forwarded-For: 127.0.0.2\r\n" in heads[b"/unlisted"]
    assert b"203.0.113.7" not in heads[b"/unlisted"]
    assert b"X-Forwarded-Proto: http\r\n" in heads[b"/unlisted"]
    assert b"192.0.2.1" not in heads[b"/forged"]
    assert heads[b"/forged"].lower().count(b"cf-connecting-ip") == 1


def test_health_paths_answer_listed_peers_and_are_the_sites_own_for_everybody_else(
    start: Start, origins: dict[str, Recording]
) -> None:
    config = {
        "zones": [zone("shop", [], origins["shop"])],
        "unknown_host": "shop",
        "health": {"peers": ["127.0.0.1"]},
        "timeouts": {"drain": "5s"},
    }
    proxy = start(config=config)
    assert script(proxy.port, "any", "/livez").body == b"ok\n"
    for path in ("/livez", "/readyz"):
        assert script(proxy.port, "any", path, source="127.0.0.2").body == b"shop"
    # While it ends it lives, and is no longer ready: a kept connection hears so.
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    connection.request("GET", "/readyz")
    assert connection.getresponse().read() == b"ok\n"
    os.kill(proxy.program.process.pid, signal.SIGTERM)

    def refused() -> bool:
        try:
            socket.create_connection(("127.0.0.1", proxy.port), timeout=5).close()
        except ConnectionRefusedError:
            return True
        return False

    until(refused, 10, "no new connections")
    connection.request("GET", "/readyz")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Connection"]) == (503, "close")
    connection.close()
