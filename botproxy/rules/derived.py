"""Values derived from a request, computed when first asked for and remembered with the request or the header block."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from botproxy.model import Facts
from botproxy.rules.types import Reader

_MAX_LANGUAGES = 64
_SEED_KEY: Final = secrets.token_bytes(32)


def remembered(key: str, compute: Callable[[Facts], Any]) -> Reader:
    """A reader that computes once a request."""
    name = f"rules.{key}"

    def read(facts: Facts) -> Any:
        memo = facts.memo
        if name in memo:
            return memo[name]
        value = memo[name] = compute(facts)
        return value

    return read


def remembered_with_headers(key: str, compute: Callable[[Facts], Any]) -> Reader:
    """A reader that computes once a header block, from the block alone."""
    name = f"rules.{key}"

    def read(facts: Facts) -> Any:
        memo = facts.request.headers.memo
        if name in memo:
            return memo[name]
        value = memo[name] = compute(facts)
        return value

    return read


def header(name: bytes, separator: bytes = b", ") -> Reader:
    """A header as one text: empty when it is absent, as the original has it, and joined when it is repeated."""

    def read(facts: Facts) -> bytes:
        values = facts.request.headers.index.get(name)
        if values is None:
            return b""
        return values[0] if len(values) == 1 else separator.join(values)

    return read


def header_order(facts: Facts) -> bytes:
    """Lower-case names of all headers in order."""
    headers = facts.request.headers
    if len(headers.index) == len(headers.items):
        return b",".join(headers.index)  # where no name is repeated, that is their order
    return b",".join([name.lower() for name, _ in headers.items])


def arguments(query: bytes, most: int = -1) -> list[tuple[bytes, bytes]]:
    """Names and values of a query or form in order, nothing decoded; no more than `most`, unless that is negative."""
    pairs = []
    pieces = query.split(b"&", most)
    for part in pieces if most < 0 else pieces[:most]:
        if part:
            name, _, value = part.partition(b"=")
            pairs.append((name, value))
    return pairs


def grouped(pairs: Sequence[tuple[bytes, bytes]]) -> dict[bytes, list[bytes]]:
    """Values by name, in order."""
    result: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        result.setdefault(name, []).append(value)
    return result


def cookies(facts: Facts) -> dict[bytes, list[bytes]]:
    """Cookies by URL-decoded name."""
    pairs = []
    for line in facts.request.headers.index.get(b"cookie", ()):
        for part in line.split(b";"):
            name, _, value = part.strip(b" \t").partition(b"=")
            if name:
                pairs.append((unquote_to_bytes(name), value))
    return grouped(pairs)


def extension(path: bytes) -> bytes:
    """The lower-case extension of the last segment; `/.mp3`, `/foo.` and `/foo` have none."""
    name, dot, last = path.rpartition(b"/")[2].rpartition(b".")
    return last.lower() if dot and name else b""


def languages(facts: Facts) -> list[bytes]:
    """Languages by falling preference, without `*`. Weights that are none count as 1, as when there is no weight."""
    found: list[tuple[float, bytes]] = []
    for line in facts.request.headers.index.get(b"accept-language", ()):
        for part in line.split(b",", _MAX_LANGUAGES)[:_MAX_LANGUAGES]:
            name, *parameters = part.split(b";")
            tag = name.strip(b" \t")
            weight = 1.0
            for parameter in parameters:
                key, _, value = parameter.strip(b" \t").partition(b"=")
                if key in (b"q", b"Q"):
                    weight = _weight(value)
            if tag and tag != b"*":
                found.append((-weight, tag))
    return [tag for _, tag in sorted(found[:_MAX_LANGUAGES], key=lambda pair: pair[0])]


def _weight(value: bytes) -> float:
    digits = value.replace(b".", b"", 1)
    if not digits.isdigit() or len(value) > 5:
        return 1.0
    return min(float(value), 1.0)


def uri(facts: Facts) -> bytes:
    """Path and query after normalisation."""
    request = facts.request
    return request.path if request.query is None else request.path + b"?" + request.query


def full_uri(facts: Facts) -> bytes:
    """Scheme, host without port, path and query. Without port, or a client could write its way around a rule."""
    request = facts.request
    prefix = b"https://" if request.secure else b"http://"
    return prefix + request.host.encode("utf-8", "replace") + uri(facts)


def raw_target(facts: Facts) -> bytes:
    """The request target as received, in origin form."""
    target = facts.request.target
    if target[:1] != b"/":
        _, mark, rest = target.partition(b"://")
        if mark:
            authority, query, tail = rest.partition(b"?")
            slash = authority.find(b"/")
            return (authority[slash:] if slash >= 0 else b"/") + query + tail
    return target


def raw_full_uri(facts: Facts) -> bytes:
    """The full URI as received."""
    request = facts.request
    if b"://" in request.target and request.target[:1] != b"/":
        return request.target
    return (b"https://" if request.secure else b"http://") + request.authority + request.target


def random_seed(facts: Facts) -> bytes:
    """32 bytes that nobody outside can tell; from the ray id, so that judging a request again changes nothing."""
    return hashlib.blake2b(facts.request.ray.encode(), digest_size=32, key=_SEED_KEY).digest()
