"""The types of the language (reference: four scalars, arrays and maps of anything, keys are always strings)."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from botproxy.model import Facts

Reader = Callable[[Facts], Any]
"""Gives a value of one declared type, or None when it is missing.

Bytes are `bytes`, Int `int`, Bool `bool`, Ip `IPv4Address | IPv6Address`, arrays lists or tuples, maps mappings with
`bytes` keys. The parser has checked every type before a reader is built, so nothing downstream checks again.
"""


class Kind(Enum):
    """The outermost constructor of a type, under the names that error messages use."""

    BOOL = "Bool"
    INT = "Int"
    IP = "Ip"
    BYTES = "Bytes"
    ARRAY = "Array"
    MAP = "Map"


class Type(NamedTuple):
    """A type; `item` is what arrays and maps hold."""

    kind: Kind
    item: Type | None = None

    def __str__(self) -> str:
        return self.kind.value if self.item is None else f"{self.kind.value}<{self.item}>"


BOOL = Type(Kind.BOOL)
INT = Type(Kind.INT)
IP = Type(Kind.IP)
BYTES = Type(Kind.BYTES)


def array(item: Type) -> Type:
    """The type of arrays of `item`."""
    return Type(Kind.ARRAY, item)


def mapping(item: Type) -> Type:
    """The type of maps from strings to `item`."""
    return Type(Kind.MAP, item)


ARRAY_BOOL = array(BOOL)
ARRAY_INT = array(INT)
ARRAY_BYTES = array(BYTES)
ARRAY_ARRAY_BYTES = array(ARRAY_BYTES)
MAP_INT = mapping(INT)
MAP_ARRAY_BYTES = mapping(ARRAY_BYTES)
MAP_ARRAY_INT = mapping(ARRAY_INT)
