"""Alerts as the supervisor gives them: counted from events, told to the log, to `/api/alerts` and to webhooks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, final

import orjson

from botproxy.admin.operator import Operator
from botproxy.model import Event
from botproxy.outgoing import DIRECT, Outgoing
from botproxy.store import whole_file
from botproxy.store.events import All, Condition, EventStore, Groups, Measure, QueryError, Span, StoreUnavailable
from botproxy.store.events.query import MAX_LIMIT
from botproxy.store.lines import Lines
from botproxy.supervisor.nursery import Refused
from botproxy.supervisor.webhooks import Hook, Webhooks, read_hooks
from botproxy.telemetry import log
from botproxy.telemetry.alert_settings import AlertSettings
from botproxy.telemetry.alerting import (
    AUTOMATION,
    BASELINE,
    BELOW,
    STOPPED,
    TRAFFIC,
    WINDOW,
    Alert,
    Row,
    Watch,
)

FILE: Final = Lines("alerts", rotate_size=1024 * 1024, keep_files=2)
BASELINES: Final = "alert_baselines.json"
KEEP_MINUTES: Final = 5
"""Between two times that they are written; one more is when the process ends."""

MAX_KEPT: Final = 500
FILL_SECONDS: Final = 10.0
LATE_SECONDS: Final = 5
"""After a minute's end, for its last events to arrive."""

_log = logging.getLogger(__name__)


def welcome(row: Row) -> bool:
    """Whether the preset `default` exempts the request of this event."""
    # Whoever turns nobody away has no use for a compiler of rules.
    from botproxy.simulation.facts import facts_of
    from botproxy.simulation.recorded import STORED, Recorded
    from botproxy.simulation.welcome import welcome as exempt

    at = _positions(STORED)
    recorded = Recorded._make([row[each] if each >= 0 else 1 for each in at])
    # Whom it exempts is bound to low scores; a feed is one whoever asks for it.
    recorded = recorded._replace(score=1)
    return exempt(recorded, facts_of(recorded))


_kept: dict[tuple[str, ...], list[int]] = {}


def _positions(names: tuple[str, ...]) -> list[int]:
    found = _kept.get(names)
    if found is None:
        fields = {name: at for at, name in enumerate(Event._fields)}
        found = _kept[names] = [fields.get(name, -1) for name in names]
    return found


@final
class Alerting:
    """One for the life of the supervisor. `take` is called on the thread that reads events, everything else is not."""

    def __init__(self, data: Callable[[], Path], store: Callable[[], EventStore | None]) -> None:
        self._data: Final = data
        self._store: Final = store
        self._settings: AlertSettings | None = None
        self._watch: Watch | None = None
        self._minute = 0
        self._kept: Final[deque[dict[str, Any]]] = deque(maxlen=MAX_KEPT)
        self._read = False
        self._webhooks: Final = Webhooks()
        self._looking: asyncio.Task[None] | None = None
        self.given = 0
        self.failures = 0
        """Batches of events that could not be counted whole."""

    def prepare(self, settings: AlertSettings) -> list[Hook]:
        """Read what the settings name. Raises `Refused`."""
        try:
            return read_hooks(settings.webhooks)
        except (OSError, UnicodeDecodeError) as error:
            said = getattr(error, "strerror", None) or "is not text"
            raise Refused([f"alerts.webhooks: {getattr(error, 'filename', None) or 'token_file'}: {said}"]) from None

    def configure(self, settings: AlertSettings, hooks: Sequence[Hook], outgoing: Outgoing = DIRECT) -> None:
        """Watch by these settings from now on."""
        self._webhooks.configure(hooks, outgoing)
        if settings == self._settings:
            return
        before, self._settings = self._watch, settings
        now = int(time.time() // 60) + 1  # the minute that runs was not counted from its beginning
        self._watch = Watch(settings, welcome if settings.automation else None, now) if settings.enabled else None
        self._minute = now - 1
        if self._watch is not None:
            self._looking = asyncio.get_running_loop().create_task(self._go_on(self._watch, before, now))

    def take(self, rows: Sequence[Row]) -> None:
        """Count events. Raises nothing: whoever else gets these rows must not go without them."""
        watch = self._watch
        if watch is None:
            return
        try:
            watch.take(rows)
        except Exception:
            self.failures += 1
            if self.failures == 1:
                _log.exception("alerts could not count a batch of events")

    def tick(self) -> None:
        """Called about once a second."""
        minute = int((time.time() - LATE_SECONDS) // 60)
        if self._watch is None or minute <= self._minute or (self._looking is not None and not self._looking.done()):
            return
        self._minute = minute
        self._looking = asyncio.get_running_loop().create_task(self._look(self._watch, minute))

    async def listed(self, operator: Operator, limit: int) -> list[dict[str, Any]]:
        """The latest alerts, the newest first."""
        await self._remember()
        rows = [row for row in reversed(self._kept) if operator.sees(str(row.get("zone", "")))]
        return rows[:limit]

    def counts(self) -> dict[tuple[str, ...], int]:
        """For metrics."""
        return {
            ("alerts",): self.given,
            ("webhooks", "sent"): self._webhooks.sent,
            ("webhooks", "lost"): self._webhooks.lost,
        }

    async def end(self) -> None:
        """Stop."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        if self._watch is not None:
            await asyncio.to_thread(self._keep, self._watch, int(time.time() // 60), look=True)
        await self._webhooks.end()

    async def _look(self, watch: Watch, minute: int) -> None:
        alerts = await asyncio.to_thread(watch.look, minute)
        if minute % KEEP_MINUTES == 0:
            await asyncio.to_thread(self._keep, watch, minute)
        if alerts:
            await self._remember()
        rows = [described(alert) for alert in alerts]
        for alert, row in zip(alerts, rows, strict=True):
            self.given += 1
            self._kept.append(row)
            _log.warning("alert", extra=log.fields(type=alert.type, zone=alert.zone, text=alert.text))
            self._webhooks.post(row)
        if rows:
            try:
                await asyncio.to_thread(FILE.append, self._data(), [orjson.dumps(row) for row in rows])
            except OSError as error:
                _log.error("alerts cannot be written down", extra=log.fields(error=error))

    async def _remember(self) -> None:
        """Those that were given before this start."""
        if self._read:
            return
        self._read = True
        earlier = await asyncio.to_thread(lambda: list(deque(FILE.read(self._data()), maxlen=MAX_KEPT)))
        self._kept.extendleft(reversed(earlier))

    def _keep(self, watch: Watch, minute: int, look: bool = False) -> None:
        """Write down what was counted. Blocks."""
        try:
            if look:
                watch.look(minute)  # what was counted since the last one; too early to tell anybody of it
            whole_file.write(self._data() / BASELINES, orjson.dumps(watch.kept(minute)))
        except OSError as error:
            _log.warning("what alerts compare with cannot be kept", extra=log.fields(error=error))

    async def _go_on(self, watch: Watch, before: Watch | None, now: int) -> None:
        """Have what was counted before as the baseline, so that neither a restart nor a change makes blind."""
        try:
            if before is not None:
                known = before.kept(now - 1)
            else:
                known = orjson.loads(await asyncio.to_thread((self._data() / BASELINES).read_bytes))
            if watch.restore(known, now - 1):
                return
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            _log.warning("what alerts compare with cannot be read", extra=log.fields(error=error))
        await self._fill(watch, now)

    async def _fill(self, watch: Watch, now: int) -> None:
        """The baseline as the event store has it, which is without groups."""
        store = self._store()
        if store is None:
            return
        since = now - WINDOW * (BASELINE + 1)
        span = Span(since * 60_000_000, now * 60_000_000)
        unverified = Condition("verified_bot_category", "eq", "")
        scored = (Condition("score", "geq", 1), Condition("score", "lt", BELOW))
        away = (Condition("action", "in", tuple(STOPPED)), Condition("verified_bot_category", "neq", ""))
        parts = ((TRAFFIC, All((*scored, unverified))), (AUTOMATION, All(away)))
        counted: list[tuple[str, str, int, int]] = []
        try:
            for kind, part in parts:
                query = Groups(span, ("zone", "minute"), (Measure("count"),), None, part, (), MAX_LIMIT)
                rows = (await store.ask(query, FILL_SECONDS)).rows
                if len(rows) == MAX_LIMIT:
                    return  # too many zones to tell
                counted += [(kind, str(zone), int(minute) // 60, int(number)) for zone, minute, number in rows]
            everything = Groups(span, ("minute",), (Measure("count"),), None, All(()), (), MAX_LIMIT)
            seen = (await store.ask(everything, FILL_SECONDS)).rows
        except (QueryError, StoreUnavailable) as error:
            _log.info("alerts begin without what was counted before", extra=log.fields(problem=error))
            return
        if seen:
            watch.fill(counted, max(since, min(int(row[0]) for row in seen) // 60))


def described(alert: Alert) -> dict[str, Any]:
    """For JSON. `text` is what chat programs show."""
    return {
        "text": alert.text,
        "at": alert.until,
        "type": alert.type,
        "zone": alert.zone,
        "group": {"by": alert.group, "value": alert.value} if alert.group else None,
        "since": alert.since,
        "until": alert.until,
        "requests": alert.requests,
        "usual": round(alert.mean, 1),
        "z_score": round(alert.z, 2),
        "details": [{"what": what, "requests": number} for what, number in alert.details],
    }
