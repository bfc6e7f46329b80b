"""What repeats from visitor to visitor although their header blocks differ: names, and values of a kind of client."""

from __future__ import annotations

from typing import Final

from botproxy.model import Facts
from botproxy.rules.scheme import Scheme
from botproxy.rules.tree import Access, Argument, Compare, Field, Literal, Logic, Node, Not, Quantified, Truth

HEADERS: Final = frozenset((
    b"user-agent", b"accept", b"accept-encoding", b"accept-language", b"connection", b"dnt", b"priority",
    b"sec-ch-ua", b"sec-ch-ua-full-version-list", b"sec-ch-ua-mobile", b"sec-ch-ua-platform", b"sec-fetch-dest",
    b"sec-fetch-mode", b"sec-fetch-site", b"sec-fetch-user", b"sec-gpc", b"te", b"upgrade-insecure-requests",
))  # fmt: skip
"""Headers whose values are those of a kind of client, and so are few. Cookies, Referer and the like are not here."""

LONGEST: Final = 2048
"""Bytes of the longest key; what is longer is not worth remembering."""

_KEYS: Final = {True: "rules.repeating.https", False: "rules.repeating.http"}
_HEADER_MAP: Final = "http.request.headers"


def reads_only_repeating(node: Node | Argument, scheme: Scheme) -> bool:
    """Whether a part of an expression follows from `key_of` alone."""
    if isinstance(node, Literal):
        return True
    if isinstance(node, Access):
        if not isinstance(node.base, Field):
            return all(_argument_repeats(node.base.function, argument, scheme) for argument in node.base.arguments)
        if node.base.name == _HEADER_MAP and node.path:
            return node.path[0] in HEADERS
        return scheme.fields[node.base.name].repeats
    if isinstance(node, Compare | Truth):
        return reads_only_repeating(node.subject, scheme)
    if isinstance(node, Not | Quantified):
        return reads_only_repeating(node.item, scheme)
    assert isinstance(node, Logic)
    return all(reads_only_repeating(item, scheme) for item in node.items)


def _argument_repeats(function: str, argument: Argument, scheme: Scheme) -> bool:
    if function == "has_key" and isinstance(argument, Access) and not argument.path:
        base = argument.base
        if isinstance(base, Field) and base.name == _HEADER_MAP:
            return True  # whether there is such a name is all it asks
    return reads_only_repeating(argument, scheme)


def key_of(facts: Facts) -> bytes:
    """The scheme, the names of all headers in order and the values of `HEADERS`; empty where that cannot be told.

    Nobody can write a block that reads as another one's key: the names say how many values follow and whose they are,
    and a block with a line feed in a name or value has no key. Nor has one that repeats a header or is too long.
    """
    request = facts.request
    headers = request.headers
    memo = headers.kind
    name = _KEYS[request.secure]
    known = memo.get(name)
    if isinstance(known, bytes):
        return known
    index = headers.index
    key = b""
    if len(index) == len(headers.items):
        values = [found[0] for header, found in index.items() if header in HEADERS]
        key = b"\n".join([b"https" if request.secure else b"http", *index, *values])
        if len(key) > LONGEST or key.count(b"\n") != len(index) + len(values):
            key = b""
    memo[name] = key
    return key
