"""Where visitors of plain http are sent."""

from __future__ import annotations

import pytest

from botproxy.model import Headers, Request
from botproxy.proxy.https_redirect import Redirect, to_https


def request(
    path: bytes = b"/a%20b/",
    query: bytes | None = None,
    method: bytes = b"GET",
    secure: bool = False,
    host: str = "a.test",
) -> Request:
    authority = host.encode() + b":8080"
    return Request("0" * 16, 0.0, method, b"", path, query, "HTTP/1.1", secure, authority, host, Headers(()), 0)


@pytest.mark.parametrize(
    ("asked", "port", "expected"),
    [
        (request(), 443, Redirect(301, b"https://a.test/a%20b/")),
        (request(query=b"x=1?&y"), 443, Redirect(301, b"https://a.test/a%20b/?x=1?&y")),
        (request(query=b""), 443, Redirect(301, b"https://a.test/a%20b/?")),
        (request(method=b"HEAD"), 8443, Redirect(301, b"https://a.test:8443/a%20b/")),
        (request(method=b"POST"), 443, Redirect(308, b"https://a.test/a%20b/")),
        (request(host="[::1]"), 8443, Redirect(301, b"https://[::1]:8443/a%20b/")),
        (request(secure=True), 443, None),
        (request(b"/.well-known/acme-challenge/token"), 443, None),
        (request(b"//evil.test/"), 443, Redirect(301, b"https://a.test//evil.test/")),
    ],
)
def test_visitors_are_sent_to_the_same_place_on_https(asked: Request, port: int, expected: Redirect | None) -> None:
    assert to_https(asked, port) == expected
