"""JA3 and JA4 of a ClientHello.

JA3 (salesforce/ja3) keeps the order in which a client sends its extensions, which browsers shuffle by now; JA4 (FoxIO,
the TLS client part alone) sorts them. Both leave out GREASE (RFC 8701), here wherever it can stand: Chromium puts it
into signature algorithms too.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import md5, sha256
from itertools import filterfalse
from struct import pack
from typing import Final, NamedTuple

from botproxy.tls.hello import ALPN, SERVER_NAME, ClientHello, Numbers

GREASE: Final = frozenset(high << 8 | high for high in range(0x0A, 0x100, 0x10))
"""The sixteen reserved values of cipher suites, extensions, groups, signature algorithms and versions; as two bytes
they are the reserved names of ALPN too (RFC 8701 section 2)."""

_is_grease: Final = GREASE.__contains__
_GREASE_NAMES: Final = frozenset(bytes((value >> 8, value & 0xFF)) for value in GREASE)
_VERSIONS: Final = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}
_COUNTS: Final = tuple([f"{count:02d}" for count in range(100)])
_DECIMALS: Final = tuple(["-".join(["%d"] * count) for count in range(64)])
_NOTHING: Final = "0" * 12


def strip_grease(numbers: Numbers) -> list[int]:
    """The same numbers without reserved ones."""
    return list(filterfalse(_is_grease, numbers))


class Fingerprints(NamedTuple):
    """Both fingerprints of one hello."""

    ja3: str  # 32 hex digits
    ja4: str  # 36 characters, such as t13d1516h2_8daaf6152771_e5627efa2ab1


class _Ciphers(NamedTuple):
    """What both fingerprints say of a list of cipher suites."""

    number: int
    decimal: str
    hashed: str


def fingerprints(hello: ClientHello) -> Fingerprints:
    """JA3 and JA4 at once, which costs less than one after the other."""
    ciphers = _ciphers_of(hello)
    extensions = strip_grease(hello.extensions)
    text = _ja3(hello, ciphers, extensions)
    hashed = md5(text.encode("ascii"), usedforsecurity=False).hexdigest()
    return Fingerprints(hashed, _ja4(hello, ciphers, extensions))


def ja3_text(hello: ClientHello) -> str:
    """What JA3 is the hash of: version, cipher suites, extensions, groups and point formats in decimal."""
    return _ja3(hello, _ciphers_of(hello), strip_grease(hello.extensions))


def ja3(hello: ClientHello) -> str:
    """JA3: 32 hex digits."""
    return fingerprints(hello).ja3


def ja4(hello: ClientHello) -> str:
    """JA4: 36 characters."""
    return fingerprints(hello).ja4


def _ciphers_of(hello: ClientHello) -> _Ciphers:
    numbers = hello.cipher_suites
    # Clients of one kind send the same list every time; long ones are made anew, so that what is kept stays small.
    return _remembered(numbers) if len(numbers) <= _USUAL else _read(numbers)


def _read(numbers: Numbers) -> _Ciphers:
    ciphers = strip_grease(numbers)
    return _Ciphers(len(ciphers), _decimal(ciphers), _short_hash(_codes(sorted(ciphers))))


_USUAL: Final = 100
_remembered: Final = lru_cache(512)(_read)


def _ja3(hello: ClientHello, ciphers: _Ciphers, extensions: list[int]) -> str:
    return ",".join(
        (
            str(hello.version),
            ciphers.decimal,
            _decimal(extensions),
            _remembered_curves(hello.groups, hello.point_formats)
            if len(hello.groups) + len(hello.point_formats) <= _USUAL
            else _curves(hello.groups, hello.point_formats),
        )
    )


def _curves(groups: Numbers, formats: Numbers) -> str:
    return f"{_decimal(strip_grease(groups))},{_decimal(list(formats))}"


_remembered_curves: Final = lru_cache(512)(_curves)


def _ja4(hello: ClientHello, ciphers: _Ciphers, extensions: list[int]) -> str:
    offered = strip_grease(hello.versions)
    version = _VERSIONS.get(max(offered) if offered else hello.version, "00")
    # The order is that of hex codes, which for four digits is that of the numbers.
    ordered = tuple(sorted(extensions))
    named = "d" if ordered[:1] == _FIRST else "i"
    algorithms = hello.signature_algorithms
    usual = len(ordered) + len(algorithms) <= _USUAL
    last = _remembered_last(ordered, algorithms) if usual else _last(ordered, algorithms)
    return (
        f"t{version}{named}{_COUNTS[min(ciphers.number, 99)]}{_COUNTS[min(len(extensions), 99)]}"
        f"{_alpn(hello.alpn)}_{ciphers.hashed}_{last}"
    )


_FIRST: Final = (SERVER_NAME,)


def _last(ordered: Numbers, algorithms: Numbers) -> str:
    """The last part of a JA4, which is the same in every hello of most clients, shuffled or not."""
    text = _codes([each for each in ordered if each not in (SERVER_NAME, ALPN)])
    offered = strip_grease(algorithms)
    return _short_hash(f"{text}_{_codes(offered)}" if offered else text)


_remembered_last: Final = lru_cache(512)(_last)


def _decimal(numbers: list[int]) -> str:
    """Decimal numbers with hyphens between them."""
    count = len(numbers)
    # One format for all costs a third of what a string for each does.
    return (_DECIMALS[count] if count < len(_DECIMALS) else "-".join(["%d"] * count)) % tuple(numbers)


def _codes(numbers: list[int]) -> str:
    """Four hex digits each, separated by commas."""
    return pack(f">{len(numbers)}H", *numbers).hex(",", 2)


def _short_hash(text: str) -> str:
    return sha256(text.encode("ascii")).hexdigest()[:12] if text else _NOTHING


def _alpn(protocols: tuple[bytes, ...]) -> str:
    """First and last character of the first protocol; of its hex digits when one of the two is no letter or digit."""
    for protocol in protocols:
        if protocol == b"h2":
            return "h2"
        if protocol in _GREASE_NAMES:
            continue
        ends = protocol[:1] + protocol[-1:]
        if ends.isalnum():
            return ends.decode("ascii")
        return protocol[:1].hex()[0] + protocol[-1:].hex()[1]
    return "00"
