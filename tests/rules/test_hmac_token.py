"""Signed, expiring tokens: only the right key, in time, and untouched."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote

import pytest

from botproxy.model import Facts
from botproxy.rules import compile_expression
from botproxy.rules.hmac_token import is_valid

STAMP = b"1700000000"


def token(message: bytes, url_safe: bool, separator: bytes = b"") -> bytes:
    digest = hmac.new(b"key", message + STAMP, hashlib.sha256).digest()
    mac = urlsafe_b64encode(digest).rstrip(b"=") if url_safe else quote(b64encode(digest), safe="").encode()
    return message + separator + STAMP + b"-" + mac


@pytest.mark.parametrize("url_safe", [True, False])
@pytest.mark.parametrize("message", [b"/a", b"/a-b-1700000000-c", b"x" * 300])
def test_a_token_is_valid_for_its_lifetime_only(message: bytes, url_safe: bool) -> None:
    made = token(message, url_safe)
    assert is_valid(b"key", made, 60, 1700000060, 0, url_safe)
    assert not is_valid(b"key", made, 60, 1700000061, 0, url_safe)
    assert not is_valid(b"key", made, 60, 1699999999, 0, url_safe)
    assert not is_valid(b"other", made, 60, 1700000060, 0, url_safe)
    assert not is_valid(b"key", b"y" + made, 60, 1700000060, 0, url_safe)


def test_digits_cannot_move_between_message_and_time() -> None:
    made = token(b"/a1", True).replace(b"/a11700000000", b"/a1170000000" + b"0")
    assert is_valid(b"key", made, 60, 1700000000, 0, True)
    assert not is_valid(b"key", b"/a" + made[3:], 60, 1700000000, 0, True)


def test_the_function_reads_the_request(make_facts: Callable[..., Facts]) -> None:
    made = token(b"/path", True, b"?verify=")
    text = 'is_timed_hmac_valid_v0("key", http.request.uri, 60, http.request.timestamp.sec, 8, "s")'
    assert compile_expression(text).matches(make_facts(target=made))
    assert not compile_expression(text).matches(make_facts(target=made + b"x"))
