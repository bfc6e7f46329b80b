"""Events as somebody may see them who has some zones: whatever is asked, it is asked of these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, final

from botproxy.admin.analytics import Analytics, Persons, Source
from botproxy.admin.operator import Operator, may_change, who_asks
from botproxy.model import Event
from botproxy.store.events import Answer, Events, EventStatus, EventStore, Groups, QueryError, Retention
from botproxy.store.recorded_lines import ZONE, value

_EVERYWHERE: Final = "an address is forgotten in all zones, which is for operators of all of them"

NONE: Final = ("-",)
"""A name that no zone can have."""

_ZONE: Final = Event._fields.index("zone")


def limited(analytics: Callable[[], Analytics]) -> Callable[[], Analytics]:
    """The same analytics, for whoever asks at the time."""

    def of_now() -> Analytics:
        found = analytics()
        operator = who_asks()
        if operator.zones is None:
            return found
        store = None if found.store is None else ZonedStore(found.store, operator)
        persons = None if found.persons is None else ZonedPersons(found.persons, operator)
        return found._replace(store=store, zones=operator.shown(found.zones), persons=persons)

    return of_now


@final
class ZonedPersons:
    """See `Persons`; only what was recorded in the operator's zones is shown, and nothing is taken out."""

    def __init__(self, persons: Persons, operator: Operator) -> None:
        self._persons: Final = persons
        self._zones: Final = frozenset(zone.encode() for zone in operator.zones or ())

    def forms(self, address: str) -> tuple[str, ...]:
        """See `Persons`."""
        return self._persons.forms(address)

    def mask(self, rows: Sequence[list[Any]]) -> None:
        """See `Persons`."""
        self._persons.mask(rows)

    def lines(self, address: str, source: Source = "files") -> Iterator[bytes]:
        """See `Persons`; only files of events say of which zone a line is. Raises QueryError for the others."""
        if source != "files":
            raise QueryError("this is not kept by zone, and is for operators of all of them")
        zones = self._zones
        return filter(lambda line: value(line, ZONE) in zones, self._persons.lines(address))

    async def forget(self, address: str) -> dict[str, Any]:
        """See `Persons`."""
        raise QueryError(_EVERYWHERE)


@final
class ZonedStore:
    """See `EventStore`; only events of the operator's zones are to be had, and only imported ones changed."""

    def __init__(self, store: EventStore, operator: Operator) -> None:
        self._store: Final = store
        self._operator: Final = operator

    def put(self, rows: Sequence[Sequence[Any]]) -> None:
        """See `EventStore`. Raises NotYoursError for rows of other zones."""
        for zone in {row[_ZONE] for row in rows}:
            may_change(self._operator, zone)
        self._store.put(rows)

    async def ask(self, query: Groups | Events, seconds: float = 10.0) -> Answer:
        """See `EventStore`."""
        mine = sorted(self._operator.zones or ()) if query.zones is None else self._operator.shown(query.zones)
        return await self._store.ask(query._replace(zones=tuple(mine) or NONE), seconds)

    async def flush(self) -> None:
        """See `EventStore`."""
        await self._store.flush()

    async def forget(self, *addresses: str) -> int:
        """See `EventStore`."""
        raise QueryError(_EVERYWHERE)

    async def forget_imported(self, zone: str | None) -> int:
        """See `EventStore`. Raises NotYoursError for another zone, and for all of them."""
        may_change(self._operator, zone)
        return await self._store.forget_imported(zone)

    def configure(self, retention: Retention, rate: int) -> None:
        """See `EventStore`."""
        raise NotImplementedError

    def status(self) -> EventStatus:
        """See `EventStore`."""
        return self._store.status()

    def close(self, seconds: float) -> bool:
        """See `EventStore`."""
        raise NotImplementedError
