"""A page as a file with placeholders, `{{heading}}`: read once, checked whole, filled by joining pieces.

What fills a placeholder is escaped, unless it is `Markup`, which only this room makes: so no value can become markup,
wherever an operator's template puts it. That holds because a placeholder may stand in text and inside quotes of an
attribute that a browser takes for text, and nowhere else.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from difflib import get_close_matches
from enum import Enum
from hashlib import sha256
from html import escape
from typing import Final, NamedTuple, final

from botproxy.errors import OperatorError

MAX_BYTES: Final = 12 * 1024
"""Of a template, so that a page with the longest words and a logo stays below 30 KB."""


class Markup(str):
    """HTML that this room made, which is not escaped again."""

    __slots__ = ()


class Kind(Enum):
    """Where a placeholder may stand."""

    TEXT = "text"  # in text, and in a quoted attribute
    BLOCK = "block"  # in text alone: it stands for elements


class Placeholder(NamedTuple):
    """One that a template may use."""

    kind: Kind
    required: bool
    meaning: str


class Fault(NamedTuple):
    """One thing that is wrong with a template; line and column count from 1."""

    line: int
    column: int
    what: str
    right: str


class TemplateError(OperatorError):
    """A template that cannot be used, with everything that is wrong with it."""

    def __init__(self, name: str, faults: tuple[Fault, ...]) -> None:
        self.faults: Final = faults
        super().__init__(
            "\n".join(f"{name}:{fault.line}:{fault.column}: {fault.what} — {fault.right}" for fault in faults)
        )


_HOLE: Final = re.compile(r"\{\{[ \t]*([^{}\r\n]{0,60}?)[ \t]*\}\}")
_PIECE: Final = re.compile(
    r"""(?P<comment><!--.*?(?:-->|\Z))
      | (?P<doctype><![^>]*>)
      | (?P<style><style\b(?P<style_tag>[^>]*)>(?P<css>.*?)(?:</style[ \t\n]*>|\Z))
      | (?P<tag></?[A-Za-z](?:[^"'>]|"[^"]*"|'[^']*')*(?:>|\Z))
      | (?P<broken><)
    """,
    re.DOTALL | re.VERBOSE | re.IGNORECASE,
)
_TAG_NAME: Final = re.compile(r"</?([A-Za-z][^\s/>]*)")
_ATTRIBUTE: Final = re.compile(r"""([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
_FORBIDDEN: Final = frozenset(
    ("script", "iframe", "object", "embed", "base", "link", "frame", "frameset", "template", "plaintext", "textarea",
     "title", "xmp", "noembed", "noframes", "svg", "math")
)  # fmt: skip
_ATTRIBUTES_FOR_TEXT: Final = frozenset(("lang", "dir", "alt", "title", "class", "id", "content", "role"))


@final
class Template:
    """A template that was found right. `styles` are the CSP sources of the style elements that stand in it."""

    __slots__ = ("_pieces", "styles")

    def __init__(self, pieces: tuple[tuple[str, str], ...], styles: tuple[str, ...]) -> None:
        """`pieces` are pairs of literal text and the placeholder after it, "" at the end."""
        self._pieces: Final = pieces
        self.styles: Final = styles

    def fill(self, values: Mapping[str, str]) -> str:
        """The page. `values` has every placeholder that there is."""
        parts: list[str] = []
        for literal, name in self._pieces:
            parts.append(literal)
            if name:
                value = values[name]
                parts.append(value if isinstance(value, Markup) else escape(value))
        return "".join(parts)


def style_source(css: str) -> str:
    """The source by which a policy allows exactly this style element (CSP 3, section 2.3.1)."""
    return "'sha256-" + b64encode(sha256(css.encode()).digest()).decode("ascii") + "'"


def compile_template(text: str, placeholders: Mapping[str, Placeholder], name: str) -> Template:
    """Check and cut up a template; `name` is that of its file. Raises `TemplateError` with all its faults."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    faults = _Faults(text)
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        faults.add(
            0, f"is larger than {MAX_BYTES // 1024} KB", "pages are meant to be small: a browser asks for them often"
        )
        raise TemplateError(name, faults.found)
    if "\0" in text:
        faults.add(text.index("\0"), "a zero byte", "text in UTF-8")
    styles, outside = _markup(text, faults)
    pieces: list[tuple[str, str]] = []
    seen: dict[str, int] = {}
    at = 0
    for hole in _HOLE.finditer(text):
        word = hole[1]
        pieces.append((text[at : hole.start()], word))
        at = hole.end()
        known = placeholders.get(word)
        if known is None:
            close = get_close_matches(word, placeholders, 1)
            right = f"did you mean {{{{{close[0]}}}}}?" if close else "one of " + ", ".join(sorted(placeholders))
            faults.add(hole.start(), f"there is no placeholder {{{{{word}}}}}", right)
            continue
        where = outside.get(hole.start(), "")
        if where and not (known.kind is Kind.TEXT and where in _ATTRIBUTES_FOR_TEXT | {"data-"}):
            faults.add(hole.start(), *_misplaced(word, known, where))
        if known.kind is Kind.BLOCK and word in seen:
            faults.add(hole.start(), f"{{{{{word}}}}} is here a second time", "once: what it stands for has ids")
        seen.setdefault(word, hole.start())
    pieces.append((text[at:], ""))
    for word, known in placeholders.items():
        if known.required and word not in seen:
            faults.add(len(text), f"{{{{{word}}}}} is missing", f"it is {known.meaning}")
    _head(text, seen, faults)
    if faults.found:
        raise TemplateError(name, faults.found)
    return Template(tuple(pieces), styles)


class _Faults:
    def __init__(self, text: str) -> None:
        self._text: Final = text
        self._list: Final[list[Fault]] = []

    def add(self, at: int, what: str, right: str) -> None:
        before = self._text[:at]
        self._list.append(Fault(before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1, what, right))

    @property
    def found(self) -> tuple[Fault, ...]:
        return tuple(dict.fromkeys(sorted(self._list)))


def _markup(text: str, faults: _Faults) -> tuple[tuple[str, ...], dict[int, str]]:
    """The sources of style elements, and where each placeholder stands that does not stand in text."""
    styles: list[str] = []
    outside: dict[int, str] = {}

    def holes(start: int, end: int, where: str) -> None:
        for hole in _HOLE.finditer(text, start, end):
            outside[hole.start()] = where

    for piece in _PIECE.finditer(text):
        start, end = piece.span()
        match piece.lastgroup if piece.lastgroup not in ("css", "style_tag") else "style":
            case "comment":
                holes(start, end, "a comment")
            case "doctype":
                holes(start, end, "the doctype")
            case "broken":
                faults.add(start, "a `<` that begins no element, or one whose quotes do not end", "&lt;, or the quote")
            case "style":
                holes(start, end, "a style element")
                if not piece[0].lower().rstrip(" \t\n>").endswith("</style"):
                    faults.add(start, "a style element that does not end", "</style>")
                if "@import" in piece["css"].lower() or re.search(r"url\(\s*['\"]?(?!data:|#)", piece["css"], re.I):
                    faults.add(start, "styles that fetch something", "url(data:…): the page may load nothing")
                styles.append(style_source(piece["css"]))
            case _:
                _tag(text, start, end, faults, outside)
    return tuple(dict.fromkeys(styles)), outside


def _tag(text: str, start: int, end: int, faults: _Faults, outside: dict[int, str]) -> None:
    named = _TAG_NAME.match(text, start)
    assert named is not None
    tag = named[1].lower()
    if not text[start:end].endswith(">"):
        faults.add(start, f"an element <{tag}> that does not end", "a `>`, or a quote that is missing")
    if tag in _FORBIDDEN:
        faults.add(start, f"an element <{tag}>", "none: the page's policy lets nothing but its own work run or load")
    for hole in _HOLE.finditer(text, start, end):
        outside[hole.start()] = "a tag"
    for found in _ATTRIBUTE.finditer(text, named.end(), end):
        attribute = found[1].lower()
        value = next((group for group in found.groups()[1:] if group is not None), "")
        quoted = found[2] is not None or found[3] is not None
        for hole in _HOLE.finditer(text, found.start(), found.end()):
            if quoted and hole.start() >= found.start(2 if found[2] is not None else 3):
                outside[hole.start()] = "data-" if attribute.startswith("data-") else attribute
        if attribute.startswith("on"):
            faults.add(found.start(), f"the attribute {attribute}", "none: no script but the page's own may run")
        elif attribute == "style":
            faults.add(found.start(), "the attribute style", "a class, and its rule in a style element")
        elif attribute in ("src", "srcset", "background", "poster") and not value.lower().startswith("data:image/"):
            faults.add(found.start(), f"{attribute} that loads something", "data:image/…, or `pages.logo`")
        elif attribute == "http-equiv":
            faults.add(found.start(), "a meta element with http-equiv", "none: headers are the proxy's to set")
        elif attribute in ("href", "action", "formaction") and re.sub(r"[\x00-\x20]", "", value).lower().startswith(
            ("javascript:", "data:", "vbscript:")
        ):
            faults.add(found.start(), f"{attribute} that runs something", "an https: or mailto: address, or a path")


def _misplaced(word: str, known: Placeholder, where: str) -> tuple[str, str]:
    place = where if " " in where else f"the attribute {where}"
    if known.kind is Kind.BLOCK:
        return f"{{{{{word}}}}} in {place}", "between elements: it stands for elements itself"
    return f"{{{{{word}}}}} in {place}", "in text, or in quotes in lang, dir, alt, title, class, id, content or data-…"


def _head(text: str, seen: Mapping[str, int], faults: _Faults) -> None:
    """What a browser needs to find early: the charset, in the head."""
    if not re.match(r"\s*<!doctype html\s*>", text, re.IGNORECASE):
        faults.add(0, "does not begin with <!DOCTYPE html>", "it, or browsers lay the page out as in the nineties")
    if "head" in seen:
        before = text[: seen["head"]].lower()
        if "<head" not in before or "<body" in before or "</head" in before or len(before) > 512:
            faults.add(seen["head"], "{{head}} is not at the start of the head", "right after <head>")
