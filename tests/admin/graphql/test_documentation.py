"""The queries that the page shows run as they stand there."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from made import BASE

from botproxy.admin.graphql.datasets import DATASETS
from botproxy.admin.zones import zone_tag

PAGE = (Path(__file__).parents[3] / "docs" / "analytics.md").read_text("utf-8")
QUERIES = re.findall(r"^```graphql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("query", QUERIES, ids=[query.split("(")[0].split()[-1] for query in QUERIES])
async def test_a_query_of_the_page_finds_something(ask: Callable[..., Awaitable[Any]], query: str) -> None:
    start, end = (datetime.fromtimestamp(BASE / 1e6 + more, UTC).strftime("%FT%TZ") for more in (0, 7200))
    (zone,) = await ask(query, zoneTag=zone_tag("shop"), start=start, end=end)
    assert any(zone.values())


def test_every_dataset_is_named() -> None:
    table = PAGE[PAGE.index("| dataset |") :]
    assert set(re.findall(r"`((?:http|firewall|health)\w+)`", table)) == set(DATASETS)
