"""Every page is small, in every language, in the look that the operator gave it; what cannot be is refused before."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from botproxy.challenges import Pages, ReportSeals, load_look, refusal_page
from botproxy.challenges.page import weigh
from botproxy.challenges.page_settings import PageSettings
from botproxy.challenges.pages import MAX_PAGE, PLACEHOLDERS
from botproxy.challenges.reports import REPORT_PURPOSE
from botproxy.challenges.words import LANGUAGES
from botproxy.cookies import KeyRing, Sealer
from botproxy.errors import OperatorError
from botproxy.model import Headers

SEALS = ReportSeals(Sealer(KeyRing([bytes(range(32))]), REPORT_PURPOSE, "shop"))
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


def refusal(pages: Pages, status: int = 403, language: str = "en", by_rule: bool = True, **more: str) -> str:
    """A page that says no."""
    headers = Headers(((b"Accept-Language", language.encode()),))
    page = refusal_page(
        pages, status=status, ray="0123456789abcdef-BOT", headers=headers, host="shop.example", now=0.0,
        by_rule=by_rule, **more,
    )  # fmt: skip
    return page.decode()


def test_the_largest_challenge_has_less_than_30_kb() -> None:
    assert weigh(Pages(seals=SEALS)) < MAX_PAGE == 30 * 1024


@pytest.mark.parametrize("tag", sorted(LANGUAGES))
def test_a_page_that_says_no_speaks_the_visitors_language(tag: str) -> None:
    words = LANGUAGES[tag]
    text = refusal(Pages(), language=tag)
    assert f'<html lang="{words.language}" dir="{words.direction}">' in text
    assert f"<h1>{words.blocked}</h1>" in text
    assert "0123456789abcdef-BOT" in text
    assert len(text) < 15_000


@pytest.mark.parametrize(
    ("status", "by_rule", "heading", "code"),
    [
        (403, True, "You have been blocked", "1020"),
        (429, True, "Too many requests", "1015"),
        (429, False, "Too many requests", "429"),
        (404, False, "Not found", "404"),
        (421, False, "Not found", "421"),
        (400, False, "Request refused", "400"),
        (502, False, "The site does not answer", "502"),
        (504, False, "The site does not answer", "504"),
        (503, False, "The site is busy", "503"),
    ],
)
def test_what_happened_is_said_in_words_and_by_the_number_that_people_search_for(
    status: int, by_rule: bool, heading: str, code: str
) -> None:
    text = refusal(Pages(), status, by_rule=by_rule)
    assert f"<h1>{heading}</h1>" in text
    assert f">Error {code}<" in text


@pytest.mark.parametrize(("status", "by_rule", "form"), [(403, True, True), (502, False, True), (404, False, False)])
def test_who_was_turned_away_can_report_it(status: int, by_rule: bool, form: bool) -> None:
    text = refusal(Pages(seals=SEALS), status, by_rule=by_rule)
    assert ('action="/cdn-cgi/challenge-platform/h/b/report"' in text) is form
    assert "<form" not in refusal(Pages(load_look(PageSettings(reports=False)), SEALS), status, by_rule=by_rule)


def test_words_of_our_own_are_said_to_whoever_reads_english() -> None:
    assert "<h1>&lt;b&gt;</h1>" in refusal(Pages(), 400, title="<b>")
    assert "&lt;b&gt;" not in refusal(Pages(), 400, "de", title="<b>")


def test_a_page_loads_nothing_and_its_policy_lets_it_load_nothing(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(PNG)
    pages = Pages(load_look(PageSettings(logo=tmp_path / "logo.png")), SEALS)
    text, policy = refusal(pages), pages.policy().decode()
    assert all(source.startswith("data:image/png;base64,") for source in re.findall(r'src="([^"]*)"', text))
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "script-src 'nonce-abc'" in pages.policy("abc").decode()


TEMPLATE = """<!DOCTYPE html>
<html lang="{{language}}" dir="{{direction}}"><head>{{head}}<style>body { color: teal }</style></head>
<body class="mine">{{logo}}<h1>{{heading}}</h1><p>{{explanation}}</p>{{content}}<p>{{ray}} {{links}}</p></body></html>
"""


def test_the_operators_template_frames_every_page(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(TEMPLATE)
    look = load_look(PageSettings(template=tmp_path / "page.html", imprint_url="/imprint"))
    text = refusal(Pages(look, SEALS))
    assert '<body class="mine">' in text
    assert '<a href="/imprint">Imprint</a>' in text
    assert text.count("<style>") == 2  # the template's, and one for visitors without scripts
    assert len(look.styles.split()) == 3


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("template", TEMPLATE.replace("{{ray}}", "").encode(), "is missing"),
        ("template", b"\xff", "is not text in UTF-8"),
        ("logo", b"no picture", "is no SVG, PNG, JPEG, GIF or WebP"),
        ("logo", PNG + bytes(8192), "is larger than 8 KB"),
        ("logo", None, "cannot be read"),
    ],
)
def test_what_cannot_be_shown_is_refused(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OperatorError, match=said):
        load_look(PageSettings.model_validate({name: path}))


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "//evil.example", "https://x.example/ y", "ftp://x.example"]
)
@pytest.mark.parametrize("name", ["contact_url", "imprint_url"])
def test_links_lead_to_pages_and_mail_alone(name: str, address: str) -> None:
    with pytest.raises(ValueError, match="path that starts with one /"):
        PageSettings.model_validate({name: address})


def test_the_documentation_lists_every_placeholder() -> None:
    text = (Path(__file__).parents[2] / "docs" / "challenge-pages.md").read_text()
    for name, known in PLACEHOLDERS.items():
        assert f"| `{{{{{name}}}}}` | {'yes' if known.required else 'no'} | {known.meaning} |" in text
