"""Answers of our own that say no: a small page for a navigation, JSON for anything else, the ray id in both."""

from __future__ import annotations

from typing import Final

import orjson

from botproxy.challenges import CODES, Pages, readable, refusal_page
from botproxy.model import Headers, Request

RETRY_AFTER: Final = 5
"""Seconds that a 503 asks for."""

_TITLES: Final[dict[int, tuple[str, str]]] = {
    400: ("Bad request", "The request could not be understood."),
    403: ("Access denied", "This request was stopped by the site's rules."),
    404: ("Not found", "There is nothing at this address."),
    405: ("Method not allowed", "This address does not answer to that method."),
    408: ("Request timeout", "The request took too long to arrive."),
    413: ("Content too large", "The request is larger than this site accepts."),
    414: ("URI too long", "The address is longer than this site accepts."),
    417: ("Expectation failed", "The request expects something that this site does not offer."),
    421: ("Misdirected request", "This server does not answer for that host name."),
    429: ("Too many requests", "Please wait a little and try again."),
    431: ("Request header fields too large", "The request headers are larger than this site accepts."),
    500: ("Internal error", "Something went wrong here. Please try again."),
    501: ("Not implemented", "This server does not offer that."),
    502: ("Bad gateway", "The site's server did not give a valid answer."),
    503: ("Service unavailable", "The site is busy. Please try again in a moment."),
    504: ("Gateway timeout", "The site's server did not answer in time."),
    505: ("HTTP version not supported", "This server speaks HTTP/1.0 and HTTP/1.1."),
    508: ("Loop detected", "The request came back to a server that had already seen it."),
}
_OTHER: Final = ("Request refused", "The request could not be served.")

_NO_HEADERS: Final = Headers(())
_PLAIN: Final = Pages()


def is_navigation(method: bytes, headers: Headers) -> bool:
    """Whether a browser will show the answer as a page; anything in doubt is no navigation and gets JSON.

    `Sec-Fetch-Mode` and `Sec-Fetch-Dest` decide when the browser sends them (Fetch metadata, W3C). Without them, as
    over plain http and from old browsers: GET, HEAD or POST whose Accept names text/html, unless `X-Requested-With`
    says that a script asked, Accept names a feed as well, or the connection is to become a WebSocket.
    """
    mode = headers.first(b"sec-fetch-mode")
    destination = headers.first(b"sec-fetch-dest")
    if mode is not None or destination is not None:
        return mode in (None, b"navigate") and destination in (None, b"document", b"iframe", b"frame", b"fencedframe")
    if method not in (b"GET", b"HEAD", b"POST") or b"x-requested-with" in headers.index or b"upgrade" in headers.index:
        return False
    accept = headers.first(b"accept")
    if accept is None:
        return False
    said = accept[:1024].lower()
    return b"text/html" in said and b"application/rss+xml" not in said and b"application/atom+xml" not in said


def is_preflight(request: Request) -> bool:
    """Whether a browser asks beforehand if a page of another origin may send what it wants to (Fetch, CORS-preflight).

    Browsers send it without cookies, and take any answer but a good one for a no.
    """
    index = request.headers.index
    return request.method == b"OPTIONS" and b"origin" in index and b"access-control-request-method" in index


def refuse(
    status: int,
    ray: str,
    navigation: bool,
    title: str = "",
    sentence: str = "",
    *,
    pages: Pages = _PLAIN,
    headers: Headers = _NO_HEADERS,
    host: str = "",
    now: float = 0.0,
    by_rule: bool = False,
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of an answer with this status. `ray` is shown as given (with its location label).

    `title` and `sentence` replace the usual words; both are public and escaped. A page speaks the language that
    `headers` ask for, and `now`, seconds since the epoch, is when. `by_rule` says that a rule of the site decided so.
    The caller adds Date, Content-Length, Connection and Cf-Ray.
    """
    answer = [(b"Cache-Control", b"private, no-store")]
    if navigation:
        answer.append((b"Content-Type", b"text/html; charset=utf-8"))
        answer.append((b"Content-Security-Policy", pages.policy()))
        answer.append((b"Referrer-Policy", b"same-origin"))
        body = refusal_page(
            pages,
            status=status,
            ray=ray,
            headers=headers,
            host=host,
            now=now,
            by_rule=by_rule,
            title=title,
            sentence=sentence,
        )
    else:
        usual_title, usual_sentence = _TITLES.get(status, _OTHER)
        error: dict[str, object] = {
            "status": status,
            "title": title or usual_title,
            "message": sentence or usual_sentence,
            "ray": ray,
        }
        if by_rule and status in CODES:
            error["code"] = int(CODES[status])
        answer.append((b"Content-Type", b"application/json"))
        answer.extend(readable(headers))
        body = orjson.dumps({"error": error})
    answer.append((b"X-Content-Type-Options", b"nosniff"))
    if status == 503:
        answer.append((b"Retry-After", b"%d" % RETRY_AFTER))
    return answer, body
