"""Named lists, for `in $name`: compiled once, and one object for all rules that name it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, final

from botproxy.rules.tables import AddressTable, HostTable, NumberTable, TextTable
from botproxy.rules.types import BYTES, INT, IP, Type


class ListKind(Enum):
    """What a list holds, under the names of the original's API; `string` is ours."""

    IP = "ip"
    HOSTNAME = "hostname"
    ASN = "asn"
    STRING = "string"


HOLDS: Final[Mapping[ListKind, str]] = {
    ListKind.IP: "addresses and networks",
    ListKind.HOSTNAME: "host names",
    ListKind.ASN: "AS numbers",
    ListKind.STRING: "strings",
}
_TYPES: Final[Mapping[ListKind, Type]] = {
    ListKind.IP: IP,
    ListKind.HOSTNAME: BYTES,
    ListKind.ASN: INT,
    ListKind.STRING: BYTES,
}

Members = AddressTable | NumberTable | HostTable | TextTable


@final
class NamedList:
    """A compiled list. It is equal to itself alone, so that rules which name the same list are seen to ask the same.

    Without a `kind` it stands for a list that could not be read: it fits every field and holds nothing.
    """

    __slots__ = ("kind", "members", "name")

    def __init__(self, name: str, kind: ListKind | None, members: Members) -> None:
        self.name: Final = name
        self.kind: Final = kind
        self.members: Final = members

    def fits(self, subject: Type) -> bool:
        """Whether values of this type can be members."""
        return self.kind is None or _TYPES[self.kind] == subject

    def __contains__(self, value: Any) -> bool:
        return value in self.members

    def __len__(self) -> int:
        """How many members there are, addresses and numbers joined to ranges."""
        return len(self.members)


Lists = Mapping[str, NamedList]
"""Lists by the name behind `$`."""


def unread(name: str) -> NamedList:
    """What stands for a list that could not be read, so that the rules which name it are not told to be wrong too."""
    return NamedList(name, None, TextTable(()))
