"""The cookies that are between visitors and this proxy: the origin neither gets nor sets them, whatever their names."""

from __future__ import annotations

import re
from typing import Final, final

_USUAL: Final = (b"__cf_bm", b"cf_clearance", b"cf_chl_rc_ni")


@final
class OwnCookies:
    """The cookies of one zone by their names, and those of the usual names in any case: what a visitor still has from
    before they were renamed opens as nothing and is no business of the origin's either.
    """

    __slots__ = ("_names", "_renamed", "_sent", "_set", "_set_line", "encoding_memo", "memo")

    def __init__(self, *names: str) -> None:
        """`names` in letters, digits and underscores, the usual ones or others."""
        more = [name.encode("ascii") for name in sorted(set(names))]
        renamed = [name for name in more if name not in _USUAL]
        self._names: Final = (*_USUAL, *renamed)
        self._renamed: Final = bool(renamed)
        any_name = b"|".join(map(re.escape, self._names))
        self._sent: Final = re.compile(rb"(?:^|;)[ \t]*(?:%b)[ \t]*=[^;]*" % any_name)
        self._set: Final = re.compile(rb"[ \t]*(?:%b)[ \t]*(?:=|;|\Z)" % any_name)
        self._set_line: Final = re.compile(rb"(?m:^)(?i:set-cookie):[ \t]*(?:%b)[ \t]*(?:[=;][^\r\n]*)?\r\n" % any_name)
        self.memo: Final = "proxy.forward " + ",".join([name.decode("ascii") for name in renamed])
        """Under which readers of a header block may keep what depends on these names."""
        self.encoding_memo: Final = self.memo + " without encoding"

    def within(self, value: bytes) -> bool:
        """Whether a Cookie header may hold one of them; it is wrong only in saying yes too often."""
        for name in self._names:  # noqa: SIM110 - `any` makes a generator for every request
            if name in value:
                return True
        return False

    def taken_from(self, value: bytes) -> bytes:
        """A Cookie header's value without them."""
        return self._sent.sub(b"", value).lstrip(b"; \t")

    def set_by(self, value: bytes) -> bool:
        """Whether this is what a Set-Cookie header says to set one of them."""
        return self._set.match(value) is not None

    def kept_from(self, lines: bytes) -> bytes:
        """Lines for the visitor, which set no cookie of a usual name, without those that set a renamed one."""
        return self._set_line.sub(b"", lines) if self._renamed else lines


USUAL: Final = OwnCookies()
"""Where nothing was renamed."""
