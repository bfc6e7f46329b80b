"""What an imported log came to: who was there, how they scored, and what the rules would have done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from botproxy.simulation.fates import Fate
from botproxy.simulation.tallies import Tally

if TYPE_CHECKING:
    from botproxy.importing import Made

SHOWN: Final = 5
WIDE: Final = 70
GROUPS: Final = ("automated", "likely_automated", "likely_human", "verified_bot", "other")


class Summary:
    """Counts of lines. Bounded, however long the log."""

    def __init__(self) -> None:
        self.lines = 0
        self.refused = 0  # in order as lines, and requests that the proxy answers with 400 before any rule
        self.too_old = 0
        self.stored = 0
        self._imported = 0
        self._malformed = 0
        self._first: list[dict[str, Any]] = []
        self._groups: dict[str, int] = {}
        self._bots = Tally()
        self._addresses = Tally()
        self._paths = Tally()
        self._fates: dict[Fate | None, int] = {}
        self._since, self._until = 0.0, 0.0

    def malformed(self, number: int, why: str, text: bytes) -> None:
        """A line that could not be read."""
        self._malformed += 1
        if len(self._first) < SHOWN:
            self._first.append({"line": number, "why": why, "text": safe(text.decode("utf-8", "backslashreplace"))})

    def add(self, made: Made) -> None:
        """A request."""
        event = made.event
        self._imported += 1
        self._since = min(self._since or event.start, event.start)
        self._until = max(self._until, event.start)
        self._groups[event.score_group] = self._groups.get(event.score_group, 0) + 1
        self._fates[made.fate] = self._fates.get(made.fate, 0) + 1
        claim = made.claim
        if claim is not None:
            self._bots.add((claim.name, claim.status))
        elif event.detection_tags:
            self._bots.add((event.detection_tags[0], "detected"))
        if event.score_group in ("automated", "likely_automated"):
            self._addresses.add(event.client_ip)
            self._paths.add(event.path)

    def result(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        fates = {fate.word: self._fates.get(fate, 0) for fate in Fate}
        return {
            "lines": self.lines,
            "imported": self._imported,
            "stored": self.stored,
            "too_old": self.too_old,
            "refused": self.refused,
            "malformed": self._malformed,
            "first_malformed": self._first,
            "since": self._since,
            "until": self._until,
            "groups": self._groups,
            "bots": [
                {"name": name, "status": status, "requests": number} for (name, status), number in self._bots.top(15)
            ],
            "addresses": self._addresses.top(),
            "paths": self._paths.top(),
            "rules": {**fates, "cannot_be_judged": self._fates.get(None, 0)},
        }


_STATUS: Final = {
    "verified": "verified",
    "unverified": "says so, nobody checked",
    "detected": "detected",
}
_GROUP_WORDS: Final = {
    "automated": "automated (score 1)",
    "likely_automated": "likely automated (2 to 29)",
    "likely_human": "not found automated (30 to 99)",
    "verified_bot": "verified bots",
}


def told(found: dict[str, Any], admin: str) -> Iterator[str]:
    """The result, for people."""
    whole = found["imported"]
    yield f"{found['log']}: {found['format']}, {found['lines']:,} lines, {whole:,} requests of {found['zone']}"
    if whole:
        yield f"from {_moment(found['since'])} to {_moment(found['until'])}"
    if found["refused"]:
        yield f"{found['refused']:,} were no requests that a server should answer: the proxy refuses them with 400"
    if not whole:
        return
    yield "\nWho was there"
    groups = found["groups"]
    for group in sorted(groups, key=lambda each: GROUPS.index(each) if each in GROUPS else len(GROUPS)):
        yield f"  {groups[group]:>10,}  {_share(groups[group], whole)}  {_GROUP_WORDS.get(group, group)}"
    if found["bots"]:
        yield "\nTop bots"
        for bot in found["bots"]:
            yield f"  {bot['requests']:>10,}  {safe(bot['name']):<32}  {_STATUS.get(bot['status'], bot['status'])}"
    for title, key in (("addresses", "addresses"), ("paths", "paths")):
        if found[key]:
            yield f"\nTop {title} of automated requests"
            for value, number in found[key][:5]:
                yield f"  {number:>10,}  {safe(value)}"
    yield "\nWhat the rules would have done"
    for word, number in found["rules"].items():
        if number:
            name = "cannot be judged from a log" if word == "cannot_be_judged" else word
            yield f"  {number:>10,}  {_share(number, whole)}  {name}"
    yield ""
    if not found["store"]:
        yield "nothing was stored"
        return
    yield f"{found['stored']:,} events were stored; `botproxy import --forget` deletes them again"
    if found["too_old"]:
        days = found["store_age"] / 86400
        yield (
            f"{found['too_old']:,} are older than the store keeps events (events.store_age, {days:g} days) and were "
            "not stored; --shift moves the log to now"
        )
    if found["stored"]:
        yield f"look at them: `botproxy serve`, then http://{admin}/"


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def _share(number: int, whole: int) -> str:
    return f"{100 * number / whole:5.1f} %"


def safe(text: str) -> str:
    """Text of strangers, as no terminal obeys it."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:WIDE])
    return shown + ("…" if len(text) > WIDE else "")
