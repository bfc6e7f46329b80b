"""What groups of callers usually do: by autonomous system, by JA4, and by how headers are written. Bounded, fading."""

from __future__ import annotations

from typing import Any, Final, final

from botproxy.scoring.anomaly.found import ASN, HEADERS, JA4, LONGEST

KEPT: Final = (ASN, JA4, HEADERS)
"""Networks are not: they are too many, and too near to a person."""

MOST: Final = 512
"""Groups of each kind; the one with the fewest visits, and the lowest level, gives way."""

STEADY: Final = 5.0
"""A minute, of what does not look like a browser's: from that on a group without people is known, such as an app's."""

ENOUGH: Final = 1_000_000.0
_HOURLY: Final = 0.004
"""How much the usual level of a group may grow in an hour: a tenth in a day."""

_FADE: Final = 0.97
_LEAST: Final = 0.05


@final
class Usual:
    """For each group: visits of people, as they fade by 3 % a day, and usual levels of three figures a minute."""

    __slots__ = ("_groups",)

    def __init__(self) -> None:
        self._groups: Final[dict[str, dict[str, list[float]]]] = {where: {} for where in KEPT}

    def visits(self, where: str, key: str) -> float:
        """How many visits of people are known of a group."""
        known = self._groups[where].get(key) if where in self._groups else None
        return 0.0 if known is None else known[0]

    def level(self, where: str, key: str, figure: int) -> float:
        """What a group usually has of a figure in its busiest minute of an hour; 0 where it is not known."""
        known = self._groups[where].get(key) if where in self._groups else None
        return 0.0 if known is None else known[1 + figure]

    def visit(self, where: str, key: str) -> None:
        """Count a visit of people."""
        groups = self._groups.get(where)
        if groups is None or not key:
            return
        known = groups.get(key) or self._make(groups, key)
        known[0] = min(known[0] + 1.0, ENOUGH)

    def hour(self, where: str, key: str, busiest: tuple[float, float, float], bounded: bool) -> None:
        """An hour is over in which a group's busiest minute had these figures. Levels go up by a bounded step, however
        much that was, and down by a ninth of one: they settle where one hour in ten is above.

        Until levels are relied on (`bounded`), groups without any people are known as well: what programs did all the
        time that a site was learned, as its own app does, is usual there.
        """
        groups = self._groups.get(where)
        if groups is None:
            return
        known = groups.get(key)
        if known is None:
            if bounded or not key or max(busiest[:2]) < STEADY:
                return
            known = self._make(groups, key)
        # Where nobody was ever seen to be a person, logins that fail are never usual.
        for figure in (0, 1, 2) if known[0] else (0, 1):
            level = known[1 + figure]
            up = max(level, 1.0) * _HOURLY if bounded else max(level * 0.2, 2.0)
            if busiest[figure] > level:
                known[1 + figure] = min(busiest[figure], level + up)
            else:
                known[1 + figure] = max(busiest[figure], level - up / 9.0)

    def day(self) -> None:
        """A day is over."""
        for groups in self._groups.values():
            for key, known in list(groups.items()):
                known[0] *= _FADE
                if known[0] < _LEAST:
                    # Nobody of it may have come for weeks, in which no hour brings its levels down.
                    known[0] = 0.0
                    known[1:] = [level * _FADE for level in known[1:]]
                    if max(known) < 1.0:
                        del groups[key]

    @staticmethod
    def _make(groups: dict[str, list[float]], key: str) -> list[float]:
        if len(groups) >= MOST:
            del groups[min(groups, key=lambda each: (groups[each][0], max(groups[each])))]
        made = groups[key] = [0.0, 0.0, 0.0, 0.0]
        return made

    def to_json(self) -> dict[str, dict[str, list[float]]]:
        """Everything."""
        return {
            where: {key: [round(value, 2) for value in known] for key, known in groups.items()}
            for where, groups in self._groups.items()
        }

    def read(self, said: Any) -> None:
        """Take what `to_json` gave. Raises ValueError for anything else."""
        for where, groups in said.items():
            if where not in self._groups or len(groups) > MOST:
                raise ValueError("groups of another kind, or too many")
            for key, known in groups.items():
                right = isinstance(key, str) and len(key) <= LONGEST and len(known) == 4
                if not right or not all(type(each) in (int, float) and 0 <= each < 1e12 for each in known):
                    raise ValueError("a group has figures that are none")
                self._groups[where][key] = list(map(float, known))
