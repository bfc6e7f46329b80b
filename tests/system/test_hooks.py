"""Hooks and headers for the origin, from a configuration file to the wire and to the event."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from .conftest import Page, Proxy, Start, browse, descendants, until
from .recording import Recording, Script, origin

HOOK = r"""
import os, sys, time

from botproxy.hooks import Forward, Request, Response


def decide(request: Request) -> Response | Forward | None:
    word = request.url.rpartition("/")[2]
    if word == "answer":
        return Response.json({"cf": request.cf, "method": request.method}, 418, {"X-Hook": "1", "Set-Cookie": "a=b"})
    if word == "change":
        return Forward(
            {"X-Score": str(request.cf.botManagement.score), "Accept-Language": None},
            {
                "Server": None,
                "X-Powered-By": "a hook",
                "Cache-Control": "public, max-age=60",
                "Set-Cookie": "c=d",
                "Content-Type": "text/css",
            },
        )
    if word == "slow":
        print("sleeping")
        time.sleep(30)
    if word == "die":
        os._exit(1)
    if word == "raise":
        raise LookupError("nothing")
    if word == "print":
        print("seen", request.url, "\x1b[2Jand\rmore")
    if word == "nap":
        print("napping")
        time.sleep(1)
        return Response("awake")
    return None
"""


def says_more() -> Script:
    """An origin with headers that hooks may want to change."""

    def script(connection: socket.socket, recording: Recording) -> None:
        while recording.head(connection):
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nServer: origin\r\nX_Powered_By: magic\r\nCache-Control: private\r\n"
                b"Set-Cookie: e=f\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nshop"
            )

    return script


@pytest.fixture
def shop() -> Iterator[Recording]:
    with origin(says_more()) as recording:
        yield recording


@pytest.fixture
def hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the hook."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    directory = tmp_path / "hooks"
    directory.mkdir(mode=0o755)
    (directory / "shop_hook.py").write_text(HOOK)
    return directory


def config(shop: Recording, hooks: Path, mode: str = "enforce", **more: Any) -> dict[str, Any]:
    hook = {
        "module": "shop_hook:decide",
        "directory": str(hooks),
        "timeout": "5s",
        "processes": 1,
        **more.pop("hook", {}),
    }
    zone = {
        "name": "shop",
        "hosts": ["shop.example"],
        "origins": [shop.url],
        "hook": hook,
        **more,
    }
    return {"mode": mode, "zones": [zone]}


def sent(shop: Recording, path: str) -> bytes:
    """The head with which the origin was asked for this path."""
    (head,) = [head for head in shop.received.split(b"\r\n\r\n") if head.startswith(b"GET %b " % path.encode())]
    return head


def metric(proxy: Proxy, name: str, *labels: str) -> float:
    with urllib.request.urlopen(f"{proxy.admin}/metrics", timeout=5) as answer:
        page = answer.read().decode()
    lines = [line for line in page.splitlines() if line.startswith(name) and all(label in line for label in labels)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def hook_processes(proxy: Proxy) -> list[int]:
    def command(process: int) -> bytes:
        try:
            return Path(f"/proc/{process}/cmdline").read_bytes()
        except OSError:
            return b""

    return [each for each in descendants(proxy.program.process.pid) if b"botproxy.hooks" in command(each)]


def test_a_hook_answers_instead_of_the_origin(start: Start, shop: Recording, hooks: Path) -> None:
    proxy = start(config=config(shop, hooks))
    page = browse(proxy.port, "/answer")
    assert (page.status, page.headers["X-Hook"], page.headers["Content-Type"]) == (
        418,
        "1",
        "application/json",
    )
    assert page.headers.get_all("Set-Cookie") == ["a=b"]
    told = json.loads(page.body)
    assert told["method"] == "GET"
    bots = told["cf"]["botManagement"]
    assert set(bots) == {
        *("score", "verifiedBot", "corporateProxy", "staticResource", "signedAgent"),
        *("ja3Hash", "ja4", "ja4Signals", "jaSignalsParsed", "jsDetection", "detectionIds"),
    }
    assert (bots["ja3Hash"], bots["ja4Signals"], bots["jsDetection"]) == (
        "",
        {},
        {"passed": False},
    )
    assert b"/answer" not in shop.received
    event = proxy.event(RayID=page.ray)
    assert (
        event["SecurityAction"],
        event["SecuritySources"],
        event["SecurityRuleID"],
    ) == (
        "hookAnswer",
        ["hook"],
        "shop_hook:decide",
    )
    assert (
        event["EdgeResponseStatus"],
        event["OriginResponseStatus"],
        event["BotproxyEnding"],
    ) == (418, 0, "finished")
    assert event["BotScore"] == bots["score"]
    until(
        lambda: metric(proxy, "botproxy_hook_total", 'result="answered"') == 1,
        10,
        "a count of the answer",
    )


def test_a_hook_changes_headers_both_ways(start: Start, shop: Recording, hooks: Path) -> None:
    proxy = start(config=config(shop, hooks))
    page = browse(proxy.port, "/change", ("x_score", "forged"))
    head = sent(shop, "/change")
    assert b"forged" not in head
    assert b"\r\nX-Score: " in head
    assert b"accept-language" not in head.lower()
    assert page.headers["Server"] is None
    assert page.headers["X-Powered-By"] == "a hook"
    assert page.headers["X_Powered_By"] is None
    assert page.headers.get_all("Cache-Control") == ["public, max-age=60"]
    # What a shared cache may now keep has no cookie of ours in it.
    assert page.headers.get_all("Set-Cookie") == ["e=f", "c=d"]
    assert page.body == b"shop"
    event = proxy.event(RayID=page.ray)
    assert (event["SecurityAction"], event["SecuritySources"]) == ("rewrite", ["hook"])
    assert event["EdgeResponseContentType"] == page.headers["Content-Type"] == "text/css"
    untouched = browse(proxy.port, "/")
    assert untouched.headers["Server"] == "origin"
    assert b"\r\nAccept-Language: " in sent(shop, "/")
    assert "__cf_bm=" in str(untouched.headers.get_all("Set-Cookie"))
    assert proxy.event(RayID=untouched.ray)["SecurityAction"] == "unknown"


@pytest.mark.parametrize(("word", "result"), [("slow", "slow"), ("die", "died"), ("raise", "raised")])
def test_a_hook_that_fails_costs_its_time_and_nothing_else(
    start: Start, shop: Recording, hooks: Path, word: str, result: str
) -> None:
    proxy = start(config=config(shop, hooks, hook={"timeout": "300ms"}))
    began = time.monotonic()
    page = browse(proxy.port, f"/{word}")
    assert time.monotonic() - began < 5
    assert (page.status, page.body) == (200, b"shop")
    event = proxy.event(RayID=page.ray)
    assert (event["SecurityAction"], event["BotproxyDetail"]) == (
        "unknown",
        f"hook: {result}",
    )
    until(
        lambda: metric(proxy, "botproxy_hook_total", f'result="{result}"') == 1,
        10,
        "a count of the failure",
    )
    if word != "raise":
        until(
            lambda: metric(proxy, "botproxy_hook_processes_ended_total") == 1,
            10,
            "a count of the process",
        )
    until(lambda: browse(proxy.port, "/answer").status == 418, 10, "a hook that is back")
    assert "a hook failed" in proxy.program.said()


def test_what_a_hook_prints_is_in_the_log(start: Start, shop: Recording, hooks: Path) -> None:
    proxy = start(config=config(shop, hooks))
    browse(proxy.port, "/print")
    until(
        lambda: "seen http://shop.example/print" in proxy.program.said(),
        10,
        "the line in the log",
    )


def test_rules_come_first(start: Start, shop: Recording, hooks: Path) -> None:
    rules = [
        {
            "ref": "no",
            "expression": 'http.request.uri.path eq "/answer"',
            "action": "block",
        }
    ]
    proxy = start(config=config(shop, hooks, rules=rules))
    page = browse(proxy.port, "/answer")
    assert page.status == 403
    assert proxy.event(RayID=page.ray)["SecuritySources"] == ["firewallCustom"]
    assert metric(proxy, "botproxy_hook_total") == 0


def test_while_observing_nothing_of_it_is_done_and_nobody_waits(start: Start, shop: Recording, hooks: Path) -> None:
    proxy = start(config=config(shop, hooks, "observe"))
    page = browse(proxy.port, "/answer")
    assert (page.status, page.body) == (200, b"shop")
    event = proxy.event(RayID=page.ray)
    assert (event["SecurityAction"], event["BotproxyWouldAction"]) == (
        "log",
        "hookAnswer",
    )
    assert (event["SecuritySources"], event["EdgeResponseStatus"]) == (["hook"], 200)
    page = browse(proxy.port, "/change")
    assert page.headers["Server"] == "origin"
    assert b"X-Score" not in sent(shop, "/change")
    event = proxy.event(RayID=page.ray)
    assert (event["SecurityAction"], event["BotproxyWouldAction"]) == ("log", "rewrite")
    began = time.monotonic()
    page = browse(proxy.port, "/slow")
    assert time.monotonic() - began < 4
    assert page.status == 200
    event = proxy.event(RayID=page.ray)
    assert (event["BotproxyDetail"], event["BotproxyWouldAction"]) == ("hook: slow", "")


def test_a_reload_takes_changed_code_over_and_leaves_no_process_behind(
    start: Start, shop: Recording, hooks: Path
) -> None:
    proxy = start(config=config(shop, hooks))
    assert browse(proxy.port, "/answer").status == 418
    (before,) = hook_processes(proxy)
    code = hooks / "shop_hook.py"
    code.write_text(HOOK.replace("418", "402"))
    proxy.program.process.send_signal(signal.SIGHUP)
    until(lambda: browse(proxy.port, "/answer").status == 402, 20, "the new code")
    until(
        lambda: before not in hook_processes(proxy) and len(hook_processes(proxy)) == 1,
        40,
        "the old one's end",
    )
    # Code that cannot be imported changes nothing.
    code.write_text("def decide(request):\n    return nothing at all\n")
    proxy.program.process.send_signal(signal.SIGHUP)
    until(lambda: f"{code}:2" in proxy.program.said(), 20, "the fault in the log")
    assert browse(proxy.port, "/answer").status == 402


def test_its_processes_end_with_the_proxy_and_with_their_worker(start: Start, shop: Recording, hooks: Path) -> None:
    proxy = start(config=config(shop, hooks, hook={"processes": 2}))
    processes = hook_processes(proxy)
    assert len(processes) == 2
    (worker,) = {int(Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[1]) for each in processes}
    os.kill(worker, signal.SIGKILL)
    until(
        lambda: not set(processes) & set(hook_processes(proxy)),
        10,
        "the end of a killed worker's hooks",
    )
    until(lambda: len(hook_processes(proxy)) == 2, 20, "the new worker's hooks")
    left = hook_processes(proxy)
    proxy.program.stop()
    assert not any(Path(f"/proc/{each}").exists() for each in left)


def test_a_visitor_who_leaves_while_the_hook_thinks_is_recorded(start: Start, shop: Recording, hooks: Path) -> None:
    proxy = start(config=config(shop, hooks, hook={"timeout": "3s"}))
    with socket.create_connection(("127.0.0.1", proxy.port)) as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: shop.example\r\n\r\n")
        until(lambda: "sleeping" in proxy.program.said(), 10, "a hook that is at it")
    event = proxy.event(ClientRequestPath="/slow")
    assert event["BotproxyEnding"] == "client_left"
    assert b"/slow" not in shop.received


def test_bodies_and_keep_alive_go_on_around_a_hook(start: Start, shop: Recording, hooks: Path) -> None:
    proxy = start(config=config(shop, hooks))
    connection = HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    for number, path in enumerate(("/", "/answer", "/change", "/answer", "/")):
        body = b"x" * (number * 50_000)
        connection.request(
            "POST" if number else "GET",
            path,
            body=body,
            headers={"Host": "shop.example"},
        )
        answer = connection.getresponse()
        answer.read()
        assert answer.status == (418 if path == "/answer" else 200)
        if answer.headers["Connection"] == "close":
            connection.close()
    connection.close()


def test_rate_limits_that_count_by_the_answer_count_a_hooks_own(start: Start, shop: Recording, hooks: Path) -> None:
    ratelimit = {
        "characteristics": ["cf.colo.id", "ip.src"],
        "period": 60,
        "requests_per_period": 2,
        "mitigation_timeout": 60,
        "counting_expression": "http.response.code eq 418",
    }
    limit = {"ref": "limit", "expression": "not ssl", "action": "block", "ratelimit": ratelimit}
    proxy = start(config=config(shop, hooks, rate_limits=[limit]))
    assert [browse(proxy.port, "/").status for _ in range(4)] == [200] * 4
    assert [browse(proxy.port, "/answer").status for _ in range(3)] == [418] * 3
    until(lambda: browse(proxy.port, "/").status == 429, 10, "a limit that is passed")


@pytest.mark.parametrize("mode", ["enforce", "observe"])
def test_headers_of_its_own_come_from_no_visitor_even_when_it_fails(
    start: Start, shop: Recording, hooks: Path, mode: str
) -> None:
    hook = {"own_headers": ["x-score"], "timeout": "300ms"}
    rules = [{"ref": "ok", "expression": 'http.request.uri.path eq "/refused"', "action": "block"}]
    proxy = start(config=config(shop, hooks, mode, hook=hook, rules=rules))
    for path in ("/", "/change", "/raise", "/die", "/slow", "/refused"):
        browse(proxy.port, path, ("X-Score", "forged"), ("x_score", "forged"), ("X-Other", "sent"))
    assert b"forged" not in shop.received
    assert shop.received.count(b"\r\nX-Other: sent\r\n") == (5 if mode == "enforce" else 6)


def test_a_body_that_rules_have_read_goes_on_after_the_hook(start: Start, hooks: Path) -> None:
    def echoes(connection: socket.socket, recording: Recording) -> None:
        while head := recording.head(connection):
            told, _, body = head.partition(b"\r\n\r\n")
            length = int(told.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
            while len(body) < length:
                body += connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + body)

    rules = [{"ref": "body", "expression": 'http.request.body.raw contains "evil"', "action": "block"}]
    with origin(echoes) as shop:
        proxy = start(config=config(shop, hooks, rules=rules))
        for path in ("/", "/change", "/answer", "/raise"):
            for body in (b"x" * 10, b"x" * 300_000, b"evil"):
                connection = HTTPConnection("127.0.0.1", proxy.port, timeout=10)
                connection.request("POST", path, body=body, headers={"Host": "shop.example"})
                answer = connection.getresponse()
                received = answer.read()
                assert answer.status == (403 if body == b"evil" else 418 if path == "/answer" else 200)
                assert answer.status != 200 or received == body
                connection.close()
        assert b"evil" not in shop.received


def test_requests_that_arrive_together_are_answered_in_their_order(start: Start, shop: Recording, hooks: Path) -> None:
    proxy = start(config=config(shop, hooks))
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client:
        for path in ("/answer", "/", "/answer", "/change"):
            client.sendall(b"GET %b HTTP/1.1\r\nHost: shop.example\r\n\r\n" % path.encode())
        client.sendall(b"GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
        received = b"".join(iter(lambda: client.recv(65536), b""))
    assert re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", received) == [b"418", b"200", b"418", b"200", b"200"]


def test_who_waits_for_a_hook_when_the_proxy_ends_is_answered(start: Start, shop: Recording, hooks: Path) -> None:
    proxy = start(config=config(shop, hooks))
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client:
        client.sendall(b"GET /nap HTTP/1.1\r\nHost: shop.example\r\n\r\n")
        until(lambda: "napping" in proxy.program.said(), 10, "a hook that is at it")
        proxy.program.process.send_signal(signal.SIGTERM)
        received = b"".join(iter(lambda: client.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nConnection: close\r\n" in received
    assert received.endswith(b"awake")
    assert proxy.event(ClientRequestPath="/nap")["SecurityAction"] == "hookAnswer"


def test_a_websocket_passes_a_hook_that_changes_headers(start: Start, hooks: Path) -> None:
    def switches(connection: socket.socket, recording: Recording) -> None:
        recording.head(connection)
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nServer: origin\r\n\r\n"
        )
        while data := connection.recv(65536):
            connection.sendall(data)

    with origin(switches) as chat:
        proxy = start(config=config(chat, hooks))
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client:
            client.sendall(
                b"GET /change HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(65536)
            assert head.startswith(b"HTTP/1.1 101 ")
            assert b"\r\nX-Powered-By: a hook\r\n" in head
            assert b"Server" not in head
            assert b"\r\nSec-WebSocket-Accept: " in head
            client.sendall(b"\x81\x82\x00\x00\x00\x00hi")
            assert client.recv(65536) == b"\x81\x82\x00\x00\x00\x00hi"
        assert b"\r\nX-Score: " in chat.received


@pytest.mark.parametrize("on", [True, False])
def test_bot_headers_are_the_proxys_alone_switched_on_or_off(
    start: Start, shop: Recording, on: bool, free_port: Callable[[], int]
) -> None:
    zone: dict[str, Any] = {
        "name": "shop",
        "hosts": ["shop.example"],
        "origins": [shop.url],
    }
    if on:
        names = (
            "add_bot_protection_headers",
            "add_visitor_location_headers",
            "add_true_client_ip_headers",
        )
        zone["managed_request_headers"] = dict.fromkeys(names, True)
    proxy = start(config={"zones": [zone]})
    forged = [
        (name, "forged")
        for name in (
            "cf-bot-score",
            "CF_Bot_Score",
            "cf.verified.bot",
            "Cf-Ja3-Hash",
            "CF_JA4",
        )
    ]
    page: Page = browse(
        proxy.port,
        "/",
        *forged,
        ("cf_ipcountry", "forged"),
        ("True_Client_IP", "forged"),
    )
    assert page.status == 200
    head = sent(shop, "/").lower()
    assert b"forged" not in head
    assert (b"\r\ncf-bot-score: " in head) is on
    assert (b"\r\ncf-verified-bot: false\r\n" in head) is on
    assert (b"\r\ntrue-client-ip: 127.0.0.1" in head) is on
    # Plain http has no fingerprints, and without a database there is no place.
    for name in (b"cf-ja3-hash", b"cf-ja4", b"cf-ipcountry"):
        assert name not in head
