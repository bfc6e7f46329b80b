"""A challenged request gets 403 and `cf-mitigated: challenge`; a page only where one can be shown."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from botproxy.challenges import SCRIPT_VERSION, Pages, Settings, load_look
from botproxy.challenges.page_settings import PageSettings


@pytest.mark.parametrize("navigation", [True, False])
def test_every_answer_is_a_challenge_that_nobody_caches(site: Any, navigation: bool) -> None:
    answer = site.answer(navigation=navigation)
    headers = dict(answer.headers)
    assert answer.status == 403
    assert headers[b"cf-mitigated"] == b"challenge"
    assert b"no-store" in headers[b"cache-control"]
    assert headers[b"referrer-policy"] == b"same-origin"
    assert headers[b"x-frame-options"] == b"SAMEORIGIN"


def test_what_cannot_show_a_page_gets_json(site: Any) -> None:
    answer = site.answer(navigation=False)
    assert dict(answer.headers)[b"content-type"] == b"application/json"
    assert json.loads(answer.body)["error"]["ray"] == "0123456789abcdef"


def test_the_page_is_small_and_says_what_it_must(site: Any) -> None:
    page = site.page(settings=Settings(), request=site.request(b"/" + b"a" * 2000))
    assert len(page.text) < 30_000
    for part in (
        '<title lang="en">Just a moment...</title>',
        '<html lang="en" dir="ltr">',
        'role="status"',
        "noscript",
    ):
        assert part in page.text
    assert "Ray ID: <code>0123456789abcdef</code>" in page.text
    assert "Enable JavaScript and cookies to continue" in page.text
    assert "prefers-color-scheme: dark" in page.text
    assert "prefers-reduced-motion" in page.text


def test_the_page_fetches_nothing_but_its_own_script(site: Any) -> None:
    text = site.page().text
    fetched = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert fetched == [f"/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1?v={SCRIPT_VERSION}"]
    assert "url(" not in text
    assert "@import" not in text


def test_the_policy_allows_only_what_carries_its_nonce(site: Any) -> None:
    answer = site.answer()
    policy = dict(answer.headers)[b"content-security-policy"].decode()
    nonce = re.findall(r"'nonce-([^']+)'", policy)
    assert len(set(nonce)) == 1
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert answer.body.decode().count(f'nonce="{nonce[0]}"') == 1


def test_two_pages_share_neither_token_nor_nonces(site: Any) -> None:
    one, other = site.page(), site.page()
    assert one.token != other.token
    assert one.nonce != other.nonce


def test_nothing_that_a_client_sends_becomes_markup(site: Any) -> None:
    host = "</script><script>alert(1)</script>"
    text = site.page(site.request(b'/"><script>alert(2)</script>', host=host)).text
    assert "<script>alert" not in text
    assert text.count("<script") == 2


def test_a_page_speaks_the_visitors_language(site: Any) -> None:
    page = site.page(site.request(headers=((b"Accept-Language", b"de"),)))
    assert '<html lang="de" dir="ltr">' in page.text
    assert page.data["words"]["retry"] == "Erneut versuchen"


def test_a_form_that_was_posted_is_not_sent_again_unasked(site: Any) -> None:
    assert site.page(site.request(method=b"POST")).data["repeatable"] is False
    assert site.page().data["repeatable"] is True


def test_the_owner_can_be_reached_where_configured(site: Any) -> None:
    pages = Pages(load_look(PageSettings(contact_url="mailto:a@shop.example", imprint_url="/imprint")))
    text = site.page(pages=pages).text
    assert 'href="mailto:a@shop.example"' in text
    assert 'href="/imprint"' in text
