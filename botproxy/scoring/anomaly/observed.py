"""What the learner reads of an event. The User-Agent is not among it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from botproxy.model import Event, ScoreSource
from botproxy.scoring.anomaly.keys import caller_of, network_of
from botproxy.traffic import is_login, login_failed

PART: Final = 0
PAGE: Final = 1
LOGIN: Final = 2

_AT: Final = {name: at for at, name in enumerate(Event._fields)}
_ZONE: Final = _AT["zone"]
_END: Final = _AT["end"]
_ADDRESS: Final = _AT["client_ip"]
_ASN: Final = _AT["client_asn"]
_JA4: Final = _AT["ja4"]
_METHOD: Final = _AT["method"]
_HOST: Final = _AT["host"]
_PATH: Final = _AT["path"]
_QUERY: Final = _AT["query"]
_STATUS: Final = _AT["status"]
_TYPE: Final = _AT["content_type"]
_STATIC: Final = _AT["static_resource"]
_SESSION: Final = _AT["session"]
_SCORE: Final = _AT["score"]
_SOURCE: Final = _AT["score_source"]
_VERIFIED: Final = _AT["verified_bot_category"]
_ACTION: Final = _AT["action"]
_HEADERS: Final = _AT["header_fingerprint"]

_BEHAVIOURAL: Final = ScoreSource.BEHAVIORAL_ANALYSIS.value
_PASSED_OVER: Final = frozenset((ScoreSource.HEURISTICS.value, ScoreSource.JS_FINGERPRINTING.value))
_OURS: Final = frozenset(("block", "jschallenge", "managedChallenge", "challenge", "hookAnswer"))
_PARTS: Final = re.compile(
    r"(?:image|font|audio|video)/|text/(?:css|javascript)|application/(?:x-)?(?:javascript|font)", re.I
)
_PAGES: Final = re.compile(r"text/html|application/xhtml", re.I)
_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"))

LIKELY_HUMAN: Final = 30


class Observed(NamedTuple):
    """One request."""

    when: float  # it was over, in seconds since the epoch
    address: str  # as `keys.caller_of` has it
    network: str
    asn: str  # "" where it is not known
    ja4: str
    headers: str
    session: str  # that it brought; "" without one
    what: int  # PART, PAGE (anything that is neither part nor login) or LOGIN
    failed: bool  # of a login
    html: bool
    path: int  # a number for host and path
    anew: bool  # it counts although the path was asked for before: another query, or not a GET
    host: str
    found: bool  # it was convicted by this engine
    ordinary: bool  # nothing was said against it


def observed(row: Sequence[Any]) -> Observed | None:
    """What an event says; None where it is of no use: paths of our own, verified bots, what another engine convicted,
    and what got an answer of ours in place of the site's."""
    score = row[_SCORE]
    source = row[_SOURCE]
    if score == 0 or row[_VERIFIED] or row[_METHOD] not in _METHODS:
        return None
    if score < LIKELY_HUMAN and source in _PASSED_OVER:
        return None
    found = source == _BEHAVIOURAL
    ours = row[_ACTION] in _OURS
    if ours and not found:
        return None
    path, method, status, kind = row[_PATH], row[_METHOD], row[_STATUS], row[_TYPE]
    html = _PAGES.match(kind) is not None
    failed = False
    if _PARTS.match(kind) is not None or (row[_STATIC] and not kind):
        what = PART
    elif method == "POST" and is_login(b"POST", path[:256].encode("utf-8", "replace")):
        what = LOGIN
        failed = ours or login_failed(status, html)
    else:
        what = PAGE
    text = row[_ADDRESS]
    return Observed(
        row[_END], caller_of(text), network_of(text), str(row[_ASN] or ""), row[_JA4][:64], row[_HEADERS][:64],
        row[_SESSION], what, failed, html, hash((row[_HOST], path)), bool(row[_QUERY]) or method not in ("GET", "HEAD"),
        row[_HOST], found, not found and score >= LIKELY_HUMAN,
    )  # fmt: skip


def zone_of(row: Sequence[Any]) -> str:
    """Whose event it is."""
    zone: str = row[_ZONE]
    return zone
