"""Whether a site asks browsers to leave out of Referer where they are: then its absence says nothing of a caller."""

from __future__ import annotations

from typing import Final, final

_SHORT: Final = (b"no-referrer", b"origin", b"strict-origin")
_LONG: Final = (
    b"no-referrer-when-downgrade", b"same-origin", b"origin-when-cross-origin", b"strict-origin-when-cross-origin",
    b"unsafe-url",
)  # fmt: skip
_LONGEST: Final = 256

PAGES: Final = 64
"""Over about so many pages the share is taken."""

ENOUGH: Final = 0.02
"""Share of pages with such a policy, from which on the site counts as one that has it."""


@final
class Referrals:
    """What the pages of one zone said lately, as one worker passed them on. Constant size.

    Read from `Referrer-Policy` of the origin's answers (W3C Referrer Policy, 8.1). A policy in a `<meta>` is not seen.
    """

    __slots__ = ("_share", "short")

    def __init__(self) -> None:
        self._share = -1.0
        self.short = False
        """Whether requests on the site come without the path they came from."""

    def page(self, policy: bytes) -> None:
        """Count a page that was handed out with this value of the header, empty for none."""
        said = 1.0 if shortens(policy) else 0.0
        share = self._share
        share = said if share < 0 else share + (said - share) / PAGES
        self._share = share
        self.short = share > ENOUGH


def shortens(policy: bytes) -> bool:
    """Whether a policy has browsers send no path to the site's own pages. The last word that is known counts."""
    if not policy:
        return False
    for word in reversed(policy[:_LONGEST].lower().split(b",")):
        name = word.strip()
        if name in _SHORT:
            return True
        if name in _LONG:
            return False
    return False
