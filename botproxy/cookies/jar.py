"""The cookies of one zone: opened from what a visitor sent, written for what the visitor is sent."""

from __future__ import annotations

from collections.abc import Callable
from os import urandom
from typing import Final, final

from botproxy.cookies import clearance as clearances
from botproxy.cookies import session as sessions
from botproxy.cookies.header import read_cookie, set_cookie
from botproxy.cookies.keyring import KeyRing
from botproxy.cookies.revocations import Revocations
from botproxy.cookies.sealing import Sealer
from botproxy.cookies.settings import Settings
from botproxy.model import Address, Clearance, Headers, Session
from botproxy.remembered import Remembered

_SESSION_MEMO: Final = "cookies.session"
_CLEARANCE_MEMO: Final = "cookies.clearance"
_REMEMBERED: Final = (512, 128 * 1024, 1024)
"""Cookies that opened, bytes of them, and the longest: as `Remembered` has it, for each kind and zone."""


@final
class Jar:
    """Opens and writes the session and the clearance of one zone. A cookie that does not open is as good as none."""

    __slots__ = (
        *("_clearance", "_clearance_name", "_cleared", "_domain", "_node", "_opened", "_revocations", "_session"),
        *("_session_name", "_strictness", "_tails", "_zone"),
    )

    def __init__(
        self,
        keyring: KeyRing,
        zone: str,
        settings: Settings,
        randomness: Callable[[int], bytes] = urandom,
        revocations: Revocations | None = None,
        node: int = 0,
    ) -> None:
        """`revocations` is what of the clearances no longer counts, `node` the number of this one."""
        self._zone: Final = zone
        self._revocations: Final = revocations
        self._node: Final = node
        self._session: Final = Sealer(keyring, "session", zone, randomness)
        self._clearance: Final = Sealer(keyring, "clearance", zone, randomness)
        self._session_name: Final = settings.session_name.encode()
        self._clearance_name: Final = settings.clearance_name.encode()
        self._domain: Final = settings.cookie_domain
        self._strictness: Final = settings.bind_address
        self._tails: Final = [
            set_cookie(b"", "", secure=secure, max_age=int(sessions.IDLE_SECONDS), domain=self._domain)[1:]
            for secure in (False, True)
        ]
        # Browsers send the same cookies with every picture of a page, in blocks that differ.
        self._opened: Final[Remembered[Session]] = Remembered(*_REMEMBERED)
        self._cleared: Final[Remembered[Clearance]] = Remembered(*_REMEMBERED)

    def session(self, headers: Headers, now: float) -> Session | None:
        """The session that the visitor brought; of several, the one seen last."""
        if b"cookie" not in headers.index:
            return None
        memo = headers.memo.get(_SESSION_MEMO)
        if isinstance(memo, tuple) and memo[0] == self._zone:
            found: Session | None = memo[1]
        else:
            found = None
            for text in read_cookie(headers, self._session_name):
                opened = self._opened.get(text)
                if opened is None:
                    payload = self._session.open(text)
                    opened = None if payload is None else sessions.decode(payload)
                    if opened is not None:
                        self._opened.offer(text, opened)
                if opened is not None and (found is None or opened.seen > found.seen):
                    found = opened
            headers.memo[_SESSION_MEMO] = (self._zone, found)
        return found if found is not None and sessions.is_current(found, now) else None

    def clearance(self, headers: Headers, address: Address, now: float, script: bool = False) -> Clearance | None:
        """The clearance that this visitor holds; `script` says that a script asked, which gets an hour of grace."""
        if b"cookie" not in headers.index:
            return None
        memo = headers.memo.get(_CLEARANCE_MEMO)
        if isinstance(memo, tuple) and memo[0] == self._zone and memo[1] == address:
            found: Clearance | None = memo[2]
        else:
            found = None
            texts = read_cookie(headers, self._clearance_name)
            if texts:
                here = clearances.home(address, self._strictness)
                for opened in self._brought(headers, texts):
                    if clearances.lives_at(opened, here):
                        found = opened if found is None else clearances.best(found, opened)
            headers.memo[_CLEARANCE_MEMO] = (self._zone, address, found)
        if found is None:
            return None
        revocations = self._revocations
        if revocations is not None and revocations.any and revocations.revoked(found, self._zone, address):
            return None
        return clearances.current(found, now, script, self._node)

    def _brought(self, headers: Headers, texts: list[bytes]) -> list[Clearance]:
        bound = clearances.binding(headers.first(b"user-agent") or b"")
        found: list[Clearance] = []
        for text in texts:
            key = bound + text
            opened = self._cleared.get(key)
            if opened is None:
                payload = self._clearance.open(text, bound)
                opened = None if payload is None else clearances.decode(payload)
                if opened is not None:
                    self._cleared.offer(key, opened)
            if opened is not None:
                found.append(opened)
        return found

    def session_cookie(self, session: Session, secure: bool) -> bytes:
        """A Set-Cookie value for the session."""
        text = self._session.seal(sessions.encode(session))
        return b"%b=%b%b" % (self._session_name, text.encode("ascii"), self._tails[secure])

    def clearance_cookie(
        self, clearance: Clearance, headers: Headers, address: Address, now: float, secure: bool
    ) -> bytes:
        """A Set-Cookie value for the clearance, bound to this visitor; it stays long enough for the hour of grace.

        A clearance that the visitor holds at an address of the other family goes on to hold there.
        """
        here = clearances.home(address, self._strictness)
        if here:
            homes = clearance.homes
            for other in self._brought(headers, read_cookie(headers, self._clearance_name)):
                if other.level >= clearance.level and self._lasts(other, now):
                    homes = (*homes, *other.homes)
            clearance = clearance._replace(homes=clearances.with_home(homes, here))
        elif clearance.homes:
            clearance = clearance._replace(homes=())
        if self._revocations is not None and clearance.issued == now:
            # By the clock of whoever revoked something this may be earlier: then it would be revoked at once.
            clearance = clearance._replace(issued=max(now, self._revocations.latest + 0.001))
        bound = clearances.binding(headers.first(b"user-agent") or b"")
        text = self._clearance.seal(clearances.encode(clearance), bound)
        left = max(clearance.expires, clearance.js_expires) - now
        return set_cookie(
            self._clearance_name,
            text,
            secure=secure,
            max_age=int(left + clearances.SCRIPT_SECONDS),
            domain=self._domain,
            partitioned=True,
        )

    def _lasts(self, clearance: Clearance, now: float) -> bool:
        revocations = self._revocations
        if revocations is not None and revocations.any and revocations.revoked(clearance, self._zone, None):
            return False
        return clearances.current(clearance, now, False, self._node) is not None
