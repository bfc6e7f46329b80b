"""Members of long lists: sorted arrays of machine numbers, searched by bisection, without an object for each member.

Nothing in here is written to after it was made, and looking up touches no member's reference count, so that the memory
stays shared between forked processes. 8 bytes for each IPv4 network, 16 for each IPv6 network up to /64, 24 for a
longer one, 16 for a number, 12 for a string besides its own bytes; neighbours, and what lies within another member,
take none.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from typing import Final, final

from botproxy.model import Address

_LONGEST_HOST: Final = 253
_HALF: Final = 1 << 64
_LAST: Final = _HALF - 1


@final
class NumberTable:
    """Integers, as sorted and disjoint ranges of signed 64-bit numbers."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        """`ranges` are (first, last), sorted by their first."""
        self._starts: Final = array("q")
        self._ends: Final = array("q")
        _join(ranges, self._starts, self._ends)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._starts, number) - 1
        return at >= 0 and number <= self._ends[at]

    def shared(self, first: int, last: int) -> tuple[int, int] | None:
        """Numbers of the range that it holds: the last run of them, or None."""
        return _shared(self._starts, self._ends, first, last)

    def __len__(self) -> int:
        """How many ranges are left after joining."""
        return len(self._starts)

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return 2 * 8 * len(self._starts)

    def ranges(self) -> Iterable[tuple[int, int]]:
        """All ranges in order."""
        return zip(self._starts, self._ends, strict=True)


@final
class TextTable:
    """Byte strings, found by their hashes, which are those of this process and of what is forked from it."""

    __slots__ = ("_hashes", "_offsets", "_text")

    def __init__(self, words: Iterable[bytes]) -> None:
        """`words` are different from each other, and together no longer than 4 GB."""
        ordered = sorted(words, key=_hash)
        self._hashes: Final = array("Q", map(_hash, ordered))
        self._offsets: Final = array("I", (0,))
        self._offsets.extend(accumulate(map(len, ordered)))
        self._text: Final = b"".join(ordered)

    def __contains__(self, word: bytes) -> bool:
        hashed = hash(word) & _LAST
        hashes = self._hashes
        at = bisect_left(hashes, hashed)
        while at < len(hashes) and hashes[at] == hashed:
            if self._text[self._offsets[at] : self._offsets[at + 1]] == word:
                return True
            at += 1
        return False

    def __len__(self) -> int:
        return len(self._hashes)

    def __iter__(self) -> Iterator[bytes]:
        for begin, end in pairwise(self._offsets):
            yield self._text[begin:end]

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return (8 + 4) * len(self._hashes) + len(self._text)


@final
class HostTable:
    """Host names, and `*.` patterns for every name below one; matched without regard to case."""

    __slots__ = ("below", "exact")

    def __init__(self, names: Iterable[bytes]) -> None:
        several = list(names)
        self.exact: Final = TextTable(name for name in several if not name.startswith(b"*."))
        self.below: Final = TextTable(name[2:] for name in several if name.startswith(b"*."))

    def __contains__(self, host: bytes) -> bool:
        if len(host) > _LONGEST_HOST:
            return False
        host = host.lower()
        if host in self.exact:
            return True
        below = self.below
        if len(below):
            at = host.find(b".")
            while at >= 0:
                if host[at + 1 :] in below:
                    return True
                at = host.find(b".", at + 1)
        return False

    def __len__(self) -> int:
        return len(self.exact) + len(self.below)

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return self.exact.size + self.below.size


@final
class AddressTable:
    """Addresses of both families, as sorted and disjoint ranges.

    A 128-bit number fits no array, so ranges of whole /64 networks are kept by their upper halves, and what is finer by
    its network and the lower halves within it.
    """

    __slots__ = ("_ends4", "_ends64", "_fine_ends", "_fine_networks", "_fine_starts", "_starts4", "_starts64")

    def __init__(self, v4: Iterable[tuple[int, int]], v6: Iterable[tuple[int, int]]) -> None:
        """Both are (first, last) as integers, sorted by their first."""
        self._starts4: Final = array("I")
        self._ends4: Final = array("I")
        _join(v4, self._starts4, self._ends4)
        self._starts64: Final = array("Q")
        self._ends64: Final = array("Q")
        self._fine_networks: Final = array("Q")
        self._fine_starts: Final = array("Q")
        self._fine_ends: Final = array("Q")
        for first, last in _joined(v6):
            self._add(first, last)

    def _add(self, first: int, last: int) -> None:
        high, low = divmod(first, _HALF)
        last_high, last_low = divmod(last, _HALF)
        if high == last_high and (low, last_low) != (0, _LAST):
            self._add_fine(high, low, last_low)
            return
        if low:
            self._add_fine(high, low, _LAST)
            high += 1
        if last_low != _LAST:
            last_high -= 1
        if high <= last_high:
            self._starts64.append(high)
            self._ends64.append(last_high)
        if last_low != _LAST:
            self._add_fine(last_high + 1, 0, last_low)

    def _add_fine(self, network: int, first: int, last: int) -> None:
        self._fine_networks.append(network)
        self._fine_starts.append(first)
        self._fine_ends.append(last)

    def __contains__(self, address: Address) -> bool:
        number = int(address)
        if address.version == 4:
            at = bisect_right(self._starts4, number) - 1
            return at >= 0 and number <= self._ends4[at]
        high = number >> 64
        at = bisect_right(self._starts64, high) - 1
        if at >= 0 and high <= self._ends64[at]:
            return True
        networks = self._fine_networks
        begin = bisect_left(networks, high)
        if begin == len(networks) or networks[begin] != high:
            return False
        low = number & _LAST
        at = bisect_right(self._fine_starts, low, begin, bisect_right(networks, high, begin)) - 1
        return at >= begin and low <= self._fine_ends[at]

    def shared(self, version: int, first: int, last: int) -> tuple[int, int] | None:
        """Addresses of the range that it holds: one run of them, or None."""
        if version == 4:
            return _shared(self._starts4, self._ends4, first, last)
        coarse = _shared(self._starts64, self._ends64, first >> 64, last >> 64)
        if coarse is not None:
            return max(first, coarse[0] << 64), min(last, coarse[1] << 64 | _LAST)
        networks = self._fine_networks
        for at in range(bisect_left(networks, first >> 64), bisect_right(networks, last >> 64)):
            start, end = networks[at] << 64 | self._fine_starts[at], networks[at] << 64 | self._fine_ends[at]
            if first <= end and start <= last:
                return max(first, start), min(last, end)
        return None

    def __len__(self) -> int:
        """How many ranges are left after joining."""
        return len(self._starts4) + len(self._starts64) + len(self._fine_networks)

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return 2 * 4 * len(self._starts4) + 2 * 8 * len(self._starts64) + 3 * 8 * len(self._fine_networks)

    def ranges(self) -> Iterable[tuple[int, int, int]]:
        """All ranges as (version, first, last)."""
        for first, last in zip(self._starts4, self._ends4, strict=True):
            yield 4, first, last
        for first, last in zip(self._starts64, self._ends64, strict=True):
            yield 6, first << 64, last << 64 | _LAST
        for network, first, last in zip(self._fine_networks, self._fine_starts, self._fine_ends, strict=True):
            yield 6, network << 64 | first, network << 64 | last


def _hash(word: bytes) -> int:
    return hash(word) & _LAST


def _shared(starts: array[int], ends: array[int], first: int, last: int) -> tuple[int, int] | None:
    at = bisect_right(starts, last) - 1
    return (max(first, starts[at]), min(last, ends[at])) if at >= 0 and first <= ends[at] else None


def _join(ranges: Iterable[tuple[int, int]], starts: array[int], ends: array[int]) -> None:
    for first, last in _joined(ranges):
        starts.append(first)
        ends.append(last)


def _joined(ranges: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    """Sorted ranges with neighbours and overlapping ones made one."""
    begin, end = 0, -2
    known = False
    for first, last in ranges:
        if known and first <= end + 1:
            end = max(end, last)
            continue
        if known:
            yield begin, end
        begin, end, known = first, last, True
    if known:
        yield begin, end
