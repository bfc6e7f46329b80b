"""What a hook is given and what it may return, after the `Request` and `Response` of Workers.

This file needs nothing but the standard library, so that a hook process is small and starts at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, final

from botproxy.hooks import permitted
from botproxy.hooks.permitted import Forbidden, Item

HeaderValue = str | Sequence[str] | None
HeaderMap = Mapping[str, HeaderValue]


@final
class Headers:
    """Headers of a request; names in any case. One byte of a value is one character (latin-1)."""

    __slots__ = ("_index", "_items")

    def __init__(self, items: Sequence[Sequence[str]]) -> None:
        self._items: Final = tuple((name, value) for name, value in items)
        index: dict[str, list[str]] = {}
        for name, value in self._items:
            index.setdefault(name.lower(), []).append(value)
        self._index: Final = index

    def get(self, name: str, default: str | None = None) -> str | None:
        """The value, several of them joined with a comma (cookies: with a semicolon), as in Workers."""
        values = self._index.get(name.lower())
        if values is None:
            return default
        return ("; " if name.lower() == "cookie" else ", ").join(values)

    def get_all(self, name: str) -> list[str]:
        """Every value, in order."""
        return list(self._index.get(name.lower(), ()))

    def items(self) -> tuple[tuple[str, str], ...]:
        """Every header as it came, names as they were spelled."""
        return self._items

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._index

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        return f"Headers({list(self._items)!r})"


@final
class Cf(dict[str, Any]):
    """`request.cf` and what is below it: a dictionary whose keys are attributes too, `cf.botManagement.score`.

    A key that is not there is None as an attribute, as `undefined` is in Workers.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Cf:
        """The same, with everything below it."""
        return cls({name: cls.of(value) if isinstance(value, Mapping) else value for name, value in values.items()})


@final
class Request:
    """One request, as rules and origin see it."""

    __slots__ = ("cf", "headers", "method", "url")

    def __init__(
        self,
        url: str,
        method: str = "GET",
        headers: Sequence[Sequence[str]] = (),
        cf: Mapping[str, Any] | None = None,
    ) -> None:
        self.url: Final = url
        self.method: Final = method
        self.headers: Final = Headers(headers)
        self.cf: Final = Cf.of(cf or {})

    def __repr__(self) -> str:
        return f"Request({self.method} {self.url})"


@final
class Response:
    """An answer to the visitor; the origin is not asked.

    A `str` as body is sent as UTF-8, with `text/plain` when no content type is given.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(self, body: str | bytes = b"", status: int = 200, headers: HeaderMap | None = None) -> None:
        """Raises ValueError for what a hook may not answer."""
        self.status: Final = permitted.check_status(status)
        items = _items(headers)
        if isinstance(body, str):
            if all(permitted.folded(name) != "content-type" for name, _ in items):
                items = (("content-type", ("text/plain;charset=UTF-8",)), *items)
            body = body.encode()
        if not isinstance(body, bytes):
            raise Forbidden(f"a body is text or bytes, not {type(body).__name__}")
        permitted.check_answer_headers(items)
        self.body: Final = body
        self.headers: Final = items

    @classmethod
    def json(cls, value: object, status: int = 200, headers: HeaderMap | None = None) -> Response:
        """The value as JSON."""
        return cls(json.dumps(value).encode(), status, {"content-type": "application/json", **(headers or {})})

    @classmethod
    def redirect(cls, url: str, status: int = 302) -> Response:
        """Elsewhere."""
        return cls(b"", status, {"location": url})


@final
class Forward:
    """The request goes on to the origin, with headers changed on the way there or on the way back.

    A value sets the header in place of whatever was there, a list of values sets several, None takes it away.
    `set-cookie` of a response is added to the origin's cookies, for each of them has a name of its own.
    """

    __slots__ = ("request_headers", "response_headers")

    def __init__(self, request_headers: HeaderMap | None = None, response_headers: HeaderMap | None = None) -> None:
        """Raises ValueError for headers that a hook may not change."""
        self.request_headers: Final = _items(request_headers)
        self.response_headers: Final = _items(response_headers)
        permitted.check_request_headers(self.request_headers)
        permitted.check_response_headers(self.response_headers)


Returned = Response | Forward | None
"""What a hook returns; None is to go on as if it had not been asked."""


def _items(headers: HeaderMap | None) -> tuple[Item, ...]:
    if headers is None:
        return ()
    if not isinstance(headers, Mapping):
        raise Forbidden(f"headers are a dictionary, not {type(headers).__name__}")
    return tuple((_text(name), _values(value)) for name, value in headers.items())


def _values(value: HeaderValue) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, Sequence) or isinstance(value, bytes):
        raise Forbidden(f"the value of a header is text, a list of texts or None, not {type(value).__name__}")
    return tuple(map(_text, value))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Forbidden(f"a header is text, not {type(value).__name__}")
    return value
