"""`/api/analytics/…`: the questions of `queries` over HTTP, for the dashboard and for scripts."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import ip_address
from itertools import islice
from typing import Any, Final, get_args

import orjson
from aiohttp import web

from botproxy.admin import queries
from botproxy.admin.analytics import ANALYTICS, ANSWER_SECONDS, Analytics, Source
from botproxy.admin.auditing import noted
from botproxy.admin.explained import explained
from botproxy.admin.operator import operator_of
from botproxy.store.events import FIELDS, Answer, Events, Groups, QueryError, StoreUnavailable

PREFIX: Final = "/api/analytics"
MAX_LOG: Final = 1000
MAX_FORMS: Final = 4000

_logger = logging.getLogger(__name__)

Asked = Groups | Events
_Handler = Callable[[web.Request], Awaitable[web.Response]]


def add_routes(app: web.Application) -> None:
    """Add the routes to an application that has `ANALYTICS`."""
    app.router.add_get(f"{PREFIX}/status", _status)
    app.router.add_get(f"{PREFIX}/fields", _fields)
    app.router.add_get(f"{PREFIX}/series", _viewed(lambda view, given: queries.series(view, _text(given, "by"))))
    app.router.add_get(f"{PREFIX}/distribution", _viewed(_distribution))
    app.router.add_get(f"{PREFIX}/sources", _viewed(lambda view, _: queries.sources(view)))
    app.router.add_get(f"{PREFIX}/totals", _viewed(lambda view, _: queries.totals(view)))
    app.router.add_get(f"{PREFIX}/top", _viewed(_top))
    app.router.add_get(f"{PREFIX}/rules", _viewed(lambda view, _: queries.rules(view)))
    app.router.add_get(f"{PREFIX}/events", _viewed(_log))
    app.router.add_get(f"{PREFIX}/events/{{ray}}", _one)
    app.router.add_get(f"{PREFIX}/events/{{ray}}/explanation", _why)
    app.router.add_get(f"{PREFIX}/export", _export)
    app.router.add_post(f"{PREFIX}/forget", _forget)


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value) + b"\n", status=status, content_type="application/json")


def _text(given: Mapping[str, str], name: str, default: str = "score_group") -> str:
    return given.get(name) or default


def _whole(given: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = given.get(name) or str(default)
    if not text.isascii() or not text.isdecimal() or len(text) > 19 or not 1 <= int(text) <= most:
        raise QueryError(f"{name} is a whole number from 1 to {most}")
    return int(text)


def _distribution(view: queries.View, given: Mapping[str, str]) -> Asked:
    by = given.get("by", "")
    if by not in ("", "score_group"):
        raise QueryError("by is score_group, or left out")
    return queries.distribution(view, by_group=bool(by))


def _top(view: queries.View, given: Mapping[str, str]) -> Asked:
    return queries.top(view, _text(given, "field", "path"), _whole(given, "limit", 15, MAX_LOG))


def _log(view: queries.View, given: Mapping[str, str]) -> Asked:
    before = _whole(given, "before", 1, 2**62) if given.get("before") else None
    return queries.log(view, _whole(given, "limit", 100, MAX_LOG), before)


def _viewed(
    make: Callable[[queries.View, Mapping[str, str]], Asked],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        def asked() -> Asked:
            return make(queries.read_view(request.query, time.time()), request.query)

        return await _answered(request, asked)

    return handle


async def _answered(request: web.Request, asked: Callable[[], Asked]) -> web.Response:
    analytics: Analytics = request.app[ANALYTICS]()
    if analytics.store is None:
        return _json({"error": "there is no event store: events.store is none"}, 503)
    try:
        query = asked()
        return _shown(query, await analytics.store.ask(query, ANSWER_SECONDS))
    except QueryError as error:
        return _json({"error": str(error)}, 400)
    except StoreUnavailable as error:
        return _json({"error": str(error)}, 503)


def _shown(query: Asked, answer: Answer) -> web.Response:
    since, until = query.span
    return _json(
        {
            "since": since / 1e6,
            "until": until / 1e6,
            "columns": answer.names,
            "rows": answer.rows,
            "approximate": answer.approximate or None,
            "source": answer.source,
        }
    )


async def _one(request: web.Request) -> web.Response:
    found = await _known(request)
    return found if isinstance(found, web.Response) else _json(found)


async def _why(request: web.Request) -> web.Response:
    found = await _known(request)
    if isinstance(found, web.Response):
        return found
    analytics: Analytics = request.app[ANALYTICS]()
    return _json(await asyncio.to_thread(explained, found, analytics.data, analytics.model))


async def _known(request: web.Request) -> dict[str, Any] | web.Response:
    """The event of the ray that is asked for, or what to answer where there is none."""
    analytics: Analytics = request.app[ANALYTICS]()
    if analytics.store is None:
        return _json({"error": "there is no event store: events.store is none"}, 503)
    try:
        answer = await analytics.store.ask(queries.one(request.match_info["ray"], time.time()), ANSWER_SECONDS)
    except QueryError as error:
        return _json({"error": str(error)}, 400)
    except StoreUnavailable as error:
        return _json({"error": str(error)}, 503)
    if not answer.rows:
        return _json({"error": "no stored request has this ray"}, 404)
    return dict(answer.records()[0])


async def _status(request: web.Request) -> web.Response:
    analytics: Analytics = request.app[ANALYTICS]()
    status = None if analytics.store is None else analytics.store.status()._asdict()
    # A log export is of all sites.
    whole = analytics.exports is not None and operator_of(request).zones is None
    exports = analytics.exports() if whole and analytics.exports is not None else []
    return _json({"store": status, "zones": analytics.zones, "store_age": analytics.seconds, "exports": exports})


async def _fields(_request: web.Request) -> web.Response:
    fields = {name: field.kind.value for name, field in FIELDS.items() if not field.match}
    return _json({"fields": fields, "series": queries.SERIES, "tops": queries.TOPS})


def _address(text: object) -> str:
    """A client address as events have it. Raises QueryError."""
    try:
        address = ip_address(text if isinstance(text, str) else "")
    except ValueError:
        raise QueryError("ip is one address, such as 203.0.113.7") from None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


async def _export(request: web.Request) -> web.StreamResponse:
    """Everything that the store has of one address, a JSON line for each request, oldest first."""
    analytics: Analytics = request.app[ANALYTICS]()
    source = request.query.get("from", "store")
    if source == "store" and analytics.store is None:
        return _json({"error": "there is no event store: events.store is none"}, 503)
    response: web.StreamResponse | None = None
    try:
        address = _address(request.query.get("ip"))
        if source != "store":
            return await _export_lines(request, analytics, address, source)
        forms = analytics.persons.forms(address) if analytics.persons is not None else (address,)
        for at in range(0, len(forms), MAX_FORMS):
            after = -1
            while True:
                query = queries.of_address(forms[at : at + MAX_FORMS], after, time.time())
                assert analytics.store is not None
                answer = await analytics.store.ask(query, ANSWER_SECONDS)
                if response is None:
                    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
                    await response.prepare(request)
                for record in answer.records():
                    await response.write(orjson.dumps(record) + b"\n")
                    after = record["sequence"]
                if len(answer.rows) < query.limit:
                    break
    except (QueryError, StoreUnavailable) as error:
        if response is None:
            return _json({"error": str(error)}, 400 if isinstance(error, QueryError) else 503)
        raise  # a list that ends too early must not look whole
    assert response is not None
    await response.write_eof()
    return response


async def _export_lines(request: web.Request, analytics: Analytics, address: str, source: str) -> web.StreamResponse:
    """What other places have of one address, as it stands there."""
    if source not in get_args(Source):
        raise QueryError(f"from is store, {', '.join(get_args(Source))}")
    found = analytics.persons.lines(address, source) if analytics.persons is not None else iter(())  # type: ignore[arg-type]
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await response.prepare(request)
    while some := await asyncio.to_thread(lambda: b"".join(islice(found, 100))):
        await response.write(some)
    await response.write_eof()
    return response


async def _forget(request: web.Request) -> web.Response:
    analytics: Analytics = request.app[ANALYTICS]()
    try:
        given = orjson.loads(await request.read())
        if not isinstance(given, dict) or given.keys() != {"ip"}:
            raise QueryError('send {"ip": "203.0.113.7"}')
        address = _address(given["ip"])
        if analytics.persons is not None:
            said = await analytics.persons.forget(address)
        elif analytics.store is not None:
            said = {"forgotten": await analytics.store.forget(address)}
        else:
            return _json({"error": "there is no event store: events.store is none"}, 503)
    except (QueryError, orjson.JSONDecodeError) as error:
        return _json({"error": str(error)}, 422)
    except StoreUnavailable as error:
        return _json({"error": str(error)}, 503)
    except OSError as error:
        return _json({"error": f"not everything was forgotten: {error.strerror or error}"}, 503)
    _logger.warning("an address was forgotten", extra={"fields": {"events": said["forgotten"]}})
    await noted(request, "forget", what=f"{said['forgotten']} events of one address")
    return _json(said)
