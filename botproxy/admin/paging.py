"""Which of many things are asked for: how many, after how many of the newest, and those with some words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from botproxy.errors import OperatorError

MAX_OFFSET: Final = 1_000_000
MAX_WORDS: Final = 200
"""Characters that are looked for."""


class Page(NamedTuple):
    """A part of what there is, the newest first."""

    limit: int
    offset: int = 0
    find: str = ""

    def finds(self, row: Mapping[str, Any], names: Iterable[str]) -> bool:
        """Whether one of these of its values has the words, in capitals or not."""
        if not self.find:
            return True
        words = self.find.casefold()
        return any(words in str(row.get(name) or "").casefold() for name in names)


def page_of(query: Mapping[str, str], limit: int, most: int) -> Page:
    """What `limit`, `offset` and `find` of a query say. Raises OperatorError."""
    find = query.get("find", "").strip()
    if len(find) > MAX_WORDS:
        raise OperatorError(f"find has at most {MAX_WORDS} characters")
    return Page(_number(query, "limit", limit, 1, most), _number(query, "offset", 0, 0, MAX_OFFSET), find)


def _number(query: Mapping[str, str], name: str, usual: int, least: int, most: int) -> int:
    text = query.get(name, str(usual))
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or not least <= int(text) <= most:
        raise OperatorError(f"{name} is a whole number from {least} to {most}")
    return int(text)
