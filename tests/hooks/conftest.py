"""Hooks as operators write them: files in a directory, run in real processes."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from textwrap import dedent
from typing import Any, final

import pytest
import pytest_asyncio
import uvloop

from botproxy.hooks.pool import Hook
from botproxy.hooks.replies import Reply
from botproxy.hooks.settings import Settings
from botproxy.model import Facts

from ..rules.conftest import FactsMaker, make_facts

__all__ = ["FactsMaker", "Running", "make_facts", "until"]

PATIENT = 10.0
"""Seconds that a hook may take where its time is not what is tested: this machine may be busy."""


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that workers run on."""
    return {"uvloop": uvloop.new_event_loop}


async def until(done: Callable[[], Any], seconds: float = 10.0) -> Any:
    """The first true answer of `done`."""
    async with asyncio.timeout(seconds):
        while not (answer := done()):  # noqa: ASYNC110 - processes tell nobody
            await asyncio.sleep(0.005)
        return answer


def alive(process: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(process: int) -> bool:
    """Whether it ended and was reaped."""
    return not Path(f"/proc/{process}").exists()


@final
class Running:
    """A hook that runs, and what was counted of it."""

    def __init__(self, settings: Settings) -> None:
        self.counts: Counter[str] = Counter()
        self.hook = Hook("shop", settings, "BOT", lambda result: self.counts.update([result]))

    def asked(self, facts: Facts) -> asyncio.Future[Reply]:
        """Ask now; the reply when it is here."""
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.hook.ask(facts, reply.set_result)
        return reply

    async def ask(self, facts: Facts) -> Reply:
        """Ask and wait."""
        return await asyncio.wait_for(self.asked(facts), 20)


Write = Callable[..., Settings]
Run = Callable[..., Awaitable[Running]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """`write(code)` makes `shop_hook.py` of this code, and settings for its function `decide`."""

    def make(code: str, **settings: Any) -> Settings:
        directory = tmp_path / "hooks"
        directory.mkdir(exist_ok=True)
        (directory / "shop_hook.py").write_text(dedent(code))
        given = {"module": "shop_hook:decide", "directory": directory, "timeout": PATIENT, "processes": 1, **settings}
        return Settings(**given)

    return make


@pytest_asyncio.fixture
async def run(write: Write, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Run]:
    """`await run(code)` starts it; its processes end with the test."""
    monkeypatch.setitem(os.environ, "PYTHONDONTWRITEBYTECODE", "1")
    begun: list[Running] = []

    async def begin(code: str, **settings: Any) -> Running:
        running = Running(write(code, **settings))
        begun.append(running)
        await running.hook.start()
        return running

    yield begin
    for running in begun:
        processes = running.hook.processes()
        await running.hook.close()
        for process in processes:
            await until(partial(gone, process))
