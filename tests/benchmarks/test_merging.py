"""The benchmark of merging does what workers and nodes do."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks import merging


def test_between_workers_all_is_told_of_few_callers() -> None:
    cost = asyncio.run(merging.between_workers(20, 400))
    records = 2 * 20 * 204  # of addresses and sessions; networks and counters come to that
    assert cost.bytes > records / merging.TICK
    assert cost.teller > 0.0
    assert cost.between > 0.0
    assert cost.left == 0


def test_between_nodes_a_server_is_told(redis_server: Any) -> None:
    port = int(redis_server.url.rpartition(":")[2].partition("/")[0])
    cost = asyncio.run(merging.between_nodes(20, 400, port))
    assert cost.bytes > 1000.0
    assert cost.left == 0
