"""What came of asking a hook, read from what its process sent. Nothing in there is trusted."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from botproxy.hooks import permitted
from botproxy.hooks.permitted import Forbidden, Item, folded

HeaderList = tuple[tuple[bytes, bytes], ...]

PASSED: Final = "passed"
ANSWERED: Final = "answered"
CHANGED: Final = "changed"
RAISED: Final = "raised"
RUBBISH: Final = "rubbish"
SLOW: Final = "slow"
DIED: Final = "died"
QUEUED: Final = "queued"
FULL: Final = "full"
AWAY: Final = "away"

RESULTS: Final = {
    PASSED: "it had nothing to say",
    ANSWERED: "it answered the visitor itself",
    CHANGED: "it changed headers",
    RAISED: "it raised an exception",
    RUBBISH: "what it returned cannot be used",
    SLOW: "it took longer than its timeout and was ended",
    DIED: "its process ended while it was at it",
    QUEUED: "the timeout passed before one of its processes was free",
    FULL: "so many requests waited that there was no room for another",
    AWAY: "no process of it was there",
}
"""Every result, with what it means. All but the first three are failures: the request went on as if there were no
hook."""

FAILURES: Final = frozenset(RESULTS) - {PASSED, ANSWERED, CHANGED}


class Answer(NamedTuple):
    """A hook's own answer to the visitor."""

    status: int
    headers: HeaderList
    body: bytes


class Changes(NamedTuple):
    """Headers to send instead of what was there. Names in `without` are lower-case, with `-` for `_`.

    A header that is set stands in `without` too, `set-cookie` apart, which is added.
    """

    request: HeaderList
    request_without: frozenset[bytes]
    response: HeaderList
    response_without: frozenset[bytes]


class Reply(NamedTuple):
    """What came of asking. `result` is one of RESULTS; `answer` or `changes` is set when it says so."""

    result: str
    answer: Answer | None = None
    changes: Changes | None = None
    detail: str = ""  # of a failure, for the log


def read(message: Any, body: bytes, answer_size: int) -> Reply:
    """The reply in a message of a hook process. Whatever it is, nothing is raised."""
    try:
        match message:
            case {"raised": str(what), "trace": str(trace)}:
                return Reply(RAISED, detail=trace or what)
            case {"rubbish": str(what)}:
                return Reply(RUBBISH, detail=what)
            case {"status": status, "headers": list(items)}:
                return _answer(status, _items(items), body, answer_size)
            case {"changes": [list(request), list(response)]}:
                return _changes(_items(request), _items(response))
            case {"number": _, **rest} if not rest:
                return Reply(PASSED)
    except Forbidden as problem:
        return Reply(RUBBISH, detail=str(problem))
    return Reply(RUBBISH, detail="its process sent something else than a reply")


def _answer(status: object, items: tuple[Item, ...], body: bytes, answer_size: int) -> Reply:
    if len(body) > answer_size:
        raise Forbidden(f"a body of {len(body)} bytes; `answer_size` allows {answer_size}")
    permitted.check_answer_headers(items)
    return Reply(ANSWERED, Answer(permitted.check_status(status), _set(items), body))


def _changes(request: tuple[Item, ...], response: tuple[Item, ...]) -> Reply:
    permitted.check_request_headers(request)
    permitted.check_response_headers(response)
    if not request and not response:
        return Reply(PASSED)
    kept = tuple(item for item in response if not (item[1] and folded(item[0]) == "set-cookie"))
    return Reply(CHANGED, None, Changes(_set(request), _names(request), _set(response), _names(kept)))


def _items(items: list[Any]) -> tuple[Item, ...]:
    if len(items) > permitted.MAX_HEADERS:
        raise Forbidden(f"more than {permitted.MAX_HEADERS} headers")
    found: list[Item] = []
    for item in items:
        match item:
            case [str(name), list(values)] if all(isinstance(value, str) for value in values):
                found.append((name, tuple(values)))
            case _:
                raise Forbidden("headers that are none")
    return tuple(found)


def _set(items: tuple[Item, ...]) -> HeaderList:
    # Checked: every character of a value is one byte.
    return tuple((name.encode("ascii"), value.encode("latin-1")) for name, values in items for value in values)


def _names(items: tuple[Item, ...]) -> frozenset[bytes]:
    return frozenset(folded(name).encode("ascii") for name, _ in items)
