"""The GraphQL endpoint over a store with events that are known one by one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "store" / "events"))

from known import CROWD, NOW

from botproxy.admin.analytics import Analytics
from botproxy.admin.graphql import execution
from botproxy.admin.graphql.execution import answer
from botproxy.admin.graphql.resolving import Session
from botproxy.store.duckdb.backend import DuckdbStore
from botproxy.store.events import Retention

Ask = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="session")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the crowd in it."""
    file = tmp_path_factory.mktemp("graphql") / "events.duckdb"
    store = _opened(file)
    store.put([tuple(each) for each in CROWD])
    asyncio.run(store.flush())
    store.close(10)
    return file


def _opened(file: Path) -> DuckdbStore:
    return DuckdbStore(file, Retention(30 * 86400.0, 400 * 86400.0, 0), clock=lambda: NOW)


@pytest.fixture
async def analytics(path: Path) -> AsyncIterator[Analytics]:
    """The crowd, in two zones."""
    store = _opened(path)
    yield Analytics(store, ("shop", "blog"), 30 * 86400.0)
    await asyncio.to_thread(store.close, 10)


@pytest.fixture
def whole(analytics: Analytics, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Asks, and wants no error: all that the viewer sees."""
    monkeypatch.setattr(execution, "Session", lambda analytics: Session(analytics, NOW))

    async def asked(query: str, **variables: Any) -> Any:
        reply = await answer(analytics, {"query": query, "variables": variables})
        assert reply.body["errors"] is None, reply.body
        assert reply.status == 200
        return reply.body["data"]["viewer"]

    return asked


@pytest.fixture
def ask(whole: Ask) -> Ask:
    """Asks, and wants no error: the zones."""

    async def asked(query: str, **variables: Any) -> Any:
        return (await whole(query, **variables))["zones"]

    return asked


@pytest.fixture
def refused(analytics: Analytics, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Asks, and wants an error: status and texts."""
    monkeypatch.setattr(execution, "Session", lambda analytics: Session(analytics, NOW))

    async def asked(query: str, **variables: Any) -> Any:
        reply = await answer(analytics, {"query": query, "variables": variables})
        assert reply.body["data"] is None
        assert all(error["extensions"]["timestamp"].endswith("Z") for error in reply.body["errors"])
        return reply.status, [error["message"] for error in reply.body["errors"]]

    return asked
