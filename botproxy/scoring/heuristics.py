"""The heuristics engine: a table of fingerprints, each a rule that no person's browser matches.

Fingerprints are written in the rules language, so an operator can read why a request was found and can write more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

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
    """Assesses a request by all fingerprints at once. Immutable, without I/O."""

    __slots__ = ("_detections", "_of_the_block", "_set", "clients", "expressions", "fingerprints")

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
        self._set: Final = ExpressionSet(expressions)
        self._of_the_block: Final = all(expression.fields <= _OF_THE_BLOCK for expression in expressions)
        self._detections: Final = tuple(fingerprint.detection for fingerprint in fingerprints)

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
        """Score 1 with the detections that matched, at most `MOST` in the order of the files, or None.

        Where no fingerprint reads more than the header block, the scheme and who TLS and HTTP/2 are known to be, the
        answer is kept with the block: an entry for each scheme, and for each kind of known client that sent it.
        """
        if not self._of_the_block:
            return self._match(facts)
        request = facts.request
        memo = request.headers.memo
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
        if isinstance(remembered, _Remembered) and remembered.engine is self:
            return remembered.finding
        finding = self._match(facts)
        memo[key] = _Remembered(self, finding)
        return finding

    def _match(self, facts: Facts) -> Finding | None:
        found: list[Detection] = []
        for index in self._set.matching(facts):
            found.append(self._detections[index])
            if len(found) == MOST:
                break
        return Finding(ScoreSource.HEURISTICS, 1, tuple(found)) if found else None


class _Remembered(NamedTuple):
    """What an engine said of a header block."""

    engine: Heuristics
    finding: Finding | None


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
