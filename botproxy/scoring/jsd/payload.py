"""What is inside a report, read with bounds: nothing of it is trusted."""

from __future__ import annotations

from math import isfinite
from typing import Final, NamedTuple

import orjson

from botproxy.scoring.jsd.programs import QUESTIONS
from botproxy.scoring.jsd.work import CHAINS, Answers

_FORMAT: Final = 2
_FIELDS: Final = 17
_SIGNS: Final = 128
_TEXT: Final = 1024
_BRANDS: Final = 8
_LARGEST: Final = 1e7


class Payload(NamedTuple):
    """A report, opened. Text is as the browser's script gave it."""

    signs: frozenset[int]
    engine: str
    agent: str
    platform: str | None  # of the client hints
    mobile: bool | None
    brands: frozenset[tuple[str, str]] | None  # with their versions
    language: str | None
    answers: Answers
    spent: int  # milliseconds of the page's own thread
    longest: int  # of them at a stretch
    worker: bool  # whether a worker answered
    program: int  # the number of the program that was run; -1 for none
    seen: tuple[int, ...]  # what it saw


class _MalformedError(Exception):
    pass


def read(text: bytes) -> Payload | None:
    """The payload, or None for anything that the script would not have written."""
    try:
        return _read(orjson.loads(text))
    except (orjson.JSONDecodeError, _MalformedError):
        return None


def _read(fields: object) -> Payload:
    if not isinstance(fields, list) or len(fields) != _FIELDS or fields[0] != _FORMAT:
        raise _MalformedError
    chains = _list(fields[8], CHAINS)
    if len(chains) != CHAINS:
        raise _MalformedError
    return Payload(
        signs=frozenset(_number(sign) for sign in _list(fields[1], _SIGNS)),
        engine=_text(fields[2]),
        agent=_text(fields[3]),
        platform=None if fields[4] is None else _text(fields[4]),
        mobile=None if fields[5] is None else bool(fields[5]),
        brands=None if fields[6] is None else frozenset(_brand(brand) for brand in _list(fields[6], _BRANDS)),
        language=None if fields[7] is None else _text(fields[7]),
        answers=Answers(
            tuple(_numbers(chain, 4) for chain in chains),
            _numbers(fields[9], 10),
            _numbers(fields[10], 7),
            _numbers(fields[11], 10),
        ),
        spent=_number(fields[12]),
        longest=_number(fields[13]),
        worker=bool(fields[14]),
        program=-1 if fields[15] == -1 else _number(fields[15]),
        seen=tuple(_whole(one) for one in _list(fields[16], QUESTIONS)),
    )


def _list(value: object, most: int) -> list[object]:
    if not isinstance(value, list) or len(value) > most:
        raise _MalformedError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _TEXT:
        raise _MalformedError
    return value


def _brand(value: object) -> tuple[str, str]:
    parts = _list(value, 2)
    if len(parts) != 2:
        raise _MalformedError
    return _text(parts[0]), _text(parts[1])


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value < _LARGEST:
        raise _MalformedError
    return value


def _whole(value: object) -> int:
    if type(value) is not int or abs(value) > _LARGEST:
        raise _MalformedError
    return value


def _numbers(value: object, most: int) -> tuple[float, ...] | None:
    if value is None:
        return None
    found: list[float] = []
    for one in _list(value, most):
        if type(one) not in (int, float):
            raise _MalformedError
        number = float(one)  # type: ignore[arg-type]
        if not isfinite(number) or abs(number) > _LARGEST:
            raise _MalformedError
        found.append(number)
    return tuple(found)
