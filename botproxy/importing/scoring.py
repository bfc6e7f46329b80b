"""Requests of a log, scored and judged as far as a log tells, and made into events that say where they come from.

What a log does not hold is not known. A fingerprint that asks for it finds nothing unless it is sure all the same, and
so does a rule: that a header is not in the log does not mean that the browser did not send it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple, final

from botproxy.addresses import Places, parse_address
from botproxy.bots import Recogniser
from botproxy.errors import ClientError
from botproxy.importing.entries import Entry, LineError
from botproxy.model import (
    IMPORTED,
    BotClaim,
    BotManagement,
    ClearanceLevel,
    Client,
    Disposition,
    Ending,
    Event,
    Facts,
    Headers,
    Outcome,
    Request,
    Score,
    ScoreSource,
    Verdict,
)
from botproxy.pipeline import Redaction, event
from botproxy.scoring import Heuristics, combine, is_static_resource
from botproxy.simulation import ZoneJudge, blank
from botproxy.simulation.facts import BODILESS
from botproxy.simulation.fates import Fate
from botproxy.simulation.knowing import ALWAYS, UNLOGGED, Gap, known, never
from botproxy.simulation.recorded import CLAIMED
from botproxy.traffic import Profiles, Seen

Normalise = Callable[[bytes], tuple[bytes, bytes | None]]
"""Path and query of a target. Raises ClientError."""

_PLACES: Final = Gap.PLACE  # databases of places are as good here as in front of a visitor


class Made(NamedTuple):
    """What became of one line."""

    event: Event
    claim: BotClaim | None
    fate: Fate | None  # what the rules would have done; None where that cannot be told


def sure_fingerprints(heuristics: Heuristics, missing: int) -> Heuristics:
    """The fingerprints that find what they look for where this is missing; the others cannot be sure and go."""
    kept = []
    for fingerprint, expression in zip(heuristics.fingerprints, heuristics.expressions, strict=True):
        surely = known(expression, missing).surely
        if not never(surely):
            kept.append((fingerprint, surely))
    return Heuristics(tuple(each for each, _ in kept), [surely for _, surely in kept], heuristics.clients)


@final
class Importer:
    """For one zone. Lines come in the order of the log, whose own times drive the rates."""

    def __init__(
        self,
        zone: str,
        host: str,
        normalise: Normalise,
        heuristics: Heuristics | None,
        recogniser: Recogniser | None,
        judge: ZoneJudge | None,
        places: Places | None = None,
        redaction: Redaction | None = None,
        profiles: Profiles | None = None,
    ) -> None:
        """`host` stands for one that the log does not tell. `profiles` is where what callers did is counted, for rules
        that look at it."""
        self._zone: Final = zone
        self._host: Final = host
        self._normalise: Final = normalise
        self._heuristics: Final = heuristics
        self._recogniser: Final = recogniser
        self._judge: Final = judge
        self._places: Final = places
        self._redaction: Final = redaction
        self._profiles: Final = profiles
        self.shift = 0.0
        """Seconds that are added to every time."""
        self._sure: Final[dict[int, Heuristics]] = {}

    def make(self, entry: Entry, identity: bytes) -> Made | None:
        """The event of an entry; None for a request that the proxy refuses before any rule. `identity` is what makes
        the ray, the same for the same line. Raises LineError."""
        address = parse_address(entry.address)
        if address is None:
            raise LineError("what stands first is no address")
        try:
            path, query = self._normalise(entry.target)
        except ClientError:
            return None
        host = self._host if entry.host is None else _host(entry.host)
        text = str(address)
        client = Client(address, text, 0, text)
        if self._places is not None:
            client = self._places.placed(client)
        request = Request(
            blake2b(identity, digest_size=8).hexdigest(),
            entry.time + self.shift,
            entry.method,
            entry.target,
            path,
            query,
            entry.protocol,
            bool(entry.secure),
            host.encode(),
            host,
            _headers(host, entry.user_agent, entry.referer),
            0 if entry.method.decode("latin-1") in BODILESS else None,
        )
        missing = _missing(entry)
        facts = Facts(request, client, self._zone, is_static_resource(path), None, None, {})
        profiles = self._profiles
        keys = None
        if profiles is not None:
            missing &= ~Gap.CALLED
            keys = profiles.keys(request, client, "")
            facts = facts._replace(profile=profiles.read(keys, request.received))
        score, claim = self._score(facts, missing)
        verdict, fate = _NO_VERDICT, None
        facts = facts._replace(bot_management=score)
        unchecked = claim is not None and score.verified_bot is None
        if unchecked:
            missing |= Gap.VERIFIED
        if self._judge is not None:
            found = self._judge.judge(blank(status=entry.status, start=request.received), facts, missing)
            fate = found.fate
            if found.verdict is not None:
                verdict = found.verdict
        if profiles is not None and keys is not None:
            value = score.score
            heuristic = value.source is ScoreSource.HEURISTICS
            seen = Seen(request.received, entry.status, b"", facts.static_resource, value.value, False, heuristic)
            profiles.observe(keys, request, seen)
        outcome = Outcome(
            entry.status,
            0,
            entry.size,
            entry.size,
            b"",
            "",
            0,
            0.0,
            0.0,
            entry.seconds,
            Ending.FINISHED,
            f"{CLAIMED}{claim.name}" if claim is not None and unchecked else "",
        )
        made = event(
            request,
            client,
            outcome,
            zone=self._zone,
            enforced=False,
            redaction=self._redaction,
            score=score.score,
            verdict=verdict,
            facts=facts,
        )
        return Made(made._replace(mode=IMPORTED), claim, fate)

    def _score(self, facts: Facts, missing: int) -> tuple[BotManagement, BotClaim | None]:
        finding = None
        if self._heuristics is not None:
            sure = self._sure.get(missing)
            if sure is None:
                sure = self._sure[missing] = sure_fingerprints(self._heuristics, missing)
            finding = sure.assess(facts)
        score = combine([finding] if finding is not None else [])
        recognised = self._recogniser.recognise(facts.request, facts.client) if self._recogniser is not None else None
        if recognised is None:
            return BotManagement(score), None
        claim = recognised.claim
        if recognised.bot is not None:
            score = Score(score.value, ScoreSource.VERIFIED_BOT, score.findings)
        elif claim.status == "refused":
            # Lists and names are of today, the log is not: who is not on them need not have lied.
            claim = claim._replace(status="unverified")
        return BotManagement(score, recognised.bot, None, False, claim), claim


_NO_VERDICT: Final = Verdict(Disposition.FORWARD, ClearanceLevel.NONE, (), 0)


def _missing(entry: Entry) -> int:
    """What this log does not tell of a request."""
    missing = (ALWAYS | UNLOGGED) & ~_PLACES & ~Gap.CLAIMS
    if entry.host is not None:
        missing &= ~Gap.HOST
    if entry.user_agent is None:
        missing |= Gap.AGENT
    if entry.referer is None:
        missing |= Gap.REFERER
    if entry.method.decode("latin-1") not in BODILESS:
        missing |= Gap.BODY
    return missing


def _host(given: bytes) -> str:
    name = given.decode("ascii", "replace").lower().removesuffix(".")
    return name.rpartition(":")[0] if name.rpartition(":")[2].isdecimal() and ":" in name else name


@lru_cache(maxsize=8192)
def _headers(host: str, user_agent: bytes | None, referer: bytes | None) -> Headers:
    named = ((b"Host", host.encode()), (b"User-Agent", user_agent), (b"Referer", referer))
    return Headers(tuple([(name, value) for name, value in named if value]))
