"""`/api/config`: what may be changed on the running proxy, what a change would do, and the versions of all changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import orjson
from aiohttp import web

from botproxy.admin.auditing import noted
from botproxy.admin.operator import Operator, operator_of
from botproxy.errors import OperatorError

PREFIX: Final = "/api/config"


class StaleError(OperatorError):
    """Somebody else made a change in between; `version` is the one that holds."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the configuration is at version {version} by now: look at it, and apply the change to that")
        self.version = version


class ForbiddenError(OperatorError):
    """The operator may not change this."""


class Configuration(Protocol):
    """What the supervisor offers about its configuration. Every answer is ready for JSON.

    Raises OperatorError for a change that cannot be read, StaleError, ForbiddenError, LookupError for a version that
    is not kept.
    """

    async def view(self, operator: Operator) -> dict[str, Any]:
        """Every setting that may be changed, as it is."""
        ...

    async def preview(self, operator: Operator, change: bytes) -> dict[str, Any]:
        """What a change would do: `diff`, `problems`, `warnings`, and the `version` that it is based on."""
        ...

    async def apply(self, operator: Operator, change: bytes) -> dict[str, Any]:
        """Make a change. `ok`, the new `version`, `what`, `zone`; or `ok` false and `problems`, and nothing is
        different."""
        ...

    async def versions(self, operator: Operator) -> dict[str, Any]:
        """All versions that are kept."""
        ...

    async def version(self, operator: Operator, number: int) -> dict[str, Any]:
        """One version: its changes, and what it is different in from the one before."""
        ...

    async def rollback(self, operator: Operator, wanted: bytes) -> dict[str, Any]:
        """Go back to a version, by making a new one that is like it. As `apply`."""
        ...

    async def export(self, operator: Operator) -> dict[str, Any]:
        """The `text` of one file that needs no overlay."""
        ...


CONFIGURATION: Final[web.AppKey[Configuration | None]] = web.AppKey("configuration")

_Asked = Callable[[Configuration, Operator, web.Request], Awaitable[dict[str, Any]]]


def add_routes(app: web.Application) -> None:
    """Add the routes to an application that has `CONFIGURATION` and `AUDIT`."""
    app.router.add_get(PREFIX, _answering(lambda config, operator, _: config.view(operator)))
    app.router.add_post(f"{PREFIX}/preview", _answering(_preview))
    app.router.add_post(f"{PREFIX}/apply", _answering(_apply))
    app.router.add_get(f"{PREFIX}/versions", _answering(lambda config, operator, _: config.versions(operator)))
    app.router.add_get(f"{PREFIX}/versions/{{number:[0-9]{{1,9}}}}", _answering(_version))
    app.router.add_post(f"{PREFIX}/rollback", _answering(_rollback))
    app.router.add_get(f"{PREFIX}/export", _answering(lambda config, operator, _: config.export(operator)))


def _json(value: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value) + b"\n", status=status, content_type="application/json")


def _answering(ask: _Asked) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        configuration = request.app[CONFIGURATION]
        if configuration is None:
            return _json({"error": "there is no configuration to change here"}, 503)
        try:
            said = await ask(configuration, operator_of(request), request)
        except StaleError as error:
            return _json({"error": str(error), "version": error.version}, 409)
        except ForbiddenError as error:
            return _json({"error": str(error)}, 403)
        except OperatorError as error:
            return _json({"error": str(error)}, 422)
        except LookupError as error:
            return _json({"error": str(error.args[0]) if error.args else "not kept"}, 404)
        return _json(said, 200 if said.get("ok", True) else 422)

    return handle


async def _preview(config: Configuration, operator: Operator, request: web.Request) -> dict[str, Any]:
    return await config.preview(operator, await request.read())


async def _apply(config: Configuration, operator: Operator, request: web.Request) -> dict[str, Any]:
    return await _changed(request, "config", await config.apply(operator, await request.read()))


async def _version(config: Configuration, operator: Operator, request: web.Request) -> dict[str, Any]:
    return await config.version(operator, int(request.match_info["number"]))


async def _rollback(config: Configuration, operator: Operator, request: web.Request) -> dict[str, Any]:
    return await _changed(request, "rollback", await config.rollback(operator, await request.read()))


async def _changed(request: web.Request, action: str, said: dict[str, Any]) -> dict[str, Any]:
    if said.get("ok"):
        before, after = said.get("before"), said.get("version")
        await noted(request, action, said.get("zone"), before, after, str(said.get("what", "")))
    return said
