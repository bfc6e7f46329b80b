"""The application behind the admin listener: thin handlers over what the supervisor offers."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ConfigDict, ValidationError

from botproxy.admin import client_v4, dashboard, imports, offers, rest, simulate
from botproxy.admin.access import Access, of_token
from botproxy.admin.analytics import ANALYTICS, Analytics
from botproxy.admin.auditing import noted
from botproxy.admin.guard import guard
from botproxy.admin.misread import misread
from botproxy.admin.operator import NotYoursError, may_change, operator_of
from botproxy.admin.zoned import limited
from botproxy.errors import OperatorError
from botproxy.schema import Section

MAX_BODY = 1024 * 1024
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECURITY = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class UnknownZoneError(LookupError):
    """There is no zone of this name."""


class Control(Protocol):
    """What operators may ask of the supervisor. Every answer is ready for JSON."""

    def health(self) -> dict[str, Any]:
        """State of the whole; `status` is `ok`, `degraded` or `draining`."""
        ...

    def modes(self) -> dict[str, Any]:
        """The modes that hold, and which of them were switched."""
        ...

    async def switch(self, mode: str | None, zone: str | None) -> dict[str, Any]:
        """Switch a mode, or go back to the configuration's with None. UnknownZoneError for a zone that is not there."""
        ...

    def attacks(self) -> dict[str, Any]:
        """The zones, whether each is under attack, and which of that was switched."""
        ...

    async def switch_attack(self, on: bool | None, zone: str | None) -> dict[str, Any]:
        """Switch under attack, or go back to the configuration with None. UnknownZoneError as `switch`."""
        ...

    def passed_over(self) -> dict[str, Any]:
        """The last pages that did not get the script of JavaScript detections."""
        ...

    def revocations(self) -> dict[str, Any]:
        """The clearances that were taken back."""
        ...

    async def revoke(self, kind: str, value: str) -> dict[str, Any]:
        """Take back clearances. UnknownZoneError as `switch`, OperatorError for a value that is none of its kind."""
        ...

    async def reload(self) -> dict[str, Any]:
        """Load the configuration anew; `ok`, and `problems` when it was not taken."""
        ...

    def metrics(self) -> bytes:
        """The page for Prometheus."""
        ...

    def analytics(self) -> Analytics:
        """The event store of now, and the sites."""
        ...


class ModeRequest(Section):
    """Body of `PUT /api/mode`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    mode: Literal["observe", "enforce"] | None
    """`null` goes back to what the configuration says."""

    zone: str | None = None
    """One zone; left out, everything."""


class AttackRequest(Section):
    """Body of `PUT /api/under-attack`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    under_attack: bool | None
    """`null` goes back to what the configuration says."""

    zone: str | None = None
    """One zone; left out, everything."""


class RevokeRequest(Section):
    """Body of `POST /api/clearance/revoke`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: Literal["ray", "ip", "zone"]
    """What `value` is: the ray of the challenge that was solved, an address or network, or a zone."""

    value: str


CONTROL: web.AppKey[Control] = web.AppKey("control")


def application(
    control: Control, access: Access | str | None, offered: offers.Offers = offers.NOTHING
) -> web.Application:
    """The application; a text is a token for everything, None means a loopback address without one."""
    known = access if isinstance(access, Access) else of_token(access)
    app = web.Application(middlewares=[guard(known), _within_zones], client_max_size=MAX_BODY)
    app[CONTROL] = control
    app[ANALYTICS] = limited(control.analytics)
    rest.add_routes(app)
    client_v4.add_routes(app)
    simulate.add_routes(app)
    imports.add_routes(app)
    offers.add_routes(app, offered)
    app.on_response_prepare.append(_secure)
    dashboard.add_routes(app)
    app.router.add_get("/healthz", _health)
    app.router.add_get("/metrics", _metrics)
    app.router.add_get("/api/operator", _operator)
    app.router.add_get("/api/mode", _modes)
    app.router.add_put("/api/mode", _switch)
    app.router.add_get("/api/under-attack", _attacks)
    app.router.add_put("/api/under-attack", _switch_attack)
    app.router.add_get("/api/clearance/revoke", _revocations)
    app.router.add_post("/api/clearance/revoke", _revoke)
    app.router.add_get("/api/detections/pages", _passed_over)
    app.router.add_post("/api/reload", _reload)
    return app


@web.middleware
async def _within_zones(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except NotYoursError as error:
        return _json({"error": str(error)}, 403)


async def _secure(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _SECURITY.items():
        response.headers.setdefault(name, value)


def _json(value: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value) + b"\n", status=status, content_type="application/json")


async def _health(request: web.Request) -> web.Response:
    health = request.app[CONTROL].health()
    return _json(health, 200 if health["status"] != "draining" else 503)


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(body=request.app[CONTROL].metrics(), headers={"Content-Type": METRICS_TYPE})


async def _operator(request: web.Request) -> web.Response:
    operator = operator_of(request)
    return _json({"name": operator.name, "role": operator.role, "zones": operator.limited})


async def _modes(request: web.Request) -> web.Response:
    return _json(_seen(request, request.app[CONTROL].modes()))


async def _switch(request: web.Request) -> web.Response:
    try:
        wanted = ModeRequest.model_validate_json(await request.read())
    except ValidationError as error:
        return misread(error, '{"mode": "observe" | "enforce" | null, "zone": NAME}')
    may_change(operator_of(request), wanted.zone)
    control = request.app[CONTROL]
    before = control.modes()
    try:
        said = await control.switch(wanted.mode, wanted.zone)
    except UnknownZoneError as error:
        return _json({"error": str(error)}, 404)
    await noted(request, "mode", wanted.zone, _held(before, "mode", wanted.zone), wanted.mode or "configured")
    return _json(_seen(request, said))


async def _attacks(request: web.Request) -> web.Response:
    return _json(_seen(request, request.app[CONTROL].attacks()))


async def _switch_attack(request: web.Request) -> web.Response:
    try:
        wanted = AttackRequest.model_validate_json(await request.read())
    except ValidationError as error:
        return misread(error, '{"under_attack": true | false | null, "zone": NAME}')
    may_change(operator_of(request), wanted.zone)
    control = request.app[CONTROL]
    before = control.attacks()
    try:
        said = await control.switch_attack(wanted.under_attack, wanted.zone)
    except UnknownZoneError as error:
        return _json({"error": str(error)}, 404)
    after = {True: "on", False: "off", None: "configured"}[wanted.under_attack]
    await noted(request, "under attack", wanted.zone, _held(before, "", wanted.zone), after)
    return _json(_seen(request, said))


def _seen(request: web.Request, said: dict[str, Any]) -> dict[str, Any]:
    """What is said of zones, without those that are not the operator's."""
    operator = operator_of(request)
    if operator.zones is None:
        return said
    shown = dict(said)
    for name, value in said.items():
        if name == "zones" and isinstance(value, dict):
            shown[name] = {zone: each for zone, each in value.items() if operator.sees(zone)}
        elif isinstance(value, dict):
            shown[name] = _seen(request, value)
        elif name == "observing":
            shown[name] = list(operator.shown(value))
    return shown


def _held(before: dict[str, Any], whole: str, zone: str | None) -> Any:
    """What held before, for the audit: of the zone, or of the whole."""
    return before.get(whole) if zone is None and whole else before.get("zones", {}).get(zone) if zone else None


async def _passed_over(request: web.Request) -> web.Response:
    operator = operator_of(request)
    return _json({"pages": [row for row in request.app[CONTROL].passed_over()["pages"] if operator.sees(row["zone"])]})


async def _revocations(request: web.Request) -> web.Response:
    said = request.app[CONTROL].revocations()
    operator = operator_of(request)
    if operator.zones is not None:
        shown = [row for row in said["revoked"] if row["kind"] == "zone" and operator.sees(str(row["value"]))]
        said = {**said, "revoked": shown}
    return _json(said)


async def _revoke(request: web.Request) -> web.Response:
    try:
        wanted = RevokeRequest.model_validate_json(await request.read())
    except ValidationError as error:
        return misread(error, '{"kind": "ray" | "ip" | "zone", "value": TEXT}')
    may_change(operator_of(request), wanted.value if wanted.kind == "zone" else None)
    try:
        said = await request.app[CONTROL].revoke(wanted.kind, wanted.value)
    except UnknownZoneError as error:
        return _json({"error": str(error)}, 404)
    except OperatorError as error:
        return _json({"error": str(error)}, 422)
    zone = wanted.value if wanted.kind == "zone" else None
    # An address in the audit would be kept for long.
    await noted(request, "revoke", zone, what=wanted.kind if wanted.kind == "ip" else f"{wanted.kind} {wanted.value}")
    return _json(said)


async def _reload(request: web.Request) -> web.Response:
    result = await request.app[CONTROL].reload()
    if result["ok"]:
        await noted(request, "reload")
    return _json(result, 200 if result["ok"] else 409)
