"""The generations: one that serves, at most one that drains, and how the one replaces the other.

The rule of this file: nothing is taken from a new configuration before all of it works.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from botproxy.admin import Settings as AdminSettings
from botproxy.link import Plan
from botproxy.outgoing import OutgoingSettings, read_outgoing
from botproxy.supervisor import persons, revoking, switches
from botproxy.supervisor.alerting import Alerting
from botproxy.supervisor.anomalies import Anomalies
from botproxy.supervisor.bots import Bots
from botproxy.supervisor.children import Children
from botproxy.supervisor.directory import Directory
from botproxy.supervisor.events import Events, Prepared
from botproxy.supervisor.generation import Generation
from botproxy.supervisor.listening import Listening
from botproxy.supervisor.logpush import Logpush, lists_in
from botproxy.supervisor.operators import Operators, bound_address
from botproxy.supervisor.passed_over import PassedOver
from botproxy.supervisor.persons import Persons
from botproxy.supervisor.profiles import SharedProfiles
from botproxy.supervisor.rates import Rates
from botproxy.supervisor.reports import Reports
from botproxy.supervisor.state import SharedState
from botproxy.supervisor.switches import Effective, Switches
from botproxy.supervisor.training import Training
from botproxy.telemetry import EventWriter, Totals, log
from botproxy.telemetry import Settings as EventSettings
from botproxy.telemetry.alert_settings import AlertSettings

if TYPE_CHECKING:
    from botproxy.config.lists import Chosen

KILLED_SECONDS = 5.0

_log = logging.getLogger(__name__)


@final
class Fleet:
    """Everything that outlives a generation. `factory` names who makes a blueprint, as `module:function`."""

    def __init__(self, factory: str, operators: Operators, on_sick: Callable[[], None], alerting: Alerting) -> None:
        self.totals = Totals()
        self.rates = Rates()
        self.bots = Bots()
        self.profiles = SharedProfiles()
        self.anomalies = Anomalies()
        self.reports = Reports()
        self.passed_over = PassedOver()
        self.store = SharedState(self.rates, self.profiles)
        self.children = Children()
        self.training = Training(self.children)
        self.numbers: Iterator[int] = count(1)
        self.switches = Switches()
        self.events = Events()
        self.logpush = Logpush()
        self.alerting = alerting
        self.writer = EventWriter(then=self._on_rows, first=self.anomalies.put)
        self.persons = Persons(self.events, self.writer, self.reports, self.logpush)
        self.directory = Directory()
        self.generations: list[Generation] = []
        self.current: Generation | None = None
        self.source: Any = None  # of the current generation
        self._factory = factory
        self._operators = operators
        self._on_sick = on_sick
        self._listening = Listening()
        self._generation_numbers: Iterator[int] = count(1)

    # What generations share

    def on_events(self, payload: bytes) -> None:
        """See `Household`."""
        self.writer.put(payload)

    def _on_rows(self, rows: Sequence[Sequence[Any]]) -> None:
        """On the writer's thread."""
        self.events.put(rows)
        self.logpush.put(rows)
        self.alerting.take(rows)

    def modes(self, plan: Plan) -> Effective:
        """See `Household`."""
        return self.switches.effective(plan)

    def under_attack(self, plan: Plan) -> list[str]:
        """See `Household`."""
        return self.switches.under_attack(plan)

    def listening(self, plan: Plan) -> dict[str, socket.socket]:
        """See `Household`."""
        bound = self._listening.sockets
        return {address: bound[address] for address in plan.listeners}

    def on_sick(self, generation: Generation) -> None:
        """See `Household`."""
        if generation is self.current:
            self._on_sick()

    def on_ended(self, generation: Generation) -> None:
        """See `Household`."""
        if generation in self.generations:
            self.generations.remove(generation)
        if generation.plan is not None:
            _log.info("generation ended", extra=log.fields(generation=generation.number))

    # What the supervisor does with them

    @property
    def plan(self) -> Plan:
        """Of the generation that serves."""
        assert self.current is not None
        assert self.current.plan is not None
        return self.current.plan

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where visitors connect to, with the ports as they really are."""
        return tuple(bound_address(bound) for bound in self._listening.sockets.values())

    def tell_modes(self) -> None:
        """Tell all workers the modes that hold now."""
        for generation in self.generations:
            generation.tell_modes()

    def watch(self) -> None:
        """Called once a second."""
        for generation in self.generations:
            generation.watch()
        self.training.tick()

    async def room(self) -> None:
        """Wait until no generation but the one that serves is alive."""
        for generation in [each for each in self.generations if each is not self.current]:
            _log.info("waiting for a generation that drains", extra=log.fields(generation=generation.number))
            await generation.ended.wait()

    async def bring_up(self, source: Any) -> None:
        """Load this source and make it the generation that serves. Raises `OperatorError` with nothing changed."""
        generation = Generation(next(self._generation_numbers), self, self._factory, source)
        self.generations.append(generation)
        _log.info("loading", extra=log.fields(generation=generation.number))
        operators = None
        stored: Prepared | None = None
        try:
            plan = await generation.load()
            self.rates.make_room(plan.rate_keys)
            if self.directory.claim(Path(plan.data)):
                self.switches = switches.read(self.directory.path)
                revoking.read(self.directory.path, self.store)
                self.reports.configure(self.directory.path)
            events = EventSettings.model_validate(plan.events)
            outgoing = read_outgoing(OutgoingSettings.model_validate(plan.outgoing or {}))
            named = lists_in(plan.logpush)
            lists = await asyncio.to_thread(_lists, source, named) if named else None
            jobs = self.logpush.prepare(plan.logpush, lists, outgoing)
            alerts = AlertSettings.model_validate(plan.alerts or {})
            hooks = self.alerting.prepare(alerts)
            stored = await self.events.prepare(events, self.directory.path, persons.kept(plan))
            operators = self._operators.prepare(AdminSettings.model_validate(plan.admin))
            self._listening.add(plan.listeners)
            # What other nodes know has to be there before a worker of this one serves.
            await self.store.configure(plan.state, plan.shared_secret)
            await generation.start()
            await self._operators.take(operators)
        except BaseException:
            # A worker of it may serve somebody by now, so it drains like any other.
            generation.abandon(ending=False)
            if operators is not None:
                self._operators.discard(operators)
            if stored is not None:
                self.events.discard(stored)
            self._listening.keep(self.plan.listeners if self.current is not None else ())
            if self.current is not None:
                await self.store.configure(self.plan.state, self.plan.shared_secret)
            raise
        previous, self.current, self.source = self.current, generation, source
        self.events.take(stored)
        self.logpush.take(jobs, self.directory.path)
        masking = persons.masking(plan)
        self.reports.mask(masking)
        self.alerting.configure(alerts, hooks, outgoing)
        self.persons.configure(plan, events, self.directory.path, [each.settings for each in jobs.jobs])
        self.writer.configure(events, self.directory.path, masking)
        self.bots.configure(plan.bots or {}, self.directory.path, outgoing)
        self.training.configure(plan.training, self.directory.path)
        if previous is not None:
            previous.drain(ending=False)
        self._listening.keep(plan.listeners)
        await self.anomalies.configure(plan.anomalies or {}, self.directory.path)
        self._announce(generation, plan)

    async def end(self) -> None:
        """Drain everything; each generation kills what does not end in time."""
        self.training.configure(None, self.directory.path if self.current is not None else Path())
        self.training.end()
        self._listening.keep(())
        for generation in list(self.generations):
            generation.abandon(ending=True)
        for generation in list(self.generations):
            await generation.ended.wait()

    async def kill(self) -> None:
        """End everything now."""
        for generation in list(self.generations):
            generation.kill()
        for generation in list(self.generations):
            await generation.ended.wait()

    def _announce(self, generation: Generation, plan: Plan) -> None:
        _log.info(
            "serving",
            extra=log.fields(
                generation=generation.number,
                workers=plan.workers,
                listeners=",".join(self.addresses),
                admin=self._operators.address,
                mode=self.switches.effective(plan).instance,
            ),
        )
        for zone in self.switches.differences(plan):
            _log.warning("the mode was switched away from what the configuration says", extra=log.fields(zone=zone))
        for zone in self.switches.under_attack(plan):
            _log.warning("every new visitor is challenged: under attack", extra=log.fields(zone=zone))


def _lists(source: str, names: set[str]) -> Chosen:
    from botproxy.config import Source
    from botproxy.config.load import chosen_lists

    return chosen_lists(Source.from_json(source), names)
