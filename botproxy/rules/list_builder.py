"""Lists from their items, one by one: what is wrong with an item is raised, what is doubtful is told at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, final

from botproxy.rules.list_items import ItemError, hostname, network, shown_item, written
from botproxy.rules.lists import ListKind, Members, NamedList
from botproxy.rules.tables import AddressTable, HostTable, NumberTable, TextTable

LONGEST_STRING: Final = 4096
"""Bytes of the longest member of a list of strings."""

LARGEST_ASN: Final = 2**32 - 1
_WIDEST4: Final = 1 << 24
_WIDEST6: Final = 1 << 116
"""Addresses of the widest networks that the original takes into a list: a /8, and of IPv6 a /12."""
_FEW: Final = 10
"""Of what is doubtful, so much is kept to be told; the rest is counted."""


class Overlap(NamedTuple):
    """Two items of a list of which one adds nothing, or not all that it says. Positions as they were given."""

    at: int
    text: str
    other_at: int
    other: str
    same: bool


class Compiled(NamedTuple):
    """A list, and what its operator may want to think about: `overlaps` are the first few of `overlapping`."""

    list: NamedList
    overlaps: tuple[Overlap, ...]
    overlapping: int
    wide: tuple[int, ...]  # positions of networks that are wider than the original takes, the first few


@final
class ListBuilder:
    """Takes items one by one, each with a position that messages can be about: a line, or a place in the settings."""

    def __init__(self, name: str, kind: ListKind) -> None:
        self._name: Final = name
        self._kind: Final = kind
        self._v4: Final[list[int]] = []
        self._v6: Final[list[int]] = []
        self._words: Final[dict[bytes, int]] = {}
        self._overlaps: Final[list[Overlap]] = []
        self._overlapping = 0
        self._wide: Final[list[int]] = []
        self.add: Final[Callable[[bytes, int], None]] = {
            ListKind.IP: self._add_network,
            ListKind.ASN: self._add_number,
            ListKind.HOSTNAME: self._add_host,
            ListKind.STRING: self._add_string,
        }[kind]
        """Add one item at a position from 0 to 2^32; raises `ItemError`."""

    def finish(self) -> Compiled:
        """The list of everything that was added."""
        members: Members
        if self._kind is ListKind.IP:
            members = AddressTable(self._sorted(self._v4, 4), self._sorted(self._v6, 6))
        elif self._kind is ListKind.ASN:
            members = NumberTable((number, number) for number in sorted(int(word) for word in self._words))
        elif self._kind is ListKind.HOSTNAME:
            members = HostTable(self._words)
            self._find_hosts_below(members)
        else:
            members = TextTable(self._words)
        found = NamedList(self._name, self._kind, members)
        return Compiled(found, tuple(self._overlaps), self._overlapping, tuple(self._wide))

    def _add_network(self, item: bytes, at: int) -> None:
        version, first, last = network(item)
        if version == 4:
            if last - first >= _WIDEST4 and len(self._wide) < _FEW:
                self._wide.append(at)
            self._v4.append((first << 32 | last) << 32 | at)
            return
        if last - first >= _WIDEST6 and len(self._wide) < _FEW:
            self._wide.append(at)
        self._v6.append((first << 128 | last) << 32 | at)

    def _add_number(self, item: bytes, at: int) -> None:
        if not item.isdigit() or len(item) > 10 or int(item) > LARGEST_ASN:
            right = item[2:].decode() if item[:2].upper() == b"AS" and item[2:].isdigit() else ""
            raise ItemError(f"{shown_item(item)} is no AS number", right or "a whole number such as 64512")
        self._add_word(b"%d" % int(item), at)

    def _add_host(self, item: bytes, at: int) -> None:
        self._add_word(hostname(item), at)

    def _add_string(self, item: bytes, at: int) -> None:
        if len(item) > LONGEST_STRING:
            raise ItemError(f"a string of {len(item)} bytes", f"at most {LONGEST_STRING}")
        self._add_word(item, at)

    def _add_word(self, word: bytes, at: int) -> None:
        first = self._words.setdefault(word, at)
        if first != at:
            self._tell(at, shown_item(word), first, shown_item(word), True)

    def _tell(self, at: int, text: str, other_at: int, other: str, same: bool) -> None:
        self._overlapping += 1
        if len(self._overlaps) < _FEW:
            self._overlaps.append(Overlap(at, text, other_at, other, same))

    def _sorted(self, packed: list[int], version: int) -> Iterable[tuple[int, int]]:
        """(first, last) in order; on the way, what overlaps is found."""
        width = 32 if version == 4 else 128
        mask = (1 << width) - 1
        packed.sort()
        begin, end, widest = 0, -1, 0
        for item in packed:
            bounds, at = item >> 32, item & 0xFFFFFFFF
            first, last = bounds >> width, bounds & mask
            if first <= end:
                # The one that adds nothing is told, or else the later line.
                one, other = (first, last, at), (begin, end, widest)
                if last > end and (first == begin or at < widest):
                    one, other = other, one
                self._tell(
                    one[2],
                    written(version, one[0], one[1]),
                    other[2],
                    written(version, other[0], other[1]),
                    one[:2] == other[:2],
                )
            if last > end:
                begin, end, widest = first, last, at
            yield first, last

    def _find_hosts_below(self, table: HostTable) -> None:
        for name, at in self._words.items():
            parent = name[2:] if name.startswith(b"*.") else name
            dot = parent.find(b".")
            while dot >= 0:
                above = b"*." + parent[dot + 1 :]
                if above[2:] in table.below:
                    self._tell(at, shown_item(name), self._words[above], shown_item(above), False)
                    break
                dot = parent.find(b".", dot + 1)


def named_list(name: str, kind: ListKind | str, items: Iterable[str | int]) -> NamedList:
    """A list of a few items. Raises `ItemError` at the first that is none."""
    builder = ListBuilder(name, ListKind(kind))
    for at, item in enumerate(items):
        builder.add(str(item).encode("utf-8", "surrogateescape"), at)
    return builder.finish().list
