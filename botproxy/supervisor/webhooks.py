"""Posts what operators are to know to addresses of theirs: with retries, in order, and never more than so much."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, final
from urllib.parse import urlsplit

import aiohttp
import orjson

from botproxy.outgoing import DIRECT, Outgoing, said
from botproxy.telemetry import log
from botproxy.telemetry.alert_settings import WebhookSettings

MAX_WAITING: Final = 100
SECONDS: Final = 10.0
PAUSES: Final = (2.0, 10.0, 60.0)
"""Between the attempts, in seconds."""

MAX_TOKEN: Final = 64 * 1024

_log = logging.getLogger(__name__)


class Hook(NamedTuple):
    """One address, and the headers that go there."""

    url: str
    headers: tuple[tuple[str, str], ...]


def read_hooks(settings: Sequence[WebhookSettings]) -> list[Hook]:
    """The addresses with their tokens. Raises OSError, UnicodeDecodeError for a file that cannot be read."""
    hooks = []
    for each in settings:
        headers = {"Content-Type": "application/json", "User-Agent": "botproxy"}
        if each.token_file is not None:
            headers["Authorization"] = f"Bearer {_token(each.token_file)}"
        hooks.append(Hook(each.url, tuple(headers.items())))
    return hooks


def _token(file: Path) -> str:
    with file.open("rb") as opened:
        return opened.read(MAX_TOKEN).decode("ascii").strip()


@final
class Webhooks:
    """One queue for each address; when one is full its oldest is dropped and counted."""

    def __init__(self, pauses: Sequence[float] = PAUSES) -> None:
        self.sent = 0
        self.lost = 0
        self._pauses: Final = pauses
        self._outgoing = DIRECT
        self._queues: dict[Hook, asyncio.Queue[bytes]] = {}
        self._tasks: dict[Hook, asyncio.Task[None]] = {}

    def configure(self, hooks: Sequence[Hook], outgoing: Outgoing = DIRECT) -> None:
        """Post to these from now on; what waits for others is dropped."""
        self._outgoing = outgoing
        for hook in [hook for hook in self._tasks if hook not in hooks]:
            self._tasks.pop(hook).cancel()
            self.lost += self._queues.pop(hook).qsize()
        for hook in hooks:
            if hook not in self._tasks:
                self._queues[hook] = asyncio.Queue(MAX_WAITING)
                self._tasks[hook] = asyncio.get_running_loop().create_task(self._live(hook, self._queues[hook]))

    def post(self, message: Mapping[str, Any]) -> None:
        """Have it posted to all of them."""
        body = orjson.dumps(message)
        for queue in self._queues.values():
            if queue.full():
                queue.get_nowait()
                self.lost += 1
            queue.put_nowait(body)

    async def end(self) -> None:
        """Stop; what waits is dropped."""
        tasks = list(self._tasks.values())
        self.configure(())
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _live(self, hook: Hook, queue: asyncio.Queue[bytes]) -> None:
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False, auto_decompress=False) as session:
            while True:
                body = await queue.get()
                problem = await self._posted(session, hook, body)
                if problem:
                    self.lost += 1
                    # Of the address its host alone: with chat programs the path is the secret.
                    host = urlsplit(hook.url).hostname
                    _log.error("an alert could not be posted", extra=log.fields(host=host, problem=problem))
                else:
                    self.sent += 1

    async def _posted(self, session: aiohttp.ClientSession, hook: Hook, body: bytes) -> str:
        """Why it could not be posted; "" when it was."""
        problem = ""
        for pause in (*self._pauses, None):
            by: dict[str, Any] = self._outgoing.options(hook.url)
            try:
                # A redirect could lead to a place that only this machine can reach.
                async with session.post(
                    hook.url, data=body, headers=dict(hook.headers), allow_redirects=False, **by
                ) as answer:
                    if answer.status < 300:
                        return ""
                    problem = f"status {answer.status}"
                    if answer.status < 500 and answer.status != 429:
                        return problem
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                problem = said(error) or (str(error) or type(error).__name__).replace(hook.url, "its address")
            except ValueError as error:  # such as a line break within a token
                return type(error).__name__
            if pause is not None:
                await asyncio.sleep(pause)
        return problem
