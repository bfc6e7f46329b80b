"""Counts of values, bounded: of many different ones the rare are let go, and that is said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, final

from botproxy.simulation.recorded import Recorded
from botproxy.store.events.agents import agent

MAX_VALUES: Final = 50_000
"""Different values that are counted at once; half of them, the rarest, go when there are more."""

SHOWN: Final = 10


@final
class Tally:
    """How often each value came."""

    __slots__ = ("_counts", "_most", "approximate")

    def __init__(self, most: int = MAX_VALUES) -> None:
        self._counts: dict[Any, int] = {}
        self._most: Final = most
        self.approximate = False
        """Whether rare values may be missing, or be counted too low."""

    def add(self, value: Any, weight: int = 1) -> None:
        """Count a value."""
        counts = self._counts
        counts[value] = counts.get(value, 0) + weight
        if len(counts) > self._most:
            kept = sorted(counts.items(), key=_count, reverse=True)[: self._most // 2]
            self._counts = dict(kept)
            self.approximate = True

    def __getitem__(self, value: Any) -> int:
        return self._counts.get(value, 0)

    def top(self, number: int = SHOWN) -> list[tuple[Any, int]]:
        """The most frequent values, the first most."""
        return sorted(self._counts.items(), key=_count, reverse=True)[:number]

    def total(self) -> int:
        """Of all values that are still counted."""
        return sum(self._counts.values())


def _count(item: tuple[Any, int]) -> int:
    return item[1]


ATTRIBUTES: Final = ("path", "user_agent", "client_ip", "verified", "score_group", "country")


@final
class Attributes:
    """Requests by what people look at."""

    __slots__ = ("_tallies",)

    def __init__(self) -> None:
        self._tallies: Final = tuple(Tally() for _ in ATTRIBUTES)

    def add(self, recorded: Recorded, weight: int) -> None:
        """Count a request."""
        path, user_agent, client_ip, checked, score_group, country = self._tallies
        path.add(recorded.path, weight)
        user_agent.add(recorded.user_agent, weight)
        client_ip.add(recorded.client_ip, weight)
        checked.add(verified(recorded), weight)
        score_group.add(recorded.score_group, weight)
        country.add(recorded.client_country, weight)

    def top(self, number: int = SHOWN) -> dict[str, list[tuple[str, int]]]:
        """The most frequent values of each."""
        return {name: tally.top(number) for name, tally in zip(ATTRIBUTES, self._tallies, strict=True)}

    @property
    def approximate(self) -> bool:
        """Whether rare values may be missing."""
        return any(tally.approximate for tally in self._tallies)


def verified(recorded: Recorded) -> str:
    """The category of a verified bot; "not verified" of everybody else."""
    return recorded.verified_bot_category or "not verified"


def family(recorded: Recorded) -> str:
    """Which client it says it is: a browser or a program, without its version."""
    return agent(recorded.user_agent).browser


def shares(parts: Iterable[int]) -> list[float]:
    """Each part as a share of them all, from 0 to 1."""
    given = list(parts)
    whole = sum(given)
    return [part / whole if whole else 0.0 for part in given]
