"""Features of what a caller did before this request. Shares rather than sums: many people may share one address."""

from __future__ import annotations

from typing import Final

from botproxy.model import Behaviour, Crowd, Profile
from botproxy.scoring.ml.feature import MISSING, Feature, Group

_G: Final = Group.CALLER
_ENOUGH: Final = 2.0
"""Requests, pages or scripts below which a share says nothing."""


def _of(who: str, whose: str) -> tuple[Feature, ...]:
    few = f"fewer than {_ENOUGH:g} of them lately"
    return (
        Feature(f"{who}_pace", _G, "requests/s", f"mean pace of {whose} over the last minutes", "not seen before"),
        Feature(f"{who}_burst", _G, "requests", "of the last seconds", "not seen before"),
        Feature(f"{who}_idle", _G, "seconds", "since the last request", "not seen before"),
        Feature(f"{who}_gap", _G, "seconds", "mean gap between requests that are not for parts of pages",
                "no gap yet"),
        Feature(f"{who}_irregularity", _G, "ratio", "deviation of those gaps against their mean: 0 is a clock",
                "fewer than two gaps"),
        Feature(f"{who}_parts", _G, "requests", "for parts of pages (images, style, scripts), for each page", few),
        Feature(f"{who}_errors", _G, "share", "of requests that were answered 400 to 499", few),
        Feature(f"{who}_logins", _G, "share", "of requests that look like logging in", few),
        Feature(f"{who}_failed_logins", _G, "share", "of those that seem to have failed", few),
        Feature(f"{who}_followed", _G, "share", "of pages reached from a page that this caller was given"
                + (", or its address" if who == "session" else ""), few),
        Feature(f"{who}_silent", _G, "share", "of pages with the script of JavaScript detections that sent no report",
                few),
        Feature(f"{who}_unsolved", _G, "share", "of challenges that were not solved", "fewer than two challenges"),
        Feature(f"{who}_variety", _G, "share", "different paths for each request", few),
    )  # fmt: skip


FEATURES: Final[tuple[Feature, ...]] = (
    *_of("address", "the address"),
    Feature("address_agents", _G, "User-Agents", "different ones of the address, for each of its sessions",
            "not seen before"),
    *_of("session", "the session"),
    Feature("session_addresses", _G, "addresses", "different ones of the session", "no session"),
    Feature("network_failed_logins", _G, "share", "of the network's logins that seem to have failed", "too few"),
)  # fmt: skip

COUNT: Final[int] = len(FEATURES)
VISITOR: Final[int] = COUNT // 2
"""Features of the address; those of the session are as many, and one of the network comes last."""

_FADED: Final = 0.05
"""A fading sum below it is nobody who was seen lately, and is as good as nobody."""

UNKNOWN: Final[tuple[float, ...]] = (MISSING,) * VISITOR
"""Of an address or a session that was not seen before."""

_NO_SESSION: Final[tuple[float, ...]] = (MISSING,) * 13
_PER_SECOND: Final = 1 / 433.0
"""How the fading sum of an even pace becomes requests a second (`model.Behaviour`)."""


def read(profile: Profile | None) -> tuple[float, ...]:
    """The features in the order of `FEATURES`; all are missing without a profile."""
    if profile is None:
        return (*UNKNOWN, *UNKNOWN, MISSING)
    return (*address(profile.address), *session(profile.session, profile.address), network(profile.network))


def address(seen: Behaviour) -> tuple[float, ...]:
    """The first `VISITOR` of them."""
    if seen.requests < _FADED:
        return UNKNOWN
    return (*_behaviour(seen, MISSING), seen.user_agents / max(1.0, seen.peers))


def session(seen: Behaviour | None, address: Behaviour) -> tuple[float, ...]:
    """The next `VISITOR`.

    The page that a session began with was handed out before there was a session: that its links were followed is
    known of the address alone.
    """
    if seen is None:
        return UNKNOWN
    if seen.requests < _FADED:
        return (*_NO_SESSION, seen.peers)
    return (*_behaviour(seen, _followed(address)), seen.peers)


def network(seen: Crowd) -> float:
    """The last one."""
    return MISSING if seen.logins < _ENOUGH else min(1.0, seen.login_failures / seen.logins)


def _followed(seen: Behaviour) -> float:
    moves = seen.followed + seen.strayed
    return MISSING if moves < _ENOUGH else min(1.0, seen.followed / moves)


def _behaviour(seen: Behaviour, least_followed: float) -> tuple[float, ...]:
    requests, pages, mean, logins = seen.requests, seen.pages, seen.gap_mean, seen.logins
    enough = requests >= _ENOUGH
    followed = _followed(seen)
    if least_followed > followed:  # neither is missing
        followed = least_followed
    return (
        requests * _PER_SECOND,
        seen.burst,
        MISSING if seen.idle < 0 else seen.idle,
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
