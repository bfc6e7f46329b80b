"""A response that a shared cache might keep carries no cookie of ours."""

from __future__ import annotations

import pytest

from botproxy.proxy.cacheable import publicly_cacheable
from botproxy.proxy.records import ResponseHead

Lines = tuple[tuple[bytes, bytes], ...]


@pytest.mark.parametrize(
    ("method", "status", "headers", "static", "expected"),
    [
        (b"GET", 200, (), False, False),
        (b"GET", 200, (), True, True),
        (b"HEAD", 200, (), True, True),
        (b"POST", 200, ((b"Cache-Control", b"public"),), False, False),
        (b"GET", 200, ((b"Cache-Control", b"public, max-age=60"),), False, True),
        (b"GET", 500, ((b"cache-control", b"s-maxage=60"),), False, True),
        (b"GET", 200, ((b"Cache-Control", b"max-age=60"),), False, True),
        (b"GET", 200, ((b"Cache-Control", b"max-age=0"),), True, False),
        (b"GET", 200, ((b"Cache-Control", b"private, max-age=60"),), True, False),
        (b"GET", 200, ((b"Cache-Control", b"max-age=60"), (b"cache-control", b"No-Store")), True, False),
        (b"GET", 200, ((b"Expires", b"Thu, 01 Jan 2099 00:00:00 GMT"),), False, True),
        (b"GET", 200, ((b"Last-Modified", b"Thu, 01 Jan 2015 00:00:00 GMT"),), False, True),
        (b"GET", 200, ((b"Last-Modified", b"x"), (b"Set-Cookie", b"a=b")), False, False),
        (b"GET", 302, (), True, False),
        (b"GET", 404, (), True, True),
        (b"GET", 304, (), False, True),
        (b"GET", 304, ((b"Cache-Control", b"private"),), True, False),
        (b"GET", 304, ((b"Cache-Control", b"no-cache"),), False, False),
        (b"GET", 302, ((b"Cache-Control", b"max-age=60"),), False, True),
        (b"GET", 302, ((b"Expires", b"Thu, 01 Jan 2099 00:00:00 GMT"),), False, True),
        (b"GET", 200, ((b"Cache-Control", b"no-cache"),), False, False),
        (b"GET", 200, ((b"Cache-Control", b"public, no-cache"),), False, True),
    ],
)
def test_when_a_shared_cache_may_keep_it(
    method: bytes, status: int, headers: Lines, static: bool, expected: bool
) -> None:
    assert publicly_cacheable(method, ResponseHead(status, b"", headers, None), static_resource=static) is expected
