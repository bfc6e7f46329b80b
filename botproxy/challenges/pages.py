"""The frame of every page that a visitor gets from the proxy itself: template, style, logo, links, report form.

What stands in the frame is made by `page` (a challenge) and `refusal_page` (a no). The frame is an operator's template
or the one that comes with the product; both are filled with the placeholders of `PLACEHOLDERS`.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Final, NamedTuple, final

from botproxy.challenges.assets import FRAME, STYLE
from botproxy.challenges.page_settings import PageSettings
from botproxy.challenges.paths import PREFIX, REPORT, under
from botproxy.challenges.reports import ADDRESS_LENGTH, NOTE_LENGTH, ReportSeals, Seen
from botproxy.challenges.template import Kind, Markup, Placeholder, Template, compile_template, style_source
from botproxy.challenges.words import LANGUAGES, Words, choose
from botproxy.errors import OperatorError
from botproxy.model import Headers

MAX_PAGE: Final = 30 * 1024
"""Bytes of a whole page, with the longest words."""

MAX_LOGO: Final = 8 * 1024

PLACEHOLDERS: Final[Mapping[str, Placeholder]] = {
    "language": Placeholder(Kind.TEXT, True, 'the language of the page, for <html lang="{{language}}">'),
    "direction": Placeholder(Kind.TEXT, True, 'the direction of its script, for <html dir="{{direction}}">'),
    "head": Placeholder(Kind.BLOCK, True, "charset, title, viewport and robots; right after <head>"),
    "heading": Placeholder(Kind.TEXT, True, "what the page is about, for <h1>"),
    "explanation": Placeholder(Kind.TEXT, True, "the sentence below it"),
    "content": Placeholder(Kind.BLOCK, True, "the challenge with its script, or the code of the error; the form"),
    "ray": Placeholder(Kind.TEXT, True, "the Ray ID, by which you find the request"),
    "style": Placeholder(Kind.BLOCK, False, "the style that comes with the product"),
    "logo": Placeholder(Kind.BLOCK, False, "the picture of `pages.logo`"),
    "host": Placeholder(Kind.TEXT, False, "the host that was asked for"),
    "links": Placeholder(Kind.BLOCK, False, "links to `pages.contact_url` and `pages.imprint_url`"),
    "status": Placeholder(Kind.TEXT, False, "the status of the answer, such as 403"),
}
"""What a template may use, and what it has to."""

_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
)

_NOSCRIPT: Final = ".mark, .late { display: none !important; }"

_HEAD: Final = """<meta charset="utf-8">
<title lang="{language}">{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex,nofollow">
<meta name="color-scheme" content="light dark">
<noscript><style>{noscript}</style></noscript>"""

_FORM: Final = """<details class="report" id="report">
<summary>{report}</summary>
<form method="post" action="{action}">
<p>{hint}</p>
<label for="report-note">{note}</label>
<textarea id="report-note" name="note" rows="3" maxlength="{note_length}" dir="auto" required></textarea>
<label for="report-address">{address}</label>
<input id="report-address" name="address" maxlength="{address_length}" dir="auto" autocomplete="email">
<input type="hidden" name="seal" value="\0">
<button type="submit">{send}</button>
</form>
</details>"""


def html(pattern: str, **values: str) -> Markup:
    """HTML of ours with values in it, each escaped unless it is markup of ours."""
    return Markup(
        pattern.format_map(
            {name: value if isinstance(value, Markup) else escape(value) for name, value in values.items()}
        )
    )


class Look(NamedTuple):
    """The pages of one site as its operator wants them, read and checked."""

    template: Template
    logo: Markup
    contact_url: str
    imprint_url: str
    words: Words  # for visitors who ask for no language that we speak
    reports: bool
    styles: str  # the style sources of a policy


def load_look(settings: PageSettings) -> Look:
    """Read what the settings name. Raises `OperatorError` (`TemplateError` for what is wrong inside a template)."""
    template = (
        _SHIPPED
        if settings.template is None
        else compile_template(
            _read(settings.template, "pages.template").decode("utf-8-sig"), PLACEHOLDERS, str(settings.template)
        )
    )
    logo = Markup() if settings.logo is None else _picture(settings.logo)
    own = (style_source(STYLE), style_source(_NOSCRIPT))
    return Look(
        template,
        logo,
        settings.contact_url,
        settings.imprint_url,
        LANGUAGES[settings.language],
        settings.reports,
        " ".join((*own, *template.styles)),
    )


def _read(path: Path, setting: str) -> bytes:
    try:
        with path.open("rb") as opened:
            content = opened.read(64 * 1024)
        if setting == "pages.template":
            content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise OperatorError(f"{setting}: {path} is not text in UTF-8") from None
    except OSError as error:
        raise OperatorError(f"{setting}: {path} cannot be read: {error.strerror}") from None
    return content


def _picture(path: Path) -> Markup:
    content = _read(path, "pages.logo")
    if len(content) > MAX_LOGO:
        raise OperatorError(f"pages.logo: {path} is larger than {MAX_LOGO // 1024} KB: it becomes part of every page")
    kind = next((name for mark, name in _SIGNATURES if content.startswith(mark)), "")
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        kind = "webp"
    if b"<svg" in content[:1024].lower():
        kind = "svg+xml"
    if not kind:
        raise OperatorError(f"pages.logo: {path} is no SVG, PNG, JPEG, GIF or WebP")
    data = b64encode(content).decode("ascii")
    # Decorative: the name of the host stands below it.
    return html('<img class="logo" alt="" src="data:image/{kind};base64,{data}">', kind=kind, data=data)


_SHIPPED: Final = compile_template(FRAME, PLACEHOLDERS, "page.html")
PLAIN: Final = load_look(PageSettings())
"""The look of pages of a site that set nothing, and of answers to requests for no site."""


@final
class Pages:
    """Makes the pages of one site. What it remembers is bounded by the number of languages."""

    __slots__ = ("_action", "_forms", "_look", "_seals")

    def __init__(self, look: Look = PLAIN, seals: ReportSeals | None = None, prefix: str = PREFIX) -> None:
        """`seals` are those of the site; without them, or where the look says so, no page has a report form.
        `prefix` is that of our own paths."""
        self._look: Final = look
        self._seals: Final = seals if look.reports else None
        self._action: Final = under(prefix, REPORT)
        self._forms: Final[dict[str, tuple[str, str]]] = {}

    def words(self, headers: Headers) -> Words:
        """Those that a visitor with these headers reads."""
        return choose(headers.first(b"accept-language"), self._look.words)

    def report_form(self, words: Words, seen: Seen, ray: str, now: float) -> Markup:
        """The form by which a visitor who got this page says what is wrong, closed at first; nothing without reports.

        `ray` is that of the request that this page answers, `now` is seconds since the epoch.
        """
        if self._seals is None:
            return Markup()
        form = self._forms.get(words.language)
        if form is None:
            made = html(
                _FORM,
                report=words.report,
                action=self._action,
                hint=words.report_hint,
                note=words.report_note,
                note_length=str(NOTE_LENGTH),
                address=words.report_address,
                address_length=str(ADDRESS_LENGTH),
                send=words.report_send,
            )
            before, _, after = made.partition("\0")
            form = self._forms[words.language] = (before, after)
        return Markup(form[0] + self._seals.seal(ray, seen, now) + form[1])

    def page(
        self,
        words: Words,
        *,
        host: str,
        heading: str,
        explanation: str,
        content: Markup,
        ray: str,
        status: int,
        title: str = "",
        title_language: str = "",
    ) -> bytes:
        """The document. `title` is the heading where it is left out."""
        look = self._look
        return look.template.fill(
            {
                "language": words.language,
                "direction": words.direction,
                "head": html(
                    _HEAD,
                    title=title or heading,
                    language=title_language or words.language,
                    noscript=Markup(_NOSCRIPT),
                ),
                "style": _STYLE,
                "logo": look.logo,
                "host": host,
                "heading": heading,
                "explanation": explanation,
                "content": content,
                "ray": ray,
                "links": self._links(words),
                "status": str(status),
            }
        ).encode("utf-8", "replace")

    def _links(self, words: Words) -> Markup:
        look = self._look
        links = ((look.contact_url, words.contact), (look.imprint_url, words.imprint))
        return Markup("".join(html(' <a href="{url}">{text}</a>', url=url, text=text) for url, text in links if url))

    def policy(self, nonce: str = "") -> bytes:
        """The page's own policy: styles by their hashes, pictures that are part of it, forms to this site. With a
        `nonce` also the scripts that carry it, as workers too, and requests to and frames of this site (`data:` because
        the script puts one of them into one that is nobody's). Nothing else."""
        script = ""
        if nonce:
            script = f"script-src 'nonce-{nonce}'; worker-src 'self'; connect-src 'self'; frame-src 'self' data:; "
        return (
            f"default-src 'none'; {script}style-src {self._look.styles}; img-src data:; base-uri 'none'; "
            "form-action 'self'; frame-ancestors 'self'"
        ).encode()


_STYLE: Final = Markup(f"<style>{STYLE}</style>")
