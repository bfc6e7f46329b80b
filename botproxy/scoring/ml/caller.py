"""Features of what a caller did before this request, and of nobody else at its address.

Many share an address: offices, households, whole towns, and with people there are always programs. So a caller is who
asks from this address with this User-Agent; where several do, its session, once that has a past. What others do there
is not held against it. Shares rather than sums: many may have the same browser.
"""

from __future__ import annotations

from typing import Final

from botproxy.model import Behaviour, Crowd, Facts, Profile
from botproxy.scoring.ml.feature import MISSING, Feature, Group
from botproxy.traffic import is_login

_G: Final = Group.CALLER
_ENOUGH: Final = 2.0
"""Requests, pages or scripts below which a share says nothing."""

_MANY: Final = 8.0
"""User-Agents of an address, below which their number says nothing: a household has as many programs."""

_SEVERAL: Final = 1.5
"""Sessions of one User-Agent at an address, above which these are several people."""

_few: Final = f"fewer than {_ENOUGH:g} of them lately"

FEATURES: Final[tuple[Feature, ...]] = (
    Feature("visitor_pace", _G, "requests/s", "mean pace of the caller over the last minutes, for each of its sessions",
            "not seen before"),
    Feature("visitor_burst", _G, "requests", "of the last seconds, for each of its sessions", "not seen before"),
    Feature("visitor_idle", _G, "seconds", "since the last request", "not seen before, or several sessions"),
    Feature("visitor_gap", _G, "seconds", "mean gap between requests that are not for parts of pages",
            "no gap yet, or several sessions"),
    Feature("visitor_irregularity", _G, "ratio", "deviation of those gaps against their mean: 0 is a clock",
            "fewer than two gaps, or several sessions"),
    Feature("visitor_parts", _G, "requests", "for parts of pages (images, style, scripts), for each page", _few),
    Feature("visitor_errors", _G, "share", "of requests that were answered 400 to 499", _few),
    Feature("visitor_logins", _G, "share", "of requests that look like logging in", _few),
    Feature("visitor_failed_logins", _G, "share", "of those that seem to have failed", _few),
    Feature("visitor_followed", _G, "share", "of pages reached from a page that this caller was given, or its address",
            _few),
    Feature("visitor_silent", _G, "share", "of pages with the script of JavaScript detections that sent no report",
            _few),
    Feature("visitor_unsolved", _G, "share", "of challenges that were not solved", "fewer than two challenges"),
    Feature("visitor_variety", _G, "share", "different paths for each request", _few),
    Feature("address_agents", _G, "User-Agents", "different ones of the address, for each of its sessions",
            f"fewer than {_MANY:g} of them lately"),
    Feature("session_addresses", _G, "addresses", "different ones of the session", "no session"),
    Feature("session_agents", _G, "User-Agents", "different ones of the session", "no session"),
    Feature("network_failed_logins", _G, "share", "of the network's logins that seem to have failed",
            "too few, or this request is no login"),
)  # fmt: skip

COUNT: Final[int] = len(FEATURES)
VISITOR: Final[int] = 13
"""Features of the caller itself; what is known beside it comes last."""

_FADED: Final = 0.05
"""A fading sum below it is nobody who was seen lately, and is as good as nobody."""

UNKNOWN: Final[tuple[float, ...]] = (MISSING,) * VISITOR
"""Of a caller that was not seen before."""

NOTHING: Final[tuple[float, ...]] = (MISSING,) * (COUNT - VISITOR)
"""Known beside it."""

_PER_SECOND: Final = 1 / 433.0
"""How the fading sum of an even pace becomes requests a second (`model.Behaviour`)."""


def read(facts: Facts) -> tuple[float, ...]:
    """The features in the order of `FEATURES`; all are missing without a profile."""
    profile = facts.profile
    if profile is None:
        return (*UNKNOWN, *NOTHING)
    return (*visitor(profile), *beside(profile, facts))


def visitor(profile: Profile) -> tuple[float, ...]:
    """The first `VISITOR` of them."""
    seen = profile.visitor
    if seen.requests < _FADED:
        return UNKNOWN
    session, sessions = profile.session, seen.peers
    if seen is session:
        return _behaviour(seen, profile.address, 1.0)
    if sessions > 0 and (session is None or session.requests < _FADED):
        sessions += 1.0  # who brings none of those that are known there is somebody else
    return _behaviour(seen, profile.address, sessions)


def beside(profile: Profile, facts: Facts) -> tuple[float, ...]:
    """The others; `NOTHING` itself where there is nothing."""
    address, session = profile.address, profile.session
    many = address.user_agents >= _MANY
    request = facts.request
    login = request.method == b"POST" and is_login(request.method, request.path)
    if session is None and not many and not login:
        return NOTHING
    known = session is not None and session.requests >= _FADED
    return (
        address.user_agents / max(1.0, address.peers) if many else MISSING,
        session.peers if session is not None and known else MISSING,
        session.user_agents if session is not None and known else MISSING,
        _failed(profile.network) if login else MISSING,
    )


def _failed(seen: Crowd) -> float:
    return MISSING if seen.logins < _ENOUGH else min(1.0, seen.login_failures / seen.logins)


def _followed(seen: Behaviour) -> float:
    moves = seen.followed + seen.strayed
    return MISSING if moves < _ENOUGH else min(1.0, seen.followed / moves)


def _behaviour(seen: Behaviour, address: Behaviour, callers: float) -> tuple[float, ...]:
    """The page that a session began with was handed out before there was a session: that its links were followed is
    known of the address alone, whose word never counts against anybody.
    """
    requests, pages, mean, logins = seen.requests, seen.pages, seen.gap_mean, seen.logins
    enough = requests >= _ENOUGH
    followed = _followed(seen)
    if _followed(address) > followed:  # neither is missing
        followed = _followed(address)
    pace, burst = requests * _PER_SECOND, seen.burst
    several = callers > _SEVERAL
    if several:
        pace /= callers
        burst /= callers
        mean = -1.0
    return (
        pace,
        burst,
        MISSING if seen.idle < 0 or several else seen.idle,
        MISSING if mean < 0 else mean,
        MISSING if mean <= 0 or seen.gap_deviation < 0 else seen.gap_deviation / mean,
        MISSING if pages < _ENOUGH else seen.subresources / pages,
        min(1.0, seen.client_errors / requests) if enough else MISSING,
        min(1.0, logins / requests) if enough else MISSING,
        MISSING if logins < _ENOUGH else min(1.0, seen.login_failures / logins),
        followed,
        MISSING if seen.scripts < _ENOUGH else max(0.0, 1.0 - seen.reports / seen.scripts),
        MISSING if seen.challenged < 2 else max(0.0, 1.0 - seen.challenges_solved / seen.challenged),
        min(1.0, seen.paths / requests) if enough else MISSING,
    )
