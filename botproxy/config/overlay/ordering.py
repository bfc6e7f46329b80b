"""Rules in their order, found by name and moved without going through all of them: an overlay may change thousands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, final

from botproxy.config.overlay.nodes import Node


@final
class _Entry:
    __slots__ = ("after", "before", "node")

    def __init__(self, node: Node | None) -> None:
        self.node = node
        self.before = self.after = self


@final
class Ordered:
    """Changed in place. Of several rules with one name the first is meant."""

    def __init__(self, rules: Iterable[Node], name_of: Callable[[Node], str]) -> None:
        self._name_of: Final = name_of
        self._end: Final = _Entry(None)
        self._by_name: Final[dict[str, _Entry]] = {}
        for rule in rules:
            self.insert(rule)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[Node]:
        entry = self._end.after
        while entry.node is not None:
            yield entry.node
            entry = entry.after

    def get(self, name: str) -> Node | None:
        """The rule of this name."""
        entry = self._by_name.get(name)
        return entry.node if entry is not None else None

    def remove(self, name: str) -> bool:
        """Leave it out; whether it was there."""
        entry = self._by_name.pop(name, None)
        if entry is None:
            return False
        entry.before.after, entry.after.before = entry.after, entry.before
        return True

    def replace(self, name: str, rule: Node) -> None:
        """Have another rule in its place, under the same name."""
        self._by_name[name].node = rule

    def insert(self, rule: Node, before: str | None = None, after: str | None = None, first: bool = False) -> None:
        """Add a rule, at the end unless a place is named. KeyError for a place that is not there."""
        if before is not None:
            follows = self._by_name[before]
        elif after is not None:
            follows = self._by_name[after].after
        else:
            follows = self._end.after if first else self._end
        entry = _Entry(rule)
        entry.before, entry.after = follows.before, follows
        entry.before.after = follows.before = entry
        name = self._name_of(rule)
        if name:
            self._by_name.setdefault(name, entry)

    def order(self, names: Iterable[str]) -> None:
        """Have these, which are there and named once, stand in this order among each other; all others stay."""
        wanted = [(self._by_name[name], self._by_name[name].node) for name in names]
        chosen = {id(entry) for entry, _ in wanted}
        places: list[_Entry] = []
        entry = self._end.after
        while entry.node is not None:
            if id(entry) in chosen:
                places.append(entry)
            entry = entry.after
        for place, (_, node) in zip(places, wanted, strict=True):
            assert node is not None
            place.node = node
            self._by_name[self._name_of(node)] = place
