"""An operator's template is refused with what is wrong and where, and nothing that fills it becomes markup."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.challenges.pages import PLACEHOLDERS
from botproxy.challenges.template import Markup, TemplateError, compile_template

GOOD = """<!DOCTYPE html>
<html lang="{{language}}" dir="{{direction}}">
<head>
{{head}}
<style>h1 { color: red }</style>
</head>
<body class="s{{status}}">
<h1>{{heading}}</h1>
<p>{{ explanation }}</p>
{{content}}
<small>{{ray}}</small>
</body>
</html>
"""
VALUES = {name: f"[{name}]" for name in PLACEHOLDERS}


def faults(text: str) -> list[str]:
    """What is said of a template, with places."""
    with pytest.raises(TemplateError) as raised:
        compile_template(text, PLACEHOLDERS, "page.html")
    return str(raised.value).splitlines()


def test_what_stands_between_the_placeholders_stays_as_it_is() -> None:
    filled = compile_template(GOOD, PLACEHOLDERS, "page.html").fill(VALUES)
    assert filled == re.sub(r"\{\{ ?(\w+) ?\}\}", r"[\1]", GOOD)


def test_values_are_escaped_unless_they_are_markup_of_ours() -> None:
    values = {**VALUES, "heading": "\"><script>'&", "content": Markup("<b>")}
    filled = compile_template(GOOD, PLACEHOLDERS, "page.html").fill(values)
    assert "&quot;&gt;&lt;script&gt;&#x27;&amp;" in filled
    assert "<b>" in filled


def test_styles_are_allowed_by_their_hash() -> None:
    made = compile_template(GOOD, PLACEHOLDERS, "page.html")
    digest = b64encode(sha256(b"h1 { color: red }").digest()).decode()
    assert made.styles == (f"'sha256-{digest}'",)
    assert compile_template(GOOD.replace("\n", "\r\n"), PLACEHOLDERS, "page.html").styles == made.styles


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{{ray}}", "", r"page.html:14:1: \{\{ray\}\} is missing"),
        (
            "{{ray}}",
            "{{ray}}{{rae}}",
            r"page.html:11:15: there is no placeholder \{\{rae\}\} — did you mean \{\{ray\}\}\?",
        ),
        ("{{content}}", "{{content}}{{content}}", r"page.html:10:12: \{\{content\}\} is here a second time"),
        ("{{content}}", '<p title="{{content}}">', r"page.html:10:11: \{\{content\}\} in the attribute title"),
        ("{{ray}}", '<a href="{{ray}}">', "in the attribute href"),
        ("{{ray}}", "<a title={{ray}}>", "in a tag"),
        ("{{ray}}", "<{{ray}}>", "`<` that begins no element"),
        ("{{ray}}", "<!-- {{ray}} -->", "in a comment"),
        ("h1 {", "{{ray}} {", "in a style element"),
        ("{{ray}}", "{{ray}}<script>1</script>", "an element <script>"),
        ("{{ray}}", "{{ray}}<SCRIPT src=x>", "an element <script>"),
        ("{{ray}}", '{{ray}}<p onclick="x">', "the attribute onclick"),
        ("{{ray}}", '{{ray}}<p style="x">', "the attribute style"),
        ("{{ray}}", '{{ray}}<img src="https://cdn.example/x.png">', "src that loads something"),
        ("{{ray}}", '{{ray}}<a href=" java\nscript:x">', "href that runs something"),
        ("{{ray}}", '{{ray}}<link rel=stylesheet href="x">', "an element <link>"),
        ("{{ray}}", '{{ray}}<meta http-equiv="refresh" content="0">', "http-equiv"),
        ("color: red", "background: url(https://x.example/)", "styles that fetch something"),
        ("</style>", "", "a style element that does not end"),
        ("</body>", '<p title="x>', "quotes do not end"),
        ("<!DOCTYPE html>\n", "", "does not begin with <!DOCTYPE html>"),
        ("{{head}}\n", "", r"\{\{head\}\} is missing"),
        ("<head>\n{{head}}", "<head></head>{{head}}", "is not at the start of the head"),
        ("<small>", "x" * 13_000, "is larger than 12 KB"),
        ("<small>", "\0", "a zero byte"),
    ],
)
def test_a_fault_is_told_with_its_place_and_what_would_be_right(old: str, new: str, said: str) -> None:
    assert old in GOOD
    told = faults(GOOD.replace(old, new, 1))
    assert any(re.search(said, line) for line in told), told
    assert all(re.match(r"page\.html:\d+:\d+: .+ — .+", line) for line in told)


class _Reader(HTMLParser):
    """Counts what a browser would find."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag + " ".join(sorted(name for name, _ in attrs)))


def _elements(text: str) -> list[str]:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.elements


@given(st.text(alphabet="<>\"'&= /-!aonscript{}", max_size=40))
def test_no_value_adds_an_element_or_an_attribute(value: str) -> None:
    made = compile_template(GOOD, PLACEHOLDERS, "page.html")
    plain = dict.fromkeys(VALUES, "x")
    assert _elements(made.fill(dict.fromkeys(VALUES, value))) == _elements(made.fill(plain))


@given(
    st.text(alphabet="<>\"'&=/-!ao {}ry\nst", max_size=60), st.sampled_from(["{{ray}}", "{{heading}}", "{{content}}"])
)
def test_whatever_stands_in_a_template_is_refused_or_safe(noise: str, near: str) -> None:
    text = GOOD.replace(near, noise + near + noise)
    try:
        made = compile_template(text, PLACEHOLDERS, "page.html")
    except TemplateError:
        return
    plain = _elements(made.fill(dict.fromkeys(VALUES, "x")))
    assert _elements(made.fill(dict.fromkeys(VALUES, "\"'><script x=y>"))) == plain
