"""What visitors read, in each language: one file a language in `languages/`, and the choice of one for a visitor.

A file is TOML with the same keys as `en.toml`, text alone. Its name is the tag by which it is found, in lower case
(`de`, `pt-br`, `zh-hant`); the tag that pages say is its key `language`.
"""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from typing import Final, NamedTuple

from botproxy.errors import OperatorError


class Words(NamedTuple):
    """The texts of one language, as text: whoever puts them into a page escapes them."""

    language: str
    """As in BCP 47."""
    direction: str
    """`ltr` or `rtl`."""
    heading: str
    explanation: str
    working: str
    slow: str
    done: str
    click: str
    confirm: str
    resend: str
    submit_again: str
    cookies: str
    loop: str
    failed: str
    offline: str
    retry: str
    go_on: str
    noscript: str
    stuck: str
    contact: str
    imprint: str
    report: str
    report_hint: str
    report_note: str
    report_address: str
    report_send: str
    report_thanks: str
    report_stale: str
    report_limited: str
    report_incomplete: str
    blocked: str
    blocked_text: str
    limited: str
    limited_text: str
    missing: str
    missing_text: str
    refused: str
    refused_text: str
    down: str
    down_text: str
    busy: str
    busy_text: str
    error: str
    widget_working: str
    widget_click: str
    widget_done: str
    widget_failed: str
    widget_expired: str


LONGEST: Final = 400
"""Characters of one text, so that the longest language still makes a small page."""


def read(text: str, name: str) -> Words:
    """The words of a file. Raises `OperatorError` with everything that is missing, too much or no text in it."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OperatorError(f"{name}: {error}") from None
    wanted = Words._fields
    faults = [f"`{key}` is missing" for key in wanted if key not in table]
    faults += [f"`{key}` is not asked for" for key in table if key not in wanted]
    for key in wanted:
        value = table.get(key, "-")
        if not isinstance(value, str) or not value.strip() or len(value) > LONGEST:
            faults.append(f"`{key}` is no text of 1 to {LONGEST} characters")
        elif not value.isprintable():
            faults.append(f"`{key}` has a line break or another character that does not print")
    if table.get("direction", "ltr") not in ("ltr", "rtl"):
        faults.append("`direction` is neither ltr nor rtl")
    if faults:
        raise OperatorError(f"{name}: " + "; ".join(faults))
    return Words(**table)


def _shipped() -> dict[str, Words]:
    folder = files(__package__).joinpath("languages")
    return {
        each.name.removesuffix(".toml"): read(each.read_text("utf-8"), each.name)
        for each in sorted(folder.iterdir(), key=lambda each: each.name)
        if each.name.endswith(".toml")
    }


LANGUAGES: Final[dict[str, Words]] = _shipped()
"""By tag, in lower case."""

ENGLISH: Final = LANGUAGES["en"]

_SAME: Final = {"iw": "he", "in": "id", "no": "nb", "cmn": "zh", "yue": "zh"}
"""Tags that some browsers and systems send for a language that has another one."""

_READ: Final = 256
_RANGE: Final = re.compile(
    rb"[ \t]*([A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4})[ \t]*(?:;[ \t]*q=([01](?:\.\d{0,3})?))?[ \t]*\Z"
)


def choose(accept_language: bytes | None, default: Words = ENGLISH) -> Words:
    """The words for the language that a visitor likes best of those we speak, else `default`.

    Of a tag that we do not speak its end is left off until one is found (`de-AT`, then `de`; RFC 4647, section 3.4);
    among languages liked alike the first counts. Reads the first 256 bytes; what is malformed is passed over.
    """
    if not accept_language:
        return default
    parts = accept_language[: _READ + 1].split(b",")
    if len(accept_language) > _READ:
        del parts[-1]  # the one that was cut in two could say something else than was meant
    best, liking = default, 0.0
    for part in parts:
        found = _RANGE.match(part)
        if found is None:
            continue
        quality = 1.0 if found[2] is None else min(float(found[2]), 1.0)
        if quality > liking:
            words = _lookup(found[1].decode("ascii").lower())
            if words is not None:
                best, liking = words, quality
    return best


def _lookup(tag: str) -> Words | None:
    while tag:
        words = LANGUAGES.get(tag) or LANGUAGES.get(_SAME.get(tag, ""))
        if words is not None:
            return words
        tag = tag.rpartition("-")[0]
    return None
