"""`botproxy mode`, `reload` and `health` against an admin listener that really listens."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from botproxy.admin.analytics import Analytics
from botproxy.admin.application import UnknownZoneError, application
from botproxy.cli import main

TOKEN = "a-token-of-some-length"


class Proxy:
    """Stands in for the supervisor behind the admin listener."""

    def __init__(self) -> None:
        self.status = "ok"
        self.mode = "observe"
        self.zones: dict[str, str] = {"shop": "observe", "blog": "observe"}
        self.problems: list[str] = []
        self.reloads = 0
        self.persisted = True
        self.attacked: dict[str, bool] = {"shop": False, "blog": True}

    def analytics(self) -> Analytics:
        return Analytics(None, tuple(self.zones))

    def health(self) -> dict[str, Any]:
        return {"status": self.status}

    def modes(self) -> dict[str, Any]:
        file = {"mode": "observe", "zones": dict.fromkeys(self.zones)}
        return {"mode": self.mode, "zones": self.zones, "configured": file}

    async def switch(self, mode: str | None, zone: str | None) -> dict[str, Any]:
        if zone is None:
            self.mode = mode or "observe"
            self.zones = dict.fromkeys(self.zones, self.mode)
        elif zone in self.zones:
            self.zones[zone] = mode or "observe"
        else:
            raise UnknownZoneError(f"there is no zone {zone!r}")
        return {**self.modes(), "persisted": self.persisted}

    def attacks(self) -> dict[str, Any]:
        observing = [zone for zone, on in self.attacked.items() if on and self.zones[zone] == "observe"]
        return {
            "zones": self.attacked,
            "configured": {"zones": {"shop": False, "blog": True}},
            "observing": observing,
            "persisted": self.persisted,
        }

    async def switch_attack(self, on: bool | None, zone: str | None) -> dict[str, Any]:
        if zone is not None and zone not in self.attacked:
            raise UnknownZoneError(f"there is no zone {zone!r}")
        for name in self.attacked if zone is None else [zone]:
            self.attacked[name] = on if on is not None else name == "blog"
        return self.attacks()

    async def reload(self) -> dict[str, Any]:
        self.reloads += 1
        return {"ok": not self.problems, "problems": self.problems}

    def metrics(self) -> bytes:
        return b""


class Running:
    """The listener, on a loop in a thread of its own, and the command line that asks it."""

    def __init__(self, app: web.Application) -> None:
        self.loop = asyncio.new_event_loop()
        self.runner = web.AppRunner(app)
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.address = asyncio.run_coroutine_threadsafe(self._start(), self.loop).result(10)

    async def _start(self) -> str:
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        host, port = self.runner.addresses[0][:2]
        return f"{host}:{port}"

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.runner.cleanup(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner(env={"BOTPROXY_ADMIN_TOKEN": None, "BOTPROXY_ADMIN": None} | (env or {})).invoke(main, arguments)


@pytest.fixture
def proxy() -> Proxy:
    return Proxy()


@pytest.fixture
def admin(proxy: Proxy) -> Iterator[str]:
    running = Running(application(proxy, None))
    yield running.address
    running.stop()


@pytest.fixture
def guarded(proxy: Proxy) -> Iterator[str]:
    running = Running(application(proxy, TOKEN))
    yield running.address
    running.stop()


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nobody answers."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{reserved.getsockname()[1]}"


def test_mode_is_shown_and_switched(admin: str, proxy: Proxy) -> None:
    assert run("mode", "--admin", admin).output == "observe\n"
    assert run("mode", "enforce", "--admin", admin).output == ("enforce (switched; the configuration says observe)\n")
    assert proxy.mode == "enforce"


def test_one_zone_is_switched_and_the_difference_shown(admin: str, proxy: Proxy) -> None:
    assert run("mode", "enforce", "--zone", "shop", "--admin", admin).output.startswith("shop: enforce (switched")
    assert proxy.zones == {"shop": "enforce", "blog": "observe"}
    assert run("mode", "--admin", admin).output == (
        "observe\nshop: enforce (switched; the configuration says observe)\n"
    )


def test_a_choice_that_was_not_written_down_is_warned_about(admin: str, proxy: Proxy) -> None:
    proxy.persisted = False
    result = run("mode", "enforce", "--admin", admin)
    assert result.exit_code == 0
    assert "will not outlive a restart" in result.output


@pytest.mark.parametrize("arguments", [["enforce", "--zone", "nowhere"], ["--zone", "nowhere"]])
def test_a_zone_that_is_not_there_is_said_so(admin: str, arguments: list[str]) -> None:
    result = run("mode", *arguments, "--admin", admin)
    assert result.exit_code == 1
    assert "no zone" in result.output


def test_reload_prints_what_is_wrong(admin: str, proxy: Proxy) -> None:
    assert run("reload", "--admin", admin).exit_code == 0
    proxy.problems = ["botproxy.yaml:1:7: `enforc` cannot be `mode`"]
    result = run("reload", "--admin", admin)
    assert result.exit_code == 1
    assert proxy.problems[0] in result.output
    assert "goes on" in result.output


def test_health_is_an_exit_code(admin: str, proxy: Proxy) -> None:
    assert run("health", "--admin", admin).exit_code == 0
    proxy.status = "draining"
    assert run("health", "--admin", admin).exit_code == 1


def test_health_of_nobody_is_bad(nobody: str) -> None:
    assert run("health", "--admin", nobody).exit_code == 1
    assert run("health", "--quiet", "--admin", nobody).output == ""


@pytest.mark.parametrize("command", ["mode", "reload", "health"])
def test_when_nothing_runs_that_is_said(nobody: str, command: str) -> None:
    result = run(command, "--admin", nobody)
    assert result.exit_code == 1
    assert f"no proxy answers at {nobody}" in result.output


def test_the_token_is_asked_for_and_given(guarded: str, tmp_path: Path) -> None:
    assert "--token-file" in run("mode", "--admin", guarded).output
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    assert run("mode", "--admin", guarded, "--token-file", str(file)).exit_code == 0
    assert run("mode", "--admin", guarded, env={"BOTPROXY_ADMIN_TOKEN": TOKEN}).exit_code == 0
    assert run("health", "--admin", guarded).exit_code == 0


def test_something_else_at_the_address_is_told_apart() -> None:
    async def other(_request: web.Request) -> web.Response:
        return web.Response(text="<h1>hello</h1>", content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", other)
    running = Running(app)
    try:
        result = run("mode", "--admin", running.address)
    finally:
        running.stop()
    assert result.exit_code == 1
    assert "not the admin listener" in result.output


def test_an_address_without_a_host_is_this_machine(admin: str) -> None:
    assert run("mode", "--admin", ":" + admin.rpartition(":")[2]).exit_code == 0


def test_the_environments_proxy_is_not_asked(admin: str) -> None:
    assert run("mode", "--admin", admin, env={"http_proxy": "http://127.0.0.1:1"}).exit_code == 0


def test_an_address_that_is_none_is_a_usage_error() -> None:
    assert run("mode", "--admin", "http://127.0.0.1:9090/").exit_code == 2


def test_under_attack_is_shown_and_switched(admin: str, proxy: Proxy) -> None:
    proxy.zones = dict.fromkeys(proxy.zones, "enforce")
    assert run("under-attack", "--admin", admin).output == "blog: on\nshop: off\n"
    assert run("under-attack", "on", "--admin", admin).output == "blog: on\nshop: on (switched)\n"
    assert run("under-attack", "off", "--zone", "blog", "--admin", admin).output == "blog: off (switched)\n"
    assert proxy.attacked == {"shop": True, "blog": False}
    assert run("under-attack", "configured", "--admin", admin).output == "blog: on\nshop: off\n"
    assert run("under-attack", "--zone", "shop", "--admin", admin).output == "shop: off\n"


def test_under_attack_says_when_nobody_is_challenged_all_the_same(admin: str, proxy: Proxy) -> None:
    proxy.persisted = False
    result = run("under-attack", "on", "--admin", admin)
    assert result.exit_code == 0
    assert "nobody is challenged in blog, shop, which only observes: botproxy mode enforce" in result.stderr
    assert "will not outlive a restart" in result.stderr


@pytest.mark.parametrize("arguments", [["maybe"], ["on", "--zone", "nowhere"], ["--zone", "nowhere"]])
def test_an_attack_that_cannot_be_switched_is_an_error(admin: str, arguments: list[str]) -> None:
    assert run("under-attack", *arguments, "--admin", admin).exit_code != 0
