"""What a site's own policy permits our script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.proxy.injection.content_security import Form, Page, Permission, permission

PAGE = Page(
    True, b"shop.example", b"/cdn-cgi/challenge-platform/scripts/jsd/main.js", b"/cdn-cgi/challenge-platform/h/b/jsd/r/"
)
INLINE, EXTERNAL, REFUSED = Form.INLINE, Form.EXTERNAL, Form.REFUSED


@pytest.mark.parametrize(
    ("policy", "form", "nonce"),
    [
        (b"", INLINE, b""),
        (b"img-src 'none'", INLINE, b""),
        (b"script-src 'self' 'unsafe-inline'", INLINE, b""),
        (b"script-src 'self'", EXTERNAL, b""),
        (b"default-src 'self'", EXTERNAL, b""),
        (b"default-src 'none'", REFUSED, b""),
        (b"script-src 'none'; connect-src *", REFUSED, b""),
        (b"script-src", REFUSED, b""),
        (b"script-src 'nonce-abc+/_-12=='", INLINE, b"abc+/_-12=="),
        (b"script-src 'nonce-abc' 'strict-dynamic'", INLINE, b"abc"),
        (b"script-src 'strict-dynamic' 'unsafe-inline' https:", REFUSED, b""),
        (b"script-src 'sha256-x' 'strict-dynamic'", REFUSED, b""),
        (b"script-src 'self' 'sha256-x'", EXTERNAL, b""),
        (b"script-src 'self' 'sha256-x' 'unsafe-inline'", EXTERNAL, b""),
        (b"script-src 'unsafe-inline'", REFUSED, b""),
        (b"SCRIPT-SRC 'SELF'; script-src 'none'", EXTERNAL, b""),
        (b"script-src 'none'; script-src-elem 'self'", EXTERNAL, b""),
        (b"script-src 'self' 'unsafe-inline'; script-src-elem 'none'", REFUSED, b""),
        (b"script-src-attr 'none'; script-src 'self' 'unsafe-inline'", INLINE, b""),
        (b"script-src https:", EXTERNAL, b""),
        (b"script-src http://shop.example", EXTERNAL, b""),
        (b"script-src *.example", EXTERNAL, b""),
        (b"script-src example", REFUSED, b""),
        (b"script-src https://shop.example/cdn-cgi/", EXTERNAL, b""),
        (b"script-src https://shop.example/static/", REFUSED, b""),
        (b"script-src https://shop.example:8443", REFUSED, b""),
        (b"script-src https://cdn.example", REFUSED, b""),
        (b"script-src 'self'; connect-src 'none'", REFUSED, b""),
        (b"script-src 'self'; connect-src https://api.example", REFUSED, b""),
        (b"script-src 'self' 'unsafe-inline'; connect-src 'self'", INLINE, b""),
        (b"script-src 'self'; sandbox", REFUSED, b""),
        (b"script-src 'self'; sandbox allow-scripts", REFUSED, b""),
        (b"script-src 'self'; sandbox allow-scripts allow-same-origin", EXTERNAL, b""),
        (b"script-src 'self'; require-trusted-types-for 'script'; trusted-types x", EXTERNAL, b""),
        (b"script-src 'nonce-\"><b>' 'self'", EXTERNAL, b""),
        (b"script-src 'self', script-src 'nonce-a'; connect-src 'self'", EXTERNAL, b"a"),
    ],
)
def test_one_policy(policy: bytes, form: Form, nonce: bytes) -> None:
    assert permission([policy], PAGE) == Permission(form, nonce)


def test_every_policy_has_to_permit_it() -> None:
    loose = b"script-src 'self' 'unsafe-inline'"
    assert permission([loose, b"script-src 'self'"], PAGE).form is EXTERNAL
    assert permission([loose, b"script-src 'nonce-a'"], PAGE) == (INLINE, b"a")
    assert permission([b"script-src 'nonce-a' 'nonce-b'", b"script-src 'nonce-b'"], PAGE) == (INLINE, b"b")
    assert permission([b"script-src 'nonce-a'", b"script-src 'nonce-b'"], PAGE).form is REFUSED
    assert permission([loose, b"default-src 'none'"], PAGE).form is REFUSED


def test_no_policy_permits_everything() -> None:
    assert permission([], PAGE).form is INLINE


def test_a_port_belongs_to_the_host() -> None:
    page = PAGE._replace(authority=b"shop.example:8443")
    assert permission([b"script-src shop.example:8443; connect-src *"], page).form is EXTERNAL
    assert permission([b"script-src shop.example; connect-src *"], page).form is REFUSED
    assert permission([b"script-src shop.example:*; connect-src *"], page).form is EXTERNAL


def test_a_policy_that_nobody_could_read_refuses() -> None:
    assert permission([b"script-src 'self' " + b"x" * 20_000], PAGE).form is REFUSED


@given(st.lists(st.binary(max_size=200), max_size=4))
def test_any_policy_can_be_read(policies: list[bytes]) -> None:
    nonce = permission(policies, PAGE).nonce
    assert not set(nonce) & set(b"\"'<> ")
