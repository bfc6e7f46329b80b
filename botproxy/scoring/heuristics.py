"""The heuristics engine: a table of fingerprints, each a rule that no person's browser matches.

Fingerprints are written in the rules language, so an operator can read why a request was found and can write more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, final

import yaml

from botproxy.errors import OperatorError
from botproxy.model import Detection, Facts, Finding, ScoreSource
from botproxy.rules import (
    FINGERPRINT_FIELDS,
    Expression,
    ExpressionSet,
    RuleError,
    compile_expression,
    fingerprint_fields,
)
from botproxy.scoring.asked import keep_shadow_detections
from botproxy.tls import KnownClients, shipped_clients

FAMILY: Final = 0x2000000
"""Upper bits of the detection ids of heuristics; the lower 24 bits number the fingerprint and are never reused."""

OWN: Final = range(0x800000, 0x1000000)
"""Numbers that the product never gives out: an operator's own fingerprints take theirs from here."""

MOST: Final = 16
"""Most detections told of one request; further ones would say nothing new and cost room in every event."""

_OF_THE_BLOCK: Final = frozenset(
    (
        "http.cookie", "http.referer", "http.user_agent", "http.request.headers", "http.request.headers.names",
        "http.request.headers.values", "ssl", "botproxy.header_order", "botproxy.browser", "botproxy.browser_major",
        "botproxy.platform", "botproxy.tls_client", "botproxy.tls_fit", "botproxy.http2_client",
        "botproxy.http2_fit",
    )
)  # fmt: skip
"""Fields that the header block, the scheme and the known client of the connection's TLS and HTTP/2 decide alone."""

_OF_THE_CONNECTION: Final = frozenset(
    ("botproxy.tls_client", "botproxy.tls_fit", "botproxy.http2_client", "botproxy.http2_fit")
)
"""Those of them that the known client decides, together with what its kind of block says."""

_MEMO: Final = {False: "scoring.heuristics.http", True: "scoring.heuristics.https"}

_WORDS: Final = ("tag", "reason", "expression")
_KEYS: Final = frozenset(("id", *_WORDS))


class Fingerprint(NamedTuple):
    """One entry of a file, checked but not compiled."""

    detection: Detection
    expression: str


class Fault(NamedTuple):
    """One mistake in a file of fingerprints, and where it is."""

    file: str  # as it was named in `texts`; "" for an id in `disabled` that nobody has
    position: int  # of the entry, from 1, 0 for the file as a whole; or the id that nobody has
    key: str  # of the entry; "" for all of it
    message: str
    error: RuleError | None = None

    def __str__(self) -> str:
        if not self.file:
            return self.message
        return (
            f"{self.file}, fingerprint {self.position}: {self.message}"
            if self.position
            else (f"{self.file}: {self.message}")
        )


class HeuristicsError(OperatorError):
    """Files of fingerprints have mistakes; `problems` tells all of them, `faults` where those in entries are."""

    def __init__(self, problems: tuple[str, ...], faults: tuple[Fault, ...] = ()) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.faults = faults


class Heuristics:
    """Assesses a request by all fingerprints at once. Immutable, without I/O.

    Those that follow from the kind of a header block, the scheme and who TLS and HTTP/2 are known to be are asked once
    for each kind; those that look at what differs between blocks of a kind, such as cookies, once for each block; the
    others, such as an operator's own by a JA4, each time.
    """

    __slots__ = (
        "_block", "_block_at", "_detections", "_each_time", "_each_time_at", "_kind", "_kind_at", "clients",
        "expressions", "fingerprints",
    )  # fmt: skip

    def __init__(
        self,
        fingerprints: tuple[Fingerprint, ...],
        expressions: Sequence[Expression],
        clients: KnownClients | None = None,
    ) -> None:
        self.clients: Final = shipped_clients() if clients is None else clients
        self.fingerprints: Final = fingerprints
        self.expressions: Final = tuple(expressions)
        """Of the fingerprints, compiled, one by one."""
        reach = [_reach(expression) for expression in expressions]
        self._kind_at: Final = tuple([at for at, how in enumerate(reach) if how == 0])
        self._block_at: Final = tuple([at for at, how in enumerate(reach) if how == 1])
        self._each_time_at: Final = tuple([at for at, how in enumerate(reach) if how == 2])
        self._kind: Final = ExpressionSet([expressions[at] for at in self._kind_at])
        self._block: Final = ExpressionSet([expressions[at] for at in self._block_at])
        self._each_time: Final = ExpressionSet([expressions[at] for at in self._each_time_at])
        self._detections: Final = tuple([fingerprint.detection for fingerprint in fingerprints])

    @classmethod
    def load(
        cls, texts: Mapping[str, str], disabled: Iterable[int] = (), clients: KnownClients | None = None
    ) -> Heuristics:
        """Parse and compile files of fingerprints. `texts` maps the name of a file, for messages, to its text.

        `clients` are those that are known by their TLS; left out, the shipped ones.

        Raises `HeuristicsError` with every problem of every file. An id in `disabled` that nobody has is one too.
        """
        scheme = FINGERPRINT_FIELDS if clients is None else fingerprint_fields(clients)
        faults: list[Fault] = []
        kept: list[Fingerprint] = []
        compiled: list[Expression] = []
        places: dict[int, str] = {}
        unused = set(disabled)
        left_out = frozenset(unused)
        for name, text in texts.items():
            for position, fingerprint in _parse(name, text, faults):
                number = fingerprint.detection.id
                if number in places:
                    faults.append(
                        Fault(name, position, "id", f"id {number ^ FAMILY} is already that of {places[number]}")
                    )
                    continue
                places[number] = f"{name}, fingerprint {position}"
                unused.discard(number)
                try:
                    expression = compile_expression(fingerprint.expression, scheme)
                except RuleError as problem:
                    faults.append(Fault(name, position, "expression", str(problem), problem))
                    continue
                if number not in left_out:
                    kept.append(fingerprint)
                    compiled.append(expression)
        faults.extend(
            Fault("", number, "disabled", f"there is no fingerprint {number} to disable") for number in sorted(unused)
        )
        if faults:
            raise HeuristicsError(tuple(map(str, faults)), tuple(faults))
        return cls(tuple(kept), compiled, clients)

    def assess(self, facts: Facts) -> Finding | None:
        """Score 1 with the detections that matched, at most `MOST` in the order of the files, or None."""
        known = self._of_the_kind(facts)
        more = self._beyond(facts)
        if more:
            return self._finding(tuple(sorted((*known.found, *more))))
        return known.finding

    def matched(self, facts: Facts) -> tuple[Detection, ...]:
        """All detections that matched, however many, in the order of the files."""
        found = sorted((*self._of_the_kind(facts).found, *self._beyond(facts)))
        return tuple([self._detections[at] for at in found])

    def _beyond(self, facts: Facts) -> tuple[int, ...]:
        """Positions of what the kind does not decide."""
        found: tuple[int, ...] = ()
        if self._block_at:
            memo = facts.request.headers.memo
            key = _MEMO[facts.request.secure]
            known = memo.get(key)
            if isinstance(known, _Block) and known.engine is self:
                found = known.found
            else:
                candidates = self._block.candidates(facts)
                if candidates:
                    found = tuple([self._block_at[at] for at in self._block.true_of(candidates, facts)])
                memo[key] = _Block(self, found)
        if self._each_time_at:
            found = (*found, *[self._each_time_at[at] for at in self._each_time.matching(facts)])
        return found

    def _finding(self, found: tuple[int, ...]) -> Finding:
        return Finding(ScoreSource.HEURISTICS, 1, tuple([self._detections[at] for at in found[:MOST]]))

    def _of_the_kind(self, facts: Facts) -> _Kind:
        """What the kind decides, kept with it: an entry for each scheme, and for each known client that sent it."""
        request = facts.request
        memo = request.headers.kind
        key = _MEMO[request.secure]
        tls = facts.client.tls
        if tls is not None and tls.ja4:
            known = self.clients.find(tls.ja4)
            if known is not None:
                key = f"{key}.{known.client}.{known.generic}"
        if facts.client.http2:
            known = self.clients.find_http2(facts.client.http2)
            if known is not None:
                key = f"{key}/{known.client}.{known.generic}"
        remembered = memo.get(key)
        if isinstance(remembered, _Kind) and remembered.engine is self:
            return remembered
        found = tuple([self._kind_at[at] for at in self._kind.matching(facts)])
        made = memo[key] = _Kind(self, found, self._finding(found) if found else None)
        return made


@final
class ZoneHeuristics:
    """The engine of a zone that leaves some fingerprints out, or only watches what they would find."""

    __slots__ = ("_base", "_passive", "_shadowed")

    def __init__(self, base: Heuristics, disabled: Iterable[int], shadowed: Iterable[int]) -> None:
        """Detection ids, as events have them. One that is in both is left out. Raises `HeuristicsError` for others."""
        left_out = frozenset(disabled)
        watched = frozenset(shadowed) - left_out
        there = {fingerprint.detection.id for fingerprint in base.fingerprints}
        unknown = sorted((left_out | watched) - there)
        if unknown:
            raise HeuristicsError(tuple([f"there is no fingerprint {number} here" for number in unknown]))
        self._base: Final = base
        self._passive: Final = left_out | watched
        self._shadowed: Final = watched

    def assess(self, facts: Facts) -> Finding | None:
        """As `Heuristics.assess`, without those that are left out; what is only watched is kept for the event."""
        finding = self._base.assess(facts)
        if finding is None:
            return None
        detections = finding.detections if len(finding.detections) < MOST else self._base.matched(facts)
        kept = tuple([one for one in detections if one.id not in self._passive])
        if len(kept) == len(detections):
            return finding
        watched = tuple([one.id for one in detections if one.id in self._shadowed][:MOST])
        if watched:
            keep_shadow_detections(facts, watched)
        return Finding(ScoreSource.HEURISTICS, 1, kept[:MOST]) if kept else None


class _Kind(NamedTuple):
    """What an engine said of a kind of header block."""

    engine: Heuristics
    found: tuple[int, ...]  # positions of fingerprints
    finding: Finding | None


class _Block(NamedTuple):
    """What it said of one block beyond that."""

    engine: Heuristics
    found: tuple[int, ...]


def _reach(expression: Expression) -> int:
    """How often it has to be asked: 0 for each kind of block, 1 for each block, 2 each time."""
    if not expression.fields <= _OF_THE_BLOCK:
        return 2
    fields = expression.scheme.fields
    if expression.repeats or all(name in _OF_THE_CONNECTION or fields[name].repeats for name in expression.fields):
        return 0
    # What is kept with a block is kept for whoever sends it, and not for one connection.
    return 2 if expression.fields & _OF_THE_CONNECTION else 1


def _parse(name: str, text: str, faults: list[Fault]) -> Iterable[tuple[int, Fingerprint]]:
    """The entries of one file that are in order, each with its position from 1."""
    try:
        entries = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        faults.append(Fault(name, 0, "", str(problem)))
        return
    if not isinstance(entries, list):
        faults.append(Fault(name, 0, "", "a list of fingerprints was expected"))
        return
    for position, entry in enumerate(entries, 1):
        if not isinstance(entry, dict) or set(entry) != _KEYS:
            faults.append(Fault(name, position, "", "has to have exactly id, tag, reason and expression"))
            continue
        number = entry["id"]
        if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 1 << 24:
            faults.append(Fault(name, position, "id", f"id has to be a number from 1 to {(1 << 24) - 1}"))
            continue
        words = [entry[key] for key in _WORDS]
        wrong = next((key for key, word in zip(_WORDS, words, strict=True) if not _is_text(word)), None)
        if wrong is not None:
            faults.append(Fault(name, position, wrong, f"{wrong} has to be text"))
            continue
        tag, reason, expression = words
        yield position, Fingerprint(Detection(FAMILY | number, tag, reason.strip()), expression.strip())


def _is_text(word: object) -> bool:
    return isinstance(word, str) and bool(word.strip())
