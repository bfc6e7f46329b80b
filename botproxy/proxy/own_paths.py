"""Paths of our own: everything under one prefix, in any spelling an origin could take for it; and their limiter."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Final, final

from botproxy.addresses import holder
from botproxy.model import Address

PREFIX: Final = "/cdn-cgi/"
"""That of the original. It is ours always, so that a page which was made before the prefix changed goes on."""


@final
class OwnPaths:
    """Which paths are ours. With another prefix than the original's those under either are."""

    __slots__ = ("_custom", "_ours", "_starts", "prefix")

    def __init__(self, prefix: str = PREFIX) -> None:
        """`prefix` is one segment between slashes, in lower-case letters, digits and hyphens."""
        names = dict.fromkeys((PREFIX.strip("/").encode(), prefix.strip("/").encode()))
        self.prefix: Final = prefix
        self._custom: Final = b"" if prefix == PREFIX else prefix.encode()
        self._ours: Final = re.compile(
            rb"(?:/|%%2F|%%5C)+(?:%b)(?:/|;|%%2F|%%5C|\Z)" % b"|".join(map(re.escape, names)), re.IGNORECASE
        )
        letters = dict.fromkeys(name[:1] for name in names)
        self._starts: Final = (b"/%", b"//", *(b"/" + each for letter in letters for each in (letter, letter.upper())))

    def own(self, path: bytes) -> bool:
        """Whether a normalised path is ours and therefore never forwarded.

        The spelling of a route is in lower case. Any other spelling that an origin might read as the same
        (`/CDN-CGI/`, `/cdn-cgi%2f`, `/cdn-cgi;x/`, repeated slashes) is ours too, and nothing is found there: 404.
        """
        return path.startswith(self._starts) and self._ours.match(path) is not None

    def original(self, path: bytes) -> bytes:
        """One of our paths as the original spells it, which is how routes are known."""
        custom = self._custom
        return PREFIX.encode() + path[len(custom) :] if custom and path.startswith(custom) else path


CDN_CGI: Final = OwnPaths()
"""The paths of an instance that did not choose another prefix."""


def is_own_path(path: bytes) -> bool:
    """`OwnPaths.own` for the usual prefix."""
    return CDN_CGI.own(path)


@final
class OwnPathLimiter:
    """A token bucket for each address, in a table of bounded size; a /64 of IPv6 counts as one address.

    When the table is full the address that asked longest ago is forgotten, and starts afresh with a full bucket: a
    flood from very many addresses makes the limit milder and never locks anybody out.
    """

    __slots__ = ("_buckets", "_burst", "_rate", "_size")

    def __init__(self, rate: float = 10.0, burst: float = 50.0, size: int = 65_536) -> None:
        """`rate` requests a second for each address, `burst` at once, `size` addresses remembered."""
        self._rate = rate
        self._burst = burst
        self._size = size
        self._buckets: OrderedDict[Address | int, tuple[float, float]] = OrderedDict()

    def allow(self, address: Address, now: float) -> bool:
        """Whether this address may ask once more at `now` (seconds of any clock that does not run backwards)."""
        key = holder(address)
        tokens, then = self._buckets.get(key, (self._burst, now))
        tokens = min(self._burst, tokens + max(now - then, 0.0) * self._rate)
        allowed = tokens >= 1.0
        self._buckets[key] = (tokens - 1.0 if allowed else tokens, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._size:
            self._buckets.popitem(last=False)
        return allowed
