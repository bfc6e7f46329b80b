"""The laboratory at work: a client goes through relay and proxy, and its requests are there with a label."""

from __future__ import annotations

import asyncio
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from lab import shop
from lab.relay import Relay
from lab.tap import Tap
from lab.visits import Register

# The tap puts a function of its own into a class, which compiled classes do not take.
pytestmark = pytest.mark.prove


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    port = asyncio.run_coroutine_threadsafe(shop.serve(shop.application()), loop).result(20)
    yield f"http://127.0.0.1:{port}"
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_what_a_client_sends_is_recorded_as_the_proxy_saw_it(
    site: str, scheme: str, part: Callable[[str], str]
) -> None:
    register = Register(random.Random(1))
    with Tap(site, register.seen) as tap, Relay(tap.ports) as relay:
        visit = register.begin(False, "curl", "curl", "fetch")
        door = relay.door(scheme, visit.addresses)
        base = f"{scheme}://site.test:{door}"
        there = ("--resolve", f"site.test:{door}:127.0.0.1")
        pages = ("-o", "/dev/null", f"{base}/shop", "-o", "/dev/null", f"{base}/feed.xml")
        subprocess.run([part("curl"), "-sk", *there, *pages], check=True, timeout=30)
        end = time.monotonic() + 20
        while len(visit.seen) < 2 and time.monotonic() < end:
            time.sleep(0.05)
    first, second = visit.labelled()
    assert (first.target, first.kind, first.status, second.kind) == ("/shop", "page", 200, "feed")
    assert [name.lower() for name, _ in first.headers] == ["host", "user-agent", "accept"]
    assert first.headers[0][1] == "site.test"
    assert first.address == visit.addresses[0]
    assert (first.http, bool(first.ja4), bool(first.http2)) == (
        ("HTTP/2", True, True) if scheme == "https" else ("HTTP/1.1", False, False)
    )
    assert [one.step for one in (first, second)] == [0, 1]
