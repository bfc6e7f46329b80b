"""Keeps published lists: fetched on schedule, on disk with date and source, and told to whoever is interested.

A fetch that fails changes nothing but the log; a list that grew stale is said to be so once a day.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, final

from botproxy.bots.directory import PublishedList
from botproxy.bots.published import Fetched, ListError, Network, parse_published, read_lists, write_list
from botproxy.bots.settings import ListFetchSettings
from botproxy.bots.verifying.guarded import Fetcher, FetchError, Say

FIRST_SECONDS: Final = 60.0
"""Before the first fetch, so that a proxy that is only tried out asks nobody."""

_REDIRECTS: Final = 3
_SAID_AGAIN: Final = 86400.0
_NAMED: Final = 5


@final
class ListKeeper:
    """Fetches the lists of a directory one after the other. `on_list` hears of every list that is new."""

    def __init__(
        self,
        lists: Iterable[PublishedList],
        directory: Path,
        fetcher: Fetcher,
        settings: ListFetchSettings,
        on_list: Callable[[Fetched], None],
        say: Say,
        clock: Callable[[], float] = time.time,
        first_seconds: float = FIRST_SECONDS,
    ) -> None:
        """`directory` is where lists are kept; those that are there are taken up at once."""
        self._lists: Final = {each.name: each for each in lists}
        self._directory: Final = directory
        self._fetcher: Final = fetcher
        self._settings: Final = settings
        self._on_list: Final = on_list
        self._say: Final = say
        self._clock: Final = clock
        self._first: Final = first_seconds
        self.known: Final[dict[str, Fetched]] = read_lists(directory, self._lists)
        self._due: Final = {
            name: self.known[name].fetched + settings.every if name in self.known else 0.0 for name in self._lists
        }
        self._told: Final[dict[str, float]] = {}
        self._task: asyncio.Task[None] | None = None
        self._fetching: Final = asyncio.Lock()  # two that keep the same list at once take each other's draft away

    def start(self) -> None:
        """Begin to fetch, on the running loop."""
        if self._settings.fetch and self._lists and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def refresh(self, name: str) -> Fetched:
        """Fetch one list now. Raises `FetchError`, `ListError`, and OSError when it cannot be kept."""
        wanted = self._lists[name]
        async with self._fetching:
            networks: dict[Network, None] = {}
            for url in wanted.urls:
                answer = await self._fetcher.get(
                    url, size=self._settings.size, seconds=self._settings.timeout, redirects=_REDIRECTS
                )
                networks |= dict.fromkeys(await asyncio.to_thread(parse_published, answer.body, wanted))
            fetched = Fetched(name, wanted.urls, self._clock(), tuple(networks))
            self.known[name] = fetched
            self._due[name] = fetched.fetched + self._settings.every
            self._on_list(fetched)
            await asyncio.to_thread(write_list, self._directory, fetched)
            return fetched

    async def round(self) -> None:
        """Fetch every list that is due, one after the other, and tell of those that could not be had."""
        now = self._clock()
        failed: dict[str, Exception] = {}
        for name in [name for name, due in self._due.items() if due <= now]:
            try:
                await self.refresh(name)
            except (FetchError, ListError, OSError) as error:
                self._due[name] = self._clock() + self._settings.every / 10
                failed[name] = error
        self._complain(failed)

    async def _run(self) -> None:
        await asyncio.sleep(self._first)
        while True:
            await self.round()
            # A little apart from all others in the world who started on the hour.
            wait = min(self._due.values()) - self._clock()
            await asyncio.sleep(max(1.0, min(wait, 3600.0)) * random.uniform(1.0, 1.1))  # noqa: S311

    def _complain(self, failed: Mapping[str, Exception]) -> None:
        """Once a day for each list, and in one breath: somebody who is offline does not need to read it every time."""
        now = self._clock()
        for what, names in self._sorted(failed).items():
            new = [name for name in names if now - self._told.get(name, 0.0) >= _SAID_AGAIN]
            if not new:
                continue
            self._told.update(dict.fromkeys(new, now))
            about = {"lists": ",".join(new[:_NAMED]), "number": str(len(new)), "error": str(failed[new[0]])}
            known = self.known.get(new[0])
            if known is not None:
                about["age"] = f"{(now - known.fetched) / 3600:.0f}h"
            self._say(what, about)

    def _sorted(self, failed: Iterable[str]) -> dict[str, list[str]]:
        """The names by what is to be said of them."""
        found: dict[str, list[str]] = {}
        for name in failed:
            known = self.known.get(name)
            if known is None:
                what = "lists were never fetched"
            elif self._clock() - known.fetched > self._settings.stale_after:
                what = "lists are stale: they verify, and refuse nobody"
            else:
                what = "lists could not be fetched again"
            found.setdefault(what, []).append(name)
        return found
