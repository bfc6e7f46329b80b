"""The clearance that `cf_clearance` carries: the level of a solved challenge, and the result of JavaScript detections.

The two have one cookie and a life each. Writing one never drops, shortens or lowers the other.
"""

from __future__ import annotations

from hashlib import sha256
from ipaddress import IPv4Address
from struct import Struct
from typing import Final, Literal

from botproxy.cookies.fields import pack_fields
from botproxy.model import Address, Clearance, ClearanceLevel

JS_SECONDS: Final = 900.0
"""How long a result of JavaScript detections counts (reference: fifteen minutes)."""

SKEW_SECONDS: Final = 180.0
"""Grace after the expiry, for clocks that differ."""

SCRIPT_SECONDS: Final = 3600.0
"""More grace for requests made by scripts, which cannot show a challenge to anybody."""

AddressBinding = Literal["exact", "network", "none"]

_LAYOUT: Final = Struct(">BBQBQ8sQIB")
_FORMAT: Final = 2
_MAX_HOMES: Final = 2
_JS: Final[tuple[bool | None, ...]] = (None, False, True)
_NONE: Final = ClearanceLevel.NONE
_LEVELS: Final = tuple(ClearanceLevel)
_NO_RAY: Final = "0" * 16


def binding(user_agent: bytes) -> bytes:
    """What a clearance cannot be opened without: the exact User-Agent."""
    return pack_fields(user_agent[:0xFFFF])


def home(address: Address, strictness: AddressBinding) -> bytes:
    """What of an address a clearance is bound to, as strictly as the operator asked; b"" for nothing.

    `network` is the /24 of an IPv4 address and the /64 of an IPv6 address, for visitors whose address changes within.
    """
    if strictness == "exact":
        return address.packed
    if strictness == "network":
        return address.packed[:3] if isinstance(address, IPv4Address) else address.packed[:8]
    return b""


def with_home(homes: tuple[bytes, ...], new: bytes) -> tuple[bytes, ...]:
    """The homes of a visitor who is now at `new`: the one before of the same family goes, one of the other stays.

    A visitor with IPv4 and IPv6 changes between them from request to request. With room for one of each nobody is
    challenged again for that, and one solved challenge still serves no more than one address of a family.
    """
    if not new:
        return ()
    version4 = len(new) in (3, 4)
    return (new, *[other for other in homes if (len(other) in (3, 4)) != version4][: _MAX_HOMES - 1])


def lives_at(clearance: Clearance, here: bytes) -> bool:
    """Whether it holds for a visitor whose address gives this home."""
    return not here or here in clearance.homes


def node_number(name: bytes) -> int:
    """A number other than 0 for a node of this name."""
    return int.from_bytes(sha256(name).digest()[:4], "big") or 1


def with_level(
    old: Clearance | None, level: ClearanceLevel, expires: float, ray: str, now: float, node: int = 0
) -> Clearance:
    """The clearance after a solved challenge. A higher level still good stays; an equal one is not shortened.

    `node` is the only one that is to take it, 0 for all.
    """
    if old is None:
        return Clearance(level, expires, None, 0.0, ray, now, node)
    if old.level is not _NONE and old.expires > now:
        if old.level > level:
            return old
        if old.level == level and old.expires > expires:
            return old
    return old._replace(level=level, expires=expires, ray=ray, issued=now, node=node)


def with_js(old: Clearance | None, passed: bool, expires: float, ray: str) -> Clearance:
    """The clearance after a report of JavaScript detections; the newest report counts, the level stays as it is."""
    if old is None:
        return Clearance(_NONE, 0.0, passed, expires, ray)
    return old._replace(js_passed=passed, js_expires=expires)


def current(clearance: Clearance, now: float, script: bool = False, node: int = 0) -> Clearance | None:
    """What of it still counts: an expired level becomes NONE, an expired result None; None when nothing is left.

    A level that was given for one node counts on that `node` alone, and without the grace.
    """
    grace = SKEW_SECONDS + SCRIPT_SECONDS if script else SKEW_SECONDS
    if clearance.node:
        grace = 0.0
    elsewhere = clearance.node not in (0, node)
    level_ended = clearance.level is _NONE or elsewhere or now >= clearance.expires + grace
    js_ended = clearance.js_passed is None or now >= clearance.js_expires + SKEW_SECONDS
    if level_ended and js_ended:
        return None
    if level_ended and clearance.level is not _NONE:
        return clearance._replace(level=_NONE, expires=0.0)
    if js_ended and clearance.js_passed is not None:
        return clearance._replace(js_passed=None, js_expires=0.0)
    return clearance


def best(first: Clearance, second: Clearance) -> Clearance:
    """The better part of each: of two cookies after a change of `cookie_domain`, neither may hide the other."""
    level = max(first, second, key=lambda clearance: (clearance.level, clearance.expires))
    report = max(first, second, key=lambda clearance: clearance.js_expires)
    return level._replace(js_passed=report.js_passed, js_expires=report.js_expires)


def encode(clearance: Clearance) -> bytes:
    """Format, level and its expiry, result and its expiry, ray, when it was given and for which node; then the homes,
    each behind its length in one byte. Times in milliseconds."""
    head = _LAYOUT.pack(
        _FORMAT,
        clearance.level,
        int(clearance.expires * 1000),
        _JS.index(clearance.js_passed),
        int(clearance.js_expires * 1000),
        bytes.fromhex(clearance.ray or _NO_RAY),
        int(clearance.issued * 1000),
        clearance.node,
        len(clearance.homes),
    )
    return head + b"".join([bytes((len(each),)) + each for each in clearance.homes])


def decode(payload: bytes) -> Clearance | None:
    """The clearance of an opened payload, or None when it has another format."""
    if len(payload) < _LAYOUT.size:
        return None
    form, level, expires, js, js_expires, ray, issued, node, count = _LAYOUT.unpack_from(payload)
    if form != _FORMAT or level >= len(_LEVELS) or js >= len(_JS) or count > _MAX_HOMES:
        return None
    homes: list[bytes] = []
    at = _LAYOUT.size
    for _ in range(count):
        start = at + 1
        if start > len(payload):
            return None
        at = start + payload[at]
        if at > len(payload):
            return None
        homes.append(payload[start:at])
    if at != len(payload):
        return None
    return Clearance(
        _LEVELS[level], expires / 1000, _JS[js], js_expires / 1000, ray.hex(), issued / 1000, node, tuple(homes)
    )
