"""Whether a shared cache might keep a response: then no cookie of ours may stand in it."""

from __future__ import annotations

from typing import Final

from botproxy.proxy.records import ResponseHead

_CACHEABLE_STATUS: Final = frozenset((200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501))
"""Statuses that a cache may keep without being told to: RFC 9110 section 15.1."""

_NOT_MODIFIED: Final = 304
_NEVER_SHARED: Final = (b"private", b"no-store")


def publicly_cacheable(method: bytes, head: ResponseHead, *, static_resource: bool) -> bool:
    """Whether RFC 9111, or a CDN's habit of caching by file extension, lets a shared cache keep this response.

    In doubt the answer is yes: a visitor who gets the session cookie one response later loses nothing, one who gets
    another visitor's cookie from a cache does.
    """
    if method not in (b"GET", b"HEAD"):
        return False
    names = {name.lower() for name, _ in head.headers}
    if b"cache-control" in names:
        cache_control = b",".join(head.values(b"cache-control")).lower()
        if any(word in cache_control for word in _NEVER_SHARED):
            return False
        # `no-cache` lets a cache keep what it asks about each time, and most keep nothing then, save what is "public".
        if b"public" in cache_control or b"s-maxage" in cache_control:
            return True
        if b"no-cache" in cache_control:
            return False
        if b"max-age" in cache_control:
            return not _zero(cache_control)
    if head.status == _NOT_MODIFIED:
        return True  # its headers, cookies among them, go over what the cache has kept: RFC 9111 section 4.3.4
    if head.status not in _CACHEABLE_STATUS:
        return b"expires" in names and b"set-cookie" not in names
    if static_resource:
        return True
    if b"set-cookie" in names:
        return False
    return b"expires" in names or b"last-modified" in names


def _zero(cache_control: bytes) -> bool:
    for directive in cache_control.split(b","):
        name, _, value = directive.strip().partition(b"=")
        if name == b"max-age":
            return value.strip(b'" ') == b"0"
    return False
