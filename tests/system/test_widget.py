"""A form's token is good once, for the server that has the secret, whichever worker is asked."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest

from botproxy.challenges.puzzle import solve

from .conftest import Proxy, Start
from .recording import Recording, origin, says

EASY = {"puzzles": 4, "difficulty": 4, "minimum": 2}
BASE = "/cdn-cgi/challenge-platform/turnstile/v0/"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def shop() -> Iterator[Recording]:
    with origin(says(b"the page")) as recording:
        yield recording


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """A site key, as the command line makes it."""
    command = [sys.executable, "-m", "botproxy", "sitekeys", "new", "--zone", "shop", "--json"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    made: dict[str, str] = json.loads(said)
    return made


def guarded(start: Start, shop: Recording, made: dict[str, str], **widget: Any) -> Proxy:
    """A running proxy with that key, which asks for no click."""
    key = {"key": made["key"], "secret_hash": made["secret_hash"], "mode": "non-interactive"}
    zones = [{"name": "shop", "hosts": ["shop.example"], "origins": [shop.url], "sitekeys": [key]}]
    return start(config={"zones": zones, "challenges": EASY, "widget": widget}, workers=2)


def ask(
    proxy: Proxy, path: str, body: bytes | None, host: str = "shop.example", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one answer."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=15)
    connection.request("GET" if body is None else "POST", path, body, {"Host": host, **headers})
    response = connection.getresponse()
    answer = response.status, {name.lower(): value for name, value in response.headers.items()}, response.read()
    connection.close()
    return answer


def token(proxy: Proxy, made: dict[str, str], page: str = "http://shop.example", **wish: str) -> str:
    """What a visitor's widget puts into the form."""
    body = json.dumps({"sitekey": made["key"], **wish}).encode()
    status, _, said = ask(proxy, BASE + "begin", body, Origin=page)
    assert status == 200, said
    begun = json.loads(said)
    answer = solve(bytes.fromhex(begun["nonce"]), begun["difficulty"], begun["puzzles"])
    handed_in = json.dumps({"sitekey": made["key"], "ticket": begun["ticket"], "answer": answer}).encode()
    status, headers, said = ask(proxy, BASE + "solve", handed_in, Origin=page)
    assert status == 200, said
    assert headers["access-control-allow-origin"] == page
    assert ask(proxy, BASE + "solve", handed_in, Origin=page)[0] == 409  # one solution mints one token
    minted: str = json.loads(said)["token"]
    assert len(minted) <= 2048
    return minted


def verify(proxy: Proxy, path: str = BASE + "siteverify", **fields: str) -> dict[str, Any]:
    """What siteverify says to a server under a name that is no site."""
    status, _, said = ask(proxy, path, urlencode(fields).encode(), host="10.0.0.1:8080", **FORM)
    assert status == 200
    answer: dict[str, Any] = json.loads(said)
    return answer


def test_a_token_is_good_once_across_workers(start: Start, shop: Recording, made: dict[str, str]) -> None:
    proxy = guarded(start, shop, made)
    minted = token(proxy, made, action="login", cdata="customer-1")
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: verify(proxy, secret=made["secret"], response=minted), range(8)))
    good = [each for each in said if each["success"]]
    assert len(good) == 1
    assert (good[0]["hostname"], good[0]["action"], good[0]["cdata"]) == ("shop.example", "login", "customer-1")
    assert good[0]["error-codes"] == []
    assert {tuple(each["error-codes"]) for each in said if not each["success"]} == {("timeout-or-duplicate",)}


def test_every_error_has_the_name_that_libraries_know(start: Start, shop: Recording, made: dict[str, str]) -> None:
    proxy = guarded(start, shop, made)
    secret = made["secret"]
    for fields, code in (
        ({}, "missing-input-secret"),
        ({"response": "x"}, "missing-input-secret"),
        ({"secret": "wrong", "response": "x"}, "invalid-input-secret"),
        ({"secret": secret}, "missing-input-response"),
        ({"secret": secret, "response": "x"}, "invalid-input-response"),
        ({"secret": secret, "response": "A" * 3000}, "invalid-input-response"),
        ({"secret": secret, "response": "x", "idempotency_key": "no"}, "bad-request"),
    ):
        said = verify(proxy, **fields)
        assert (said["success"], said["error-codes"]) == (False, [code])
    status, headers, body = ask(proxy, BASE + "siteverify", b"x", **{"Content-Type": "text/plain"})
    assert (status, json.loads(body)["error-codes"]) == (200, ["bad-request"])
    assert headers["content-type"] == "application/json"
    assert ask(proxy, BASE + "siteverify", None)[0] == 405


def test_who_repeats_a_question_with_its_key_gets_its_answer_again(
    start: Start, shop: Recording, made: dict[str, str]
) -> None:
    proxy = guarded(start, shop, made)
    asked = {"secret": made["secret"], "response": token(proxy, made), "idempotency_key": str(uuid.uuid4())}
    assert [verify(proxy, **asked)["success"] for _ in range(4)] == [True] * 4
    other = {**asked, "idempotency_key": str(uuid.uuid4())}
    assert [verify(proxy, **other)["success"] for _ in range(3)] == [False] * 3
    assert not verify(proxy, secret=made["secret"], response=asked["response"])["success"]


def test_the_widget_stands_on_the_pages_of_its_zone_alone(start: Start, shop: Recording, made: dict[str, str]) -> None:
    proxy = guarded(start, shop, made)
    body = json.dumps({"sitekey": made["key"]}).encode()
    for page in ("https://shop.example:8443", "http://shop.example"):
        assert ask(proxy, BASE + "begin", body, Origin=page)[0] == 200
    for page in ("https://evil.example", "null", "", "https://shop.example.evil.example"):
        status, _, said = ask(proxy, BASE + "begin", body, Origin=page)
        assert (status, json.loads(said)["reason"]) == (403, "host")
    unknown = json.dumps({"sitekey": "0x4" + "A" * 22}).encode()
    assert json.loads(ask(proxy, BASE + "begin", unknown, Origin="https://shop.example")[2])["reason"] == "sitekey"


def test_an_alias_serves_libraries_that_know_one_path_and_strangers_are_kept_out(
    start: Start, shop: Recording, made: dict[str, str]
) -> None:
    proxy = guarded(start, shop, made, alias="/turnstile/v0/", siteverify_peers=["192.0.2.0/24"])
    status, headers, script = ask(proxy, "/turnstile/v0/api.js?render=explicit", None)
    assert (status, b"turnstile" in script) == (200, True)
    assert headers["content-type"] == "text/javascript; charset=utf-8"
    assert ask(proxy, "/turnstile/v0/api.js", None, **{"If-None-Match": headers["etag"]})[0] == 304
    assert ask(proxy, "/turnstile/v0/siteverify", b"secret=x", **FORM)[0] == 403
    assert ask(proxy, "/turnstile/v1/", None)[2] == b"the page"
