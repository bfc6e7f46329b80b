"""Reports of visitors, for operators: with the stored request, a label, and an exception that ends by itself."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, Literal, final

import orjson
from pydantic import ConfigDict, Field, ValidationError

from botproxy.admin.analytics import ANSWER_SECONDS, Analytics
from botproxy.admin.configuration import ForbiddenError
from botproxy.admin.misread import said
from botproxy.admin.operator import Operator
from botproxy.admin.paging import Page
from botproxy.admin.queries import LOGGED
from botproxy.config.overlay.changes import STEPS
from botproxy.errors import OperatorError
from botproxy.rulesets.presets import quoted
from botproxy.schema import Section
from botproxy.store import labels
from botproxy.store.events import (
    FIELDS,
    MICROSECONDS,
    All,
    Condition,
    Events,
    Groups,
    Measure,
    Order,
    QueryError,
    Span,
    StoreUnavailable,
)
from botproxy.store.labels import Label
from botproxy.store.lines import Lines
from botproxy.supervisor.configuring import Configuring
from botproxy.telemetry import report_file
from botproxy.telemetry.privacy_settings import Addresses

HANDLED: Final = Lines("handled", rotate_size=1024 * 1024, keep_files=4, durable=True)
"""What was done about which report: a line each, the last one holds."""

BACKTEST_SECONDS: Final = 86400
_DAY: Final = 86400
_SHOWN: Final = (*LOGGED, "last_source", "ja4", "js_detection", "rule_description", "reasons", "query", "referer")

_FOUND: Final = ("note", "ray", "host", "zone", "ip", "address", "user_agent", "seen")
"""What of a report is looked through for words."""

_UNSKIPPED: Final = {
    **dict.fromkeys(("ip", "ipRange", "asn", "country"), "IP access rules"),
    "hook": "the hook of the site",
}
"""Sources of matches that no `skip` of a zone passes over."""

Part = Literal["ip", "ja4", "user_agent", "path"]


class LabelRequest(Section):
    """Body of `POST /api/reports/RAY`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    label: Literal["human", "bot", "none", "dismissed"]
    """What the request was; `none` takes it back, `dismissed` only puts the report aside."""

    note: Annotated[str, Field(max_length=1000)] = ""


class ExceptionRequest(Section):
    """Body of `POST /api/reports/RAY/exception`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hours: Annotated[float, Field(ge=1, le=720)] = 24.0
    """How long it holds."""

    match: tuple[Part, ...] | None = None
    """By what such requests are known; left out, the address with the JA4 or, without one, the User-Agent."""

    path_prefix: Annotated[str, Field(pattern=r"^/[\x21-\x7e]*$", max_length=512)] | None = None
    """The beginning of their paths; with `path` in `match` and none given, the path that was reported."""

    note: Annotated[str, Field(max_length=300)] = ""
    base: int | None = None
    preview: bool = False


@final
class InboxDesk:
    """See `admin.inbox.Inbox`."""

    def __init__(
        self,
        data: Callable[[], Path],
        analytics: Callable[[], Analytics],
        configuring: Configuring,
        recorded: Callable[[str], Addresses],
    ) -> None:
        """`recorded` says how a zone records addresses."""
        self._recorded: Final = recorded
        self._data: Final = data
        self._analytics: Final = analytics
        self._configuring: Final = configuring
        self._writing: Final = asyncio.Lock()

    async def listed(self, operator: Operator, page: Page, zone: str | None, handled: bool | None) -> dict[str, Any]:
        """See `Inbox`."""

        def latest() -> tuple[list[dict[str, Any]], int]:
            done = self._handled()
            kept: deque[dict[str, Any]] = deque(maxlen=page.limit + page.offset)
            total = 0
            for report in report_file.read(self._data()):
                name, ray = str(report.get("zone", "")), str(report.get("ray", ""))
                what = done.get((name, ray))
                if not operator.sees(name) or zone not in (None, name) or handled not in (None, what is not None):
                    continue
                if page.finds(report, _FOUND):
                    total += 1
                    kept.append({**report, "handled": what})
            return list(kept)[::-1][page.offset :], total

        reports, total = await asyncio.to_thread(latest)
        events, unknown = await self._events([str(each.get("ray", "")) for each in reports])
        for report in reports:
            report["event"] = events.get((str(report.get("zone", "")), str(report.get("ray", ""))))
        return {"reports": reports, "total": total, "events_unknown": unknown or None}

    async def label(self, operator: Operator, ray: str, body: bytes) -> dict[str, Any]:
        """See `Inbox`."""
        try:
            wanted = LabelRequest.model_validate_json(body)
        except ValidationError as error:
            right = '{"label": "human" | "bot" | "none" | "dismissed", "note": TEXT}'
            raise OperatorError(said(error, right)) from None
        report = await self._report(operator, ray)
        zone = str(report["zone"])
        before = (await asyncio.to_thread(self._handled)).get((zone, ray))
        if wanted.label != "dismissed":
            label = Label(time.time(), zone, wanted.label, operator.name, ray, source="report", note=wanted.note)
            await self._write(lambda: labels.append(self._data(), [label]))
        await self._done(operator, zone, ray, "" if wanted.label == "none" else wanted.label, wanted.note)
        return {"ok": True, "ray": ray, "zone": zone, "label": wanted.label, "before": before and before.get("what")}

    async def exempt(self, operator: Operator, ray: str, body: bytes) -> dict[str, Any]:
        """See `Inbox`."""
        try:
            wanted = ExceptionRequest.model_validate_json(body)
        except ValidationError as error:
            right = '{"hours": 24, "match": ["ip", "ja4"], "path_prefix": "/shop/", "preview": true}'
            raise OperatorError(said(error, right)) from None
        report = await self._report(operator, ray)
        zone = str(report["zone"])
        event = (await self._events([ray]))[0].get((zone, ray)) or {}
        expression, conditions = narrow(report, event, wanted, self._recorded(zone))
        until = int(time.time() + wanted.hours * 3600)
        step = {
            "op": "add_exception",
            "zone": zone,
            "ref": f"exception.{ray}",
            "expression": expression,
            "until": until,
            "description": f"Report {ray}" + (f": {wanted.note}" if wanted.note else ""),
        }
        steps = STEPS.validate_python([step])
        about = {"ray": ray, "zone": zone, "expression": expression, "until": until}
        if wanted.preview:
            tried = await self._configuring.try_steps(operator, steps)
            backtest = await self._backtest(zone, conditions)
            doubts = [*tried.pop("warnings", []), *({"text": text} for text in _doubts(event))]
            return {"preview": True, **about, **tried, "warnings": doubts, "backtest": backtest, "steps": [step]}
        made = await self._configuring.take(operator, steps, f"report {ray}", wanted.base)
        if made["ok"]:
            await self._done(operator, zone, ray, "exception", wanted.note)
            made = {**made, "warnings": [*made.get("warnings", []), *_doubts(event)]}
        return {**made, **about}

    def _handled(self) -> dict[tuple[str, str], dict[str, Any]]:
        done: dict[tuple[str, str], dict[str, Any]] = {}
        for row in HANDLED.read(self._data()):
            key = (str(row.get("zone", "")), str(row.get("ray", "")))
            done.pop(key, None)
            if row.get("what"):
                done[key] = {name: row.get(name) for name in ("at", "who", "what", "note")}
        return done

    async def _done(self, operator: Operator, zone: str, ray: str, what: str, note: str) -> None:
        row = {"at": time.time(), "zone": zone, "ray": ray, "who": operator.name, "what": what, "note": note}
        await self._write(lambda: HANDLED.append(self._data(), [orjson.dumps(row)]))

    async def _write(self, write: Callable[[], None]) -> None:
        async with self._writing:
            try:
                await asyncio.to_thread(write)
            except OSError as error:
                raise OperatorError(f"it could not be written down: {error.strerror or error}") from None

    async def _report(self, operator: Operator, ray: str) -> dict[str, Any]:
        def find() -> dict[str, Any] | None:
            found = None
            for report in report_file.read(self._data()):
                if report.get("ray") == ray:
                    found = report
            return found

        report = await asyncio.to_thread(find)
        if report is None or not operator.sees(str(report.get("zone", ""))):
            raise LookupError("nobody reported this ray, or not lately")
        if operator.role != "operator":
            raise ForbiddenError("you may look, and change nothing")
        return report

    async def _events(self, rays: list[str]) -> tuple[dict[tuple[str, str], dict[str, Any]], str]:
        """Stored requests by zone and ray, and why there may be more."""
        store = self._analytics().store
        if store is None:
            return {}, "there is no event store: events.store is none"
        if not rays:
            return {}, ""
        fields = tuple(dict.fromkeys(name for name in _SHOWN if name in FIELDS))
        span = Span(0, int((time.time() + _DAY) * MICROSECONDS))
        query = Events(span, fields, None, Condition("ray", "in", tuple(rays)), (Order("start", True),), len(rays) * 2)
        try:
            rows = (await store.ask(query, ANSWER_SECONDS)).records()
        except (QueryError, StoreUnavailable) as error:
            return {}, str(error)
        return {(str(row["zone"]), str(row["ray"])): row for row in rows}, ""

    async def _backtest(self, zone: str, conditions: All) -> dict[str, Any]:
        """How many requests of the last day such an exception would have been about, by what was done about them."""
        store = self._analytics().store
        if store is None:
            return {"error": "there is no event store: events.store is none"}
        now = time.time()
        span = Span(int((now - BACKTEST_SECONDS) * MICROSECONDS), int(now * MICROSECONDS))
        query = Groups(span, ("action", "score_group"), (Measure("count"),), (zone,), conditions, (), 200)
        try:
            rows = (await store.ask(query, ANSWER_SECONDS)).records()
        except (QueryError, StoreUnavailable) as error:
            return {"error": str(error)}
        return {"since": now - BACKTEST_SECONDS, "requests": sum(int(row["count"]) for row in rows), "groups": rows}


def _doubts(event: dict[str, Any]) -> list[str]:
    """Why an exception would not have let this request through."""
    rule, source = str(event.get("rule_id") or ""), str(event.get("last_source") or "")
    by = "Bot Fight Mode" if rule == "bot_management.fight_mode" else _UNSKIPPED.get(source)
    return [] if by is None else [f"an exception does not pass over {by}, which turned this visitor away"]


def narrow(
    report: dict[str, Any], event: dict[str, Any], wanted: ExceptionRequest, recorded: Addresses = "full"
) -> tuple[str, All]:
    """The expression for such requests, and the same for the store. Raises OperatorError for one that is too wide."""
    agent = str(event.get("user_agent") or report.get("user_agent") or "")
    ja4 = str(event.get("ja4") or "")
    client: Part = "ja4" if ja4 else "user_agent"
    match: tuple[Part, ...] = wanted.match or ((client, "path") if recorded == "hashed" else ("ip", client))
    known = bool({"ja4", "user_agent"} & set(match))
    if not ("ip" in match and (known or recorded == "full")) and not (
        known and (wanted.path_prefix or "path" in match)
    ):
        raise OperatorError("this is too wide: match `ip`, or `ja4` or `user_agent` together with a path")
    texts: list[str] = []
    conditions: list[Condition] = []
    if "ip" in match:
        try:
            address = str(ip_address(str(report.get("ip", ""))))
        except ValueError:
            raise OperatorError("the address of this report is not known: match something else") from None
        if recorded == "truncated":
            texts.append(f"ip.src in {{{address}/{48 if ':' in address else 24}}}")
        else:
            texts.append(f"ip.src eq {address}")
        conditions.append(Condition("client_ip", "eq", address))
    if "ja4" in match:
        if not ja4:
            raise OperatorError("the JA4 of this request is not known: match something else")
        texts.append(f"cf.bot_management.ja4 eq {quoted(ja4)}")
        conditions.append(Condition("ja4", "eq", ja4))
    if "user_agent" in match:
        if not agent or not agent.isprintable():
            raise OperatorError("the User-Agent of this request cannot be matched: match something else")
        texts.append(f"http.user_agent eq {quoted(agent)}")
        conditions.append(Condition("user_agent", "eq", agent))
    prefix = wanted.path_prefix or (str(event.get("path") or "") if "path" in match else "")
    if "path" in match and not prefix:
        raise OperatorError("the path of this request is not known: give `path_prefix`")
    if prefix:
        texts.append(f"starts_with(http.request.uri.path, {quoted(prefix)})")
        literal = prefix.replace("%", "_")  # what stands for any text in the store; wider by a little
        conditions.append(Condition("path", "like", literal + "%"))
    return " and ".join(texts), All(tuple(conditions))
