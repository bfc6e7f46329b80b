"""Where the head of a page begins, and what never misleads whoever looks for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.proxy.injection import opening


def place(page: bytes, whole: bool = True) -> bytes | None:
    """What comes right after the script; None where there is no place."""
    found = opening.find(page, whole)
    return page[found.place :] if found.place >= 0 else None


@pytest.mark.parametrize(
    ("page", "after"),
    [
        (b"<!DOCTYPE html><html><head><title>x", b"<title>x"),
        (b"<!doctype html>\n<HTML LANG=en>\n<HEAD>\n<title>x", b"\n<title>x"),
        (b"<!doctype html><html lang=\"a>b\"><head data-x='>'><p>", b"<p>"),
        (b"<html><body><p>no head", b"<body><p>no head"),
        (b"<!doctype html><title>neither</title>", b"<title>neither</title>"),
        (b"<!doctype html>text at once", b"text at once"),
        (b"<!-- <head> --><html><!-- <body> --><head><p>", b"<p>"),
        (b"<!--><html><head>a", b"a"),
        (b"<!---><html><head>b", b"b"),
        (b"<!-- a --!><html><head>c", b"c"),
        (b'<?xml version="1.0"?><!DOCTYPE html><html><head>d', b"d"),
        (b"<html\n><head\t><script>'</body></head>'</script>", b"<script>'</body></head>'</script>"),
        (b"<html a=b/><head/>x", b"x"),
        (b"<html lang=en\" class='x><head>not a head'><head>y", b"y"),
        (b"<html><header>no head", b"<header>no head"),
        (b"<html></head><p>", b"</head><p>"),
        (b"<!doctype html>", b""),
    ],
)
def test_the_script_goes_where_the_head_begins(page: bytes, after: bytes) -> None:
    assert place(page) == after


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"   ",
        b"<div>a piece</div>",
        b"text",
        b'{"a": "<html>"}',
        b"<tr><td>1</td></tr>",
        b"<!-- only a comment -->",
        b"<!-- never ends <html><head>",
        b"<script>document.write('<html>')</script>",
        b'<html lang="never ends><head><body>',
        b"<svg xmlns='http://www.w3.org/2000/svg'></svg>",
    ],
)
def test_what_is_no_page_has_no_place(page: bytes) -> None:
    assert place(page) is None


PAGE = (
    b'\n<!-- a > b --><!DOCTYPE html PUBLIC "-//W3C//DTD">\n<html lang="a>b" x=\'y\'><!--c--> <head profile=z>\n<title>'
)


@pytest.mark.parametrize("size", range(len(PAGE) - len(b"\n<title>")))
def test_half_an_opening_waits_for_the_rest(size: int) -> None:
    assert opening.find(PAGE[:size], False) is opening.UNFINISHED


def test_the_tags_are_found_whole() -> None:
    found = opening.find(PAGE, False)
    assert PAGE[found.place :] == b"\n<title>"
    assert found.doctype == b'<!DOCTYPE html PUBLIC "-//W3C//DTD">'
    assert found.html == b"<html lang=\"a>b\" x='y'>"
    assert found.head == b"<head profile=z>"


pieces = st.sampled_from(
    [b"<!doctype html>", b"<html", b"<head", b"</head>", b">", b" ", b"<!--", b"-->", b"a=", b'"', b"'", b"<", b"!x/"]
)


@given(st.lists(pieces, max_size=25).map(b"".join), st.data())
def test_more_of_a_page_never_changes_what_was_found(page: bytes, data: st.DataObject) -> None:
    size = data.draw(st.integers(0, len(page)))
    found = opening.find(page[:size], False)
    if found is not opening.UNFINISHED:
        assert opening.find(page, False) == found
        assert opening.find(page, True) == found


@given(st.binary(max_size=200))
def test_anything_can_be_read(data: bytes) -> None:
    opening.find(data, True)
    opening.metas(data, 0)
    opening.charset_of(data)


def test_metas_that_matter_are_found() -> None:
    head = (
        b'<!-- <meta charset=wrong> --><script>"<meta charset=wrong>"</script><title><meta charset=wrong></title>'
        b'<meta name=viewport content="width=1"><META CHARSET = "Shift_JIS" ><meta charset=second>'
        b"<meta content=\"script-src 'none'\" http-equiv=' Content-Security-Policy '>"
    )
    assert opening.metas(head, 0) == (b"shift_jis", True)


def test_a_policy_in_a_comment_a_script_or_the_body_is_none() -> None:
    policy = b"<meta http-equiv=content-security-policy content=x>"
    for page in (b"<!--" + policy + b"-->", b"<script>" + policy + b"</script>", b"</head><body>" + policy):
        assert opening.metas(page, 0) == (b"", False)


def test_the_charset_of_an_older_meta_is_found() -> None:
    page = b'<meta http-equiv="Content-Type" content="text/html; charset=EUC-JP">'
    assert opening.metas(page, 0).charset == b"euc-jp"
