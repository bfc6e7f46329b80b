"""The pages that say no: blocked by a rule, too many requests, a site that does not answer."""

from __future__ import annotations

from typing import Final

from botproxy.challenges.pages import Pages, html
from botproxy.challenges.reports import Seen
from botproxy.challenges.template import Markup
from botproxy.challenges.words import ENGLISH, Words
from botproxy.model import Headers

_SEEN: Final = {403: Seen.BLOCKED, 429: Seen.LIMITED, 502: Seen.DOWN, 503: Seen.DOWN, 504: Seen.DOWN}

CODES: Final = {403: "1020", 429: "1015"}
"""What the original calls a request that a rule blocked, and one too many; people search for these numbers."""


def refusal_page(
    pages: Pages,
    *,
    status: int,
    ray: str,
    headers: Headers,
    host: str,
    now: float,
    by_rule: bool = False,
    title: str = "",
    sentence: str = "",
) -> bytes:
    """The document. `ray` is shown as given; `title` and `sentence` are said to whoever reads English instead of the
    usual words; `by_rule` says that a rule of the site decided so."""
    words = pages.words(headers)
    heading, explanation = _say(words, status, by_rule)
    if words is ENGLISH:
        heading, explanation = title or heading, sentence or explanation
    code = CODES.get(status, "") if by_rule else ""
    seen = _SEEN.get(status) if by_rule or status >= 500 else None
    content = html(
        '<p class="code">{error} {code}</p>\n{report}',
        error=words.error,
        code=code or str(status),
        report=Markup() if seen is None else pages.report_form(words, seen, ray, now),
    )
    return pages.page(
        words, host=host, heading=heading, explanation=explanation, content=content, ray=ray, status=status
    )


def message_page(pages: Pages, words: Words, *, status: int, heading: str, sentence: str, ray: str, host: str) -> bytes:
    """A page that says one thing, such as that a report was taken."""
    return pages.page(words, host=host, heading=heading, explanation=sentence, content=Markup(), ray=ray, status=status)


def _say(words: Words, status: int, by_rule: bool) -> tuple[str, str]:
    if status == 429:
        return words.limited, words.limited_text
    if by_rule:
        return words.blocked, words.blocked_text
    if status in (404, 421):
        return words.missing, words.missing_text
    if status in (502, 504):
        return words.down, words.down_text
    if status in (500, 503):
        return words.busy, words.busy_text
    return words.refused, words.refused_text
