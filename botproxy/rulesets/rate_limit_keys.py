"""What requests have in common that are counted together: characteristics, read of a request and joined as one key."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from botproxy.model import Facts
from botproxy.rules import FIELDS, FieldSpec, Lists, Scheme, Value, compile_value
from botproxy.rules.types import BYTES, Reader

COLO: Final = "cf.colo.id"
"""Mandatory in the original, where places do not share counters; there is one place here."""

Values = Callable[[Facts], bytes]

_UPPER_CASE_HEADER: Final = re.compile(r"""headers\s*\[\s*"([^"]*[A-Z][^"]*)"\s*\]""")


def _visitor(facts: Facts) -> bytes:
    """The session of a visitor who sent its cookie back, and the address of everybody else.

    A session costs a request that counts for its address, so who forgets the cookie each time gains nothing.
    """
    session = facts.session
    return session.id.encode() if session is not None else facts.client.text.encode()


def _address(facts: Facts) -> bytes:
    return facts.client.text.encode()


SCHEME: Final = Scheme(
    {**FIELDS.fields, "cf.unique_visitor_id": FieldSpec("cf.unique_visitor_id", BYTES, _visitor)},
)
"""Fields that characteristics may use."""

_READERS: Final[dict[str, Reader]] = {"ip.src": _address, "cf.unique_visitor_id": _visitor}
"""Characteristics that most rules have, read without a detour."""


def compile_characteristic(text: str, lists: Lists | None) -> Value | None:
    """The value that a characteristic names; None for the place, of which there is one. Raises RuleError."""
    return None if text.strip() == COLO else compile_value(text, SCHEME, lists)


def misspelt_header(text: str) -> str | None:
    """A header that is written with capitals, and so would always be missing: names are in lower case here."""
    found = _UPPER_CASE_HEADER.search(text)
    return found[1] if found is not None else None


def joined(characteristics: Sequence[Value]) -> Values:
    """Reads the values of all of them; two requests have the same bytes when all values are the same.

    What is missing differs from what is empty.
    """
    readers = [_READERS.get(value.text.strip(), value.read) for value in characteristics]
    if len(readers) == 1:
        read = readers[0]
        return lambda facts: _encoded(read(facts))

    def join(facts: Facts) -> bytes:
        return b"".join([_encoded(read(facts)) for read in readers])

    return join


def _encoded(value: object) -> bytes:
    """Unmistakable, whatever stands before and behind it."""
    if isinstance(value, bytes):
        return b"%d:%b" % (len(value), value)
    if value is None:
        return b"-"
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, int):
        return b"i%d;" % value
    if isinstance(value, list | tuple):
        return b"[%b]" % b"".join([_encoded(item) for item in value])
    if isinstance(value, IPv4Address | IPv6Address):
        return b"a" + value.packed if value.version == 4 else b"A" + value.packed
    if isinstance(value, dict):
        return b"{%b}" % b"".join([_encoded(name) + _encoded(held) for name, held in value.items()])
    raise TypeError(f"{type(value).__name__} is no value of the rules language")
