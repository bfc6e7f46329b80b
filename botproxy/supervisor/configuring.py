"""What operators change on the running proxy: checked, tried as a reload is, and kept as a version of the overlay."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Final, Protocol, TypeVar, final

from pydantic import ConfigDict, Field, ValidationError

from botproxy.admin.configuration import ForbiddenError, StaleError
from botproxy.admin.misread import said
from botproxy.admin.operator import Operator
from botproxy.config.overlay import changes
from botproxy.config.overlay.changes import Step
from botproxy.config.overlay.effective import parsed
from botproxy.config.overlay.versions import OverlayText, Versions, changes_in, number_of
from botproxy.config.problems import ConfigError
from botproxy.config.source import Source
from botproxy.errors import OperatorError
from botproxy.schema import Section
from botproxy.store import StoreAway
from botproxy.supervisor.consulting import Consulting
from botproxy.supervisor.sharing import SharedOverlay, SharedVersion
from botproxy.telemetry import log

R = TypeVar("R")

_RIGHT: Final = '{"base": VERSION, "steps": [{"op": "set", "path": "mode", "value": "enforce"}, …], "what": TEXT}'

_log = logging.getLogger(__name__)


class Host(Protocol):
    """The proxy whose configuration this is."""

    @property
    def data(self) -> Path:
        """The data directory."""
        ...

    @property
    def running(self) -> str:
        """The source of what runs, as JSON."""
        ...

    def read(self) -> str:
        """The configuration's source as it is now. Raises OperatorError."""
        ...

    async def offer(self, source: str) -> dict[str, Any]:
        """Reload with this source; `ok`, and `problems` when it was not taken."""
        ...

    async def configured(self, instance: bool, mode: set[str], attack: set[str]) -> list[str]:
        """What was switched for these zones, or for the instance, gives way to what they are configured to be; what
        still beats that is answered, for people."""
        ...


class Change(Section):
    """Body of `POST /api/config/apply` and `/preview`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: Annotated[list[Step], Field(min_length=1, max_length=changes.MAX_STEPS)]
    """What to do, one after the other."""

    base: int | None = None
    """The version that it is based on; a preview may leave it out."""

    what: Annotated[str, Field(max_length=1000)] = ""
    """Why, for people."""


class Rollback(Section):
    """Body of `POST /api/config/rollback`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    version: Annotated[int, Field(ge=0)]
    """The version to go back to; 0 is without any change."""

    base: int | None = None
    """The version that holds; left out, whichever does."""


@final
class Configuring:
    """See `admin.configuration.Configuration`."""

    def __init__(self, host: Host, sharing: SharedOverlay | None = None) -> None:
        """`sharing` is the overlay of all nodes."""
        self._host: Final = host
        self._sharing: Final = sharing
        self._following: asyncio.Task[None] | None = None
        self._refused: tuple[bytes, str] = (b"", "")  # what could not be taken, and on top of which source
        self._consulting: Final = Consulting()
        self._changing: Final = asyncio.Lock()
        self._running: Final[set[asyncio.Task[Any]]] = set()
        self._seen: tuple[tuple[Any, ...], dict[str, Any]] | None = None

    @property
    def _versions(self) -> Versions:
        return Versions(self._host.data)

    async def view(self, operator: Operator) -> dict[str, Any]:
        """See `Configuration`."""
        current = await asyncio.to_thread(self._versions.current)
        key = (self._host.running, number_of(current), operator.limited)
        if self._seen is None or self._seen[0] != key:
            found = await self._consulting.ask("view", source=self._host.running, zones=operator.limited)
            _raise(found)
            self._seen = key, found
        told = self._sharing.told() if self._sharing is not None else None
        if told is not None and operator.zones is not None and told["problem"]:
            told["problem"] = "this node is not as the others are"  # what is in the way may be of other zones
        shared = {} if told is None else {"shared": told}
        return {**self._seen[1], "role": operator.role, "pending": self._pending(), **shared}

    async def preview(self, operator: Operator, change: bytes) -> dict[str, Any]:
        """See `Configuration`."""
        wanted = _read(Change, change, _RIGHT)
        _allow(operator, wanted.steps)
        current = await asyncio.to_thread(self._versions.current)
        number = number_of(current)
        if wanted.base is not None and wanted.base != number:
            raise StaleError(number)
        found = await self._tried(operator, current, wanted.steps, wanted.what)
        return {"version": number, "what": changes.described(wanted.steps), "pending": self._pending(), **found}

    async def apply(self, operator: Operator, change: bytes) -> dict[str, Any]:
        """See `Configuration`."""
        wanted = _read(Change, change, _RIGHT)
        if wanted.base is None:
            raise OperatorError(f"`base` is missing: the version that the change is based on. Send {_RIGHT}")
        return await self.take(operator, wanted.steps, wanted.what, wanted.base)

    async def take(
        self, operator: Operator, steps: list[Step], what: str = "", base: int | None = None
    ) -> dict[str, Any]:
        """Take these steps. As `apply`; without a `base`, on top of whatever holds."""
        _allow(operator, steps)

        async def make() -> dict[str, Any]:
            await self._catch_up(changing=True)
            current = await self._current(base)
            after = await asyncio.to_thread(_changed, current, steps)
            zones = changes.zones_of(steps)
            done = await self._make(operator, current, after, _described(steps, what))
            return {**done, "zone": ",".join(sorted(filter(None, zones))) if None not in zones else None}

        return await self._whole(make)

    async def versions(self, operator: Operator) -> dict[str, Any]:
        """See `Configuration`."""
        rows = [each._asdict() for each in await asyncio.to_thread(self._versions.listed)]
        if operator.zones is not None:
            rows = [{**row, "what": ""} for row in rows]
        current = await asyncio.to_thread(self._versions.current)
        return {"version": number_of(current), "versions": rows}

    async def version(self, operator: Operator, number: int) -> dict[str, Any]:
        """See `Configuration`."""
        this = await self._kept(number)
        before = await self._kept(await asyncio.to_thread(self._versions.before, number))
        found = await self._consulting.ask(
            "difference",
            before=self._with(before),
            after=self._with(this),
            names=[f"version {number_of(before)}", f"version {number}"],
            zones=operator.limited,
        )
        content = await asyncio.to_thread(changes_in, this)
        if operator.zones is not None:
            content = {"zones": {name: each for name, each in content.get("zones", {}).items() if operator.sees(name)}}
        about = await asyncio.to_thread(parsed, this)
        made = about.get("about") if isinstance(about, dict) and operator.zones is None else None
        return {"version": number, "about": made, "changes": content, "diff": "", "problems": [], **found}

    async def rollback(self, operator: Operator, wanted: bytes) -> dict[str, Any]:
        """See `Configuration`."""
        asked = _read(Rollback, wanted, '{"version": NUMBER}')
        target = await self._kept(asked.version)

        async def make() -> dict[str, Any]:
            await self._catch_up(changing=True)
            current = await self._current(asked.base, leaving=True)
            before = await asyncio.to_thread(_understood, current)
            after = await asyncio.to_thread(changes_in, target)
            if operator.zones is not None and _without(operator, before) != _without(operator, after):
                raise ForbiddenError("this version differs in more than the zones that you may change")
            what = f"back to version {asked.version}"
            return {**await self._make(operator, current, after, what, asked.version), "zone": None}

        return await self._whole(make)

    async def export(self, operator: Operator) -> dict[str, Any]:
        """See `Configuration`."""
        if operator.zones is not None or operator.role != "operator":
            raise ForbiddenError("the whole configuration is for operators of all zones")
        found = await self._consulting.ask("export", source=self._host.running)
        _raise(found)
        return found

    async def fields(self, expression: str) -> set[str]:
        """The fields that an expression looks at. Raises OperatorError when it does not compile."""
        found = await self._consulting.ask("expression", source=self._host.running, expression=expression)
        _raise(found)
        if found["error"]:
            raise OperatorError(str(found["error"]))
        return set(found["fields"])

    async def try_steps(self, operator: Operator, steps: list[Step]) -> dict[str, Any]:
        """What these steps would do: `diff`, `problems`, `warnings`."""
        _allow(operator, steps)
        return await self._tried(operator, await asyncio.to_thread(self._versions.current), steps)

    async def _make(
        self, operator: Operator, current: OverlayText, after: dict[str, Any], what: str, restored: int | None = None
    ) -> dict[str, Any]:
        """Try the overlay as a reload is tried, and keep it when it was taken."""
        versions = self._versions
        source = self._source()
        draft = await asyncio.to_thread(versions.next, current, after, operator.name, what, restored)
        try:
            await asyncio.to_thread(versions.draft, draft)
        except OSError as error:
            raise OperatorError(f"nothing has changed: {_words(error)}") from None
        result = await self._host.offer(source._replace(overlay=draft.text, overlay_file=draft.file).to_json())
        if not result["ok"]:
            versions.discard(draft)
            problems = [{"text": text} for text in result["problems"]]
            return {"ok": False, "version": number_of(current), "problems": problems}
        done = {"ok": True, "version": number_of(draft), "before": number_of(current), "what": what, "persisted": True}
        try:
            await asyncio.to_thread(versions.take, draft)
        except OSError as error:
            text = f"it holds now, but could not be written down: {_words(error)}"
            _log.error("a change of the configuration will not outlive a restart", extra=log.fields(error=error))
            done |= {"version": number_of(current), "persisted": False, "error": text}
        before = await asyncio.to_thread(_understood, current)
        alone = await self._tell(draft) if done["persisted"] else []
        return done | {"warnings": [*await self._host.configured(*_switched(before, after)), *alone]}

    # With other nodes

    def tick(self) -> None:
        """Called about once a second: be as all nodes are."""
        if self._sharing is None or not self._sharing.active:
            return
        if self._following is None or self._following.done():
            self._following = asyncio.get_running_loop().create_task(self._follow())

    def gauges(self) -> dict[str, float]:
        """For metrics; nothing where nothing is shared."""
        sharing = self._sharing
        return {"overlay_differs": float(bool(sharing.problem))} if sharing is not None and sharing.active else {}

    async def _follow(self) -> None:
        sharing = self._sharing
        assert sharing is not None
        try:
            await sharing.look()
            # Most of the time there is nothing new, and nobody has to wait for that.
            if not sharing.mark or sharing.mark != sharing.settled:
                await self._whole(self._catch_up)
        except StoreAway:
            return
        except (ValueError, OSError, ConfigError) as error:
            self._differs(f"what other nodes share cannot be read: {error}")

    async def _catch_up(self, changing: bool = False) -> None:
        """Take what holds for all, or tell what holds here and is newer. Raises OperatorError when somebody is changing
        something and that cannot be."""
        sharing = self._sharing
        if sharing is None or not sharing.active:
            return
        try:
            shared = await sharing.look()
            current = await asyncio.to_thread(self._versions.left)
            number = number_of(current)
            if shared is None:
                if number and current.text:
                    await sharing.publish(number, current.text)
                return
            if (shared.number, shared.text) == (number, current.text):
                sharing.settled, sharing.problem = sharing.mark, ""
                return
            if shared.number < number and await self._had(shared):
                await sharing.publish(number, current.text)
                return
            await self._take_shared(shared, current)
        except StoreAway:
            return  # what is changed now is told once it is back
        except (ValueError, OSError, ConfigError) as error:
            self._differs(f"what other nodes share cannot be read: {error}")
        if changing and sharing.problem:
            raise OperatorError(f"nothing was changed: this node is not as the others are ({sharing.problem})")

    async def _had(self, shared: SharedVersion) -> bool:
        """Whether this node was once as all others are, and went on from there."""
        try:
            mine = await asyncio.to_thread(self._versions.get, shared.number)
        except ConfigError:
            return False
        return mine is not None and mine.text == shared.text

    async def _take_shared(self, shared: SharedVersion, current: OverlayText) -> None:
        assert self._sharing is not None
        attempt = (self._sharing.mark, self._host.running)
        if self._refused == attempt:
            return
        versions = self._versions
        draft = versions.named(shared.number, shared.text)
        await asyncio.to_thread(versions.draft, draft)
        # As this node runs: what its file holds by now is for those to load who look after it.
        source = Source.from_json(self._host.running)._replace(overlay=draft.text, overlay_file=draft.file)
        result = await self._host.offer(source.to_json())
        if not result["ok"]:
            versions.discard(draft)
            self._refused = attempt
            first = str(next(iter(result["problems"]), "it was not taken")).partition("\n")[0]
            self._differs(f"version {shared.number} of the other nodes cannot be used here: {first}")
            return
        aside = await asyncio.to_thread(versions.put_aside, shared.number)
        await asyncio.to_thread(versions.take, draft)
        self._sharing.settled, self._sharing.problem = self._sharing.mark, ""
        before, after = [await asyncio.to_thread(_understood, each) for each in (current, draft)]
        await self._host.configured(*_switched(before, after))
        _log.warning("a change that another node took is in use here", extra=log.fields(version=shared.number))
        if aside:
            _log.error(
                "changes of this node alone gave way to those of the others, and are in overlay/aside",
                extra=log.fields(versions=",".join(map(str, aside))),
            )

    async def _tell(self, taken: OverlayText) -> list[str]:
        """Have all nodes take what was taken here; what is to be said of it. Raises StaleError when another node was
        quicker, whose change holds here by then."""
        sharing = self._sharing
        if sharing is None or not sharing.active:
            return []
        number = number_of(taken)
        try:
            if await sharing.publish(number, taken.text):
                return []
        except StoreAway:
            sharing.settled = b""
            return ["shared state is away: other nodes take this once it is back"]
        await self._catch_up()
        raise StaleError(number_of(await asyncio.to_thread(self._versions.left)))

    def _differs(self, why: str) -> None:
        assert self._sharing is not None
        if self._sharing.problem != why:
            self._sharing.problem = why
            _log.error("this node is not as the others are", extra=log.fields(problem=why))

    async def _whole(self, make: Callable[[], Awaitable[R]]) -> R:
        """One change after the other, each to its end, even when whoever asked for it is gone."""

        async def alone() -> R:
            async with self._changing:
                return await make()

        task = asyncio.create_task(alone())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _current(self, base: int | None, leaving: bool = False) -> OverlayText:
        current = await asyncio.to_thread(self._versions.left if leaving else self._versions.current)
        number = number_of(current)
        if base is not None and base != number:
            raise StaleError(number)
        return current

    async def _kept(self, number: int) -> OverlayText:
        found = await asyncio.to_thread(self._versions.get, number)
        if found is None:
            raise LookupError(f"version {number} is not kept")
        return found

    async def _tried(
        self, operator: Operator, current: OverlayText, steps: list[Step], what: str = ""
    ) -> dict[str, Any]:
        overlay = await asyncio.to_thread(_changed, current, steps)
        described = _described(steps, what)
        after = await asyncio.to_thread(self._versions.next, current, overlay, operator.name, described)
        return await self._consulting.ask(
            "try", before=self._host.running, after=self._with(after), zones=operator.limited
        )

    def _source(self) -> Source:
        return Source.from_json(self._host.read())

    def _with(self, overlay: OverlayText) -> str:
        return self._source()._replace(overlay=overlay.text, overlay_file=overlay.file).to_json()

    def _pending(self) -> bool:
        """Whether the file was changed and not loaded yet, so that the next change takes that up as well."""
        try:
            return self._source().text != Source.from_json(self._host.running).text
        except OperatorError:
            return True


def _changed(current: OverlayText, steps: list[Step]) -> dict[str, Any]:
    """The changes after these steps. Takes seconds with megabytes of them: not for the loop."""
    return changes.changed(changes_in(current), steps, time.time())


def _understood(overlay: OverlayText) -> dict[str, Any]:
    """The changes of a version that is left, and must not be in the way of that."""
    try:
        return changes_in(overlay)
    except ConfigError:
        return {}


def _described(steps: list[Step], what: str) -> str:
    short = changes.described(steps)
    return f"{what} ({short})" if what else short


def _words(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


def _read(model: type[Any], content: bytes, right: str) -> Any:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise OperatorError(said(error, right)) from None


def _raise(found: dict[str, Any]) -> None:
    if "problems" in found:
        raise OperatorError("\n".join(str(each["text"]) for each in found["problems"]))


def _allow(operator: Operator, steps: list[Step]) -> None:
    for zone in changes.zones_of(steps):
        if operator.zones is not None and (zone is None or not operator.sees(zone)):
            what = f"the zone {zone}" if zone is not None else "what is not of one zone"
            raise ForbiddenError(f"you may not change {what}")


def _without(operator: Operator, overlay: dict[str, Any]) -> dict[str, Any]:
    """The overlay without what is of the operator's zones."""
    zones = {name: each for name, each in overlay.get("zones", {}).items() if not operator.sees(name)}
    return {**{name: each for name, each in overlay.items() if name != "zones"}, **({"zones": zones} if zones else {})}


def _switched(before: dict[str, Any], after: dict[str, Any]) -> tuple[bool, set[str], set[str]]:
    """Whether the mode of the instance, and of which zones the mode and the security level, are set differently."""
    zones, others = before.get("zones", {}), after.get("zones", {})
    differ: dict[str, set[str]] = {"mode": set(), "security_level": set()}
    for name in {*zones, *others}:
        for setting, found in differ.items():
            if zones.get(name, {}).get(setting) != others.get(name, {}).get(setting):
                found.add(name)
    return before.get("mode") != after.get("mode"), differ["mode"], differ["security_level"]
