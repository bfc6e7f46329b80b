"""An address is found as a whole, however it is spelled, and nothing else is taken out with it."""

from __future__ import annotations

import pytest

from botproxy.store.named import Named

WANTED = Named(["192.0.2.1", "2001:db8::1"])


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ip.src eq 192.0.2.1", "ip.src eq (forgotten)"),
        ("ip.src in {192.0.2.1 192.0.2.10}", "ip.src in {(forgotten) 192.0.2.10}"),
        ("192.0.2.1:443, see 192.0.2.1.", "(forgotten):443, see (forgotten)."),
        ("::ffff:192.0.2.1", "::ffff:(forgotten)"),
        ('{"ip":"2001:DB8:0:0::1"}', '{"ip":"(forgotten)"}'),
        ("[2001:db8::1]:443", "[(forgotten)]:443"),
    ],
)
def test_it_is_found_and_taken_out(text: str, left: str) -> None:
    assert WANTED(text.encode())
    assert WANTED.without(text.encode()).decode() == left


@pytest.mark.parametrize(
    "text", ["1192.0.2.1", "192.0.2.10", "192.0.2.1.7", "2001:db8::11", "12:30:01", "a" * 99 + ":"]
)
def test_what_only_looks_like_it_is_left(text: str) -> None:
    assert not WANTED(text.encode())
    assert WANTED.without(text.encode()) == text.encode()
