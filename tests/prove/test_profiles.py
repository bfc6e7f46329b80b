"""What is remembered of callers does not grow with how many there are."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path

import pytest

from botproxy.model import Client, Headers, Request, Tls
from botproxy.traffic import Profiles, Seen

VISITORS = 1_000_000
WARM = 300_000
GROWTH = 20 * 1024**2
LARGEST = 130 * 1024**2


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.prove
@pytest.mark.timeout(1200)
def test_a_million_visitors_that_differ_in_everything_leave_memory_flat() -> None:
    before = resident()
    kept = Profiles(os.urandom(32), os.urandom)
    warm = 0
    for number in range(VISITORS):
        address = ip_address(0x0A000000 + number * 17 % 0x00FFFFFF)
        client = Client(address, str(address), 1, str(address), Tls("TLSv1.3", "x", ja4=f"t13d{number}"))
        headers = Headers(((b"Host", b"a"), (b"User-Agent", b"Mozilla %d" % number), (b"X-%d" % number, b"*/*")))
        path = b"/p/%d" % number
        request = Request("0" * 16, 0.0, b"GET", path, path, None, "HTTP/2", True, b"a", "a", headers, 0)
        now = 1_700_000_000 + number / 1000
        keys = kept.keys(request, client, f"session {number}")
        kept.read(keys, now)
        kept.observe(keys, request, Seen(now, 200, b"text/html", False, 50, False))
        if number % 250 == 0:
            while kept.take(1000, now):
                pass
        if number == WARM:
            warm = resident()
    assert resident() - before < LARGEST
    assert resident() - warm < GROWTH
