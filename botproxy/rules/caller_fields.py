"""Fields of our own about what a caller did lately (`model.Profile`), in whole numbers as the language has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from botproxy.model import Behaviour, Crowd, Facts, Profile
from botproxy.rules.types import BYTES, INT, Reader, Type
from botproxy.traffic import header_fingerprint

HEADER_FINGERPRINT: Final = "botproxy.header_fingerprint"


def _unevenness(seen: Behaviour) -> float:
    if seen.steps < 2.0 or seen.gap_mean <= 0.0:
        return -1.0
    return 100.0 * seen.gap_deviation / seen.gap_mean


_BEHAVIOUR: Final[tuple[tuple[str, Callable[[Behaviour], float]], ...]] = (
    ("age", lambda seen: seen.age),
    ("requests", lambda seen: seen.requests),
    ("burst", lambda seen: seen.burst),
    ("pages", lambda seen: seen.pages),
    ("subresources", lambda seen: seen.subresources),
    ("gap_msec", lambda seen: seen.gap_mean * 1000 if seen.steps >= 1.0 else -1.0),
    ("gap_percent", _unevenness),
    ("client_errors", lambda seen: seen.client_errors),
    ("server_errors", lambda seen: seen.server_errors),
    ("logins", lambda seen: seen.logins),
    ("login_failures", lambda seen: seen.login_failures),
    ("challenged", lambda seen: seen.challenged),
    ("challenges_failed", lambda seen: seen.challenges_failed),
    ("challenges_solved", lambda seen: seen.challenges_solved),
    ("scripts", lambda seen: seen.scripts),
    ("reports", lambda seen: seen.reports),
    ("followed", lambda seen: seen.followed),
    ("strayed", lambda seen: seen.strayed),
    ("automated", lambda seen: seen.automated),
    ("paths", lambda seen: seen.paths),
    ("hosts", lambda seen: seen.hosts),
    ("user_agents", lambda seen: seen.user_agents),
)
_CROWD: Final[tuple[tuple[str, Callable[[Crowd], float]], ...]] = (
    ("requests", lambda crowd: crowd.requests),
    ("pages", lambda crowd: crowd.pages),
    ("client_errors", lambda crowd: crowd.client_errors),
    ("logins", lambda crowd: crowd.logins),
    ("login_failures", lambda crowd: crowd.login_failures),
    ("challenges_solved", lambda crowd: crowd.solved),
    ("automated", lambda crowd: crowd.automated),
    ("addresses", lambda crowd: crowd.addresses),
    ("user_agents", lambda crowd: crowd.user_agents),
    ("paths", lambda crowd: crowd.paths),
)


def _number(value: float) -> int | None:
    """Rounded; what is not known yet is missing."""
    return None if value < 0.0 else int(value + 0.5)


def _behaviour(of: Callable[[Profile], Behaviour | None], read: Callable[[Behaviour], float]) -> Reader:
    def from_profile(facts: Facts) -> Any:
        profile = facts.profile
        seen = None if profile is None else of(profile)
        return None if seen is None else _number(read(seen))

    return from_profile


def _crowd(of: Callable[[Profile], Crowd | None], read: Callable[[Crowd], float]) -> Reader:
    def from_profile(facts: Facts) -> Any:
        profile = facts.profile
        crowd = None if profile is None else of(profile)
        return None if crowd is None else _number(read(crowd))

    return from_profile


def _fields() -> tuple[tuple[str, Type, Reader], ...]:
    rows: list[tuple[str, Type, Reader]] = []
    for whose, of in (("address", lambda profile: profile.address), ("session", lambda profile: profile.session)):
        rows.extend((f"botproxy.{whose}.{name}", INT, _behaviour(of, read)) for name, read in _BEHAVIOUR)
        peers = "sessions" if whose == "address" else "addresses"
        rows.append((f"botproxy.{whose}.{peers}", INT, _behaviour(of, lambda seen: seen.peers)))
    for whose, those in (
        ("network", lambda profile: profile.network),
        ("ja4", lambda profile: profile.ja4),
        ("headers", lambda profile: profile.headers),
        ("path", lambda profile: profile.path),
    ):
        rows.extend((f"botproxy.{whose}.{name}", INT, _crowd(those, read)) for name, read in _CROWD)
    return tuple(rows)


CALLER_FIELDS: Final = _fields()
CALLER_FIELD_NAMES: Final = frozenset(name for name, _, _ in CALLER_FIELDS)
"""Fields that need `Facts.profile`."""
CROWD_FIELD_NAMES: Final = frozenset(
    name for name in CALLER_FIELD_NAMES if name.startswith(("botproxy.ja4.", "botproxy.headers.", "botproxy.path."))
)
"""Those of them that no engine looks at, so that they are read for rules alone."""

HEADER_FIELDS: Final[tuple[tuple[str, Type, Reader], ...]] = (
    (
        HEADER_FINGERPRINT,
        BYTES,
        lambda facts: header_fingerprint(facts.request.version, facts.request.headers).encode("ascii"),
    ),
)
