"""An operator of some zones sees of a person what was recorded there, and takes nothing out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from botproxy.admin.operator import Operator
from botproxy.admin.zoned import ZonedPersons
from botproxy.store.events import QueryError

SHOP, BLOG = b'{"ZoneName":"shop","ClientIP":"192.0.2.1"}\n', b'{"ZoneName":"blog","ClientIP":"192.0.2.1"}\n'


class Everything:
    def forms(self, address: str) -> tuple[str, ...]:
        return (address,)

    def lines(self, _address: str) -> Iterator[bytes]:
        yield from (SHOP, BLOG, b"no event\n")

    async def forget(self, _address: str) -> dict[str, Any]:
        raise AssertionError


async def test_only_lines_of_their_zones_and_nothing_is_forgotten() -> None:
    persons = ZonedPersons(Everything(), Operator("ann", "operator", frozenset({"shop"})))
    assert list(persons.lines("192.0.2.1")) == [SHOP]
    with pytest.raises(QueryError, match="operators of all"):
        await persons.forget("192.0.2.1")
