"""A visitor without JavaScript, where the zone lets such visitors through, and where it does not."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Iterator

import pytest

from lab.solver import NAVIGATION, ask

from .conftest import Proxy, Start
from .recording import Recording, origin, says


@pytest.fixture
def shop() -> Iterator[Recording]:
    with origin(says(b"the page")) as recording:
        yield recording


def test_a_wait_and_a_form_pass_a_javascript_challenge_and_nothing_else(start: Start, shop: Recording) -> None:
    rules = [
        {"ref": each, "expression": f'starts_with(http.request.uri.path, "/{each}")', "action": action}
        for each, action in (("js", "js_challenge"), ("managed", "managed_challenge"))
    ]
    zones = [
        {"name": "open", "hosts": ["127.0.0.1"], "origins": [shop.url], "rules": rules,
         "challenge_without_javascript": True},
        {"name": "shut", "hosts": ["localhost"], "origins": [shop.url], "rules": rules},
    ]  # fmt: skip
    proxy = start(config={"mode": "enforce", "zones": zones}, workers=2)
    base = f"http://127.0.0.1:{proxy.port}"
    assert b"http-equiv" not in ask(f"http://localhost:{proxy.port}/js")[2]
    assert b"http-equiv" not in ask(base + "/managed")[2]

    began = time.monotonic()
    page = ask(base + "/js?a=1")[2].decode()
    found = re.search(r'content="4;url=([^"]+)"><img src="([^"]+)"', page)
    assert found is not None
    form, pixel = base + found[1], base + found[2]
    assert ask(form)[0] == 403  # no picture was loaded
    picture = ask(pixel)
    assert picture[1]["Content-Type"] == "image/gif"
    proof = str(picture[1]["Set-Cookie"]).split(";")[0]
    if time.monotonic() - began < 2.5:
        assert ask(form, Cookie=proof)[0] == 403  # too soon
    time.sleep(max(0.0, 4.0 - (time.monotonic() - began)))
    status, _, shown = ask(form, Cookie=proof)
    assert (status, shown.count(b"<form method")) == (200, 1)
    assert ask(form, b"", Cookie=proof, Origin="https://evil.example")[0] == 403
    assert cleared(form, proof, proxy) == 200
    assert ask(form, b"", Cookie=proof)[0] == 403  # once alone


def cleared(form: str, proof: str, proxy: Proxy) -> int:
    """Send the form; the status of the page with what that gave."""

    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)

    connection.request("POST", form.split(str(proxy.port), 1)[1], b"", {**NAVIGATION, "Cookie": proof})
    answer = connection.getresponse()
    answer.read()
    assert (answer.status, answer.headers["Location"]) == (303, "/js?a=1")
    cookie = str(answer.headers["Set-Cookie"]).split(";")[0]
    connection.close()
    base = f"http://127.0.0.1:{proxy.port}"
    assert ask(base + "/managed", Cookie=cookie)[0] == 403
    return ask(base + "/js?a=1", Cookie=cookie)[0]
