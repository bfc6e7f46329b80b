"""Fields of a ClientHello in rules."""

from __future__ import annotations

import base64
import hashlib

import pytest

from botproxy.model import Tls
from botproxy.rules import compile_expression

TLS = Tls(
    "TLSv1.3", "TLS_AES_128_GCM_SHA256", "a" * 32, "t13d", 508, bytes(32), b"\x13\x01\xc0\x2b", b"\x00\x0a\x00\x2b"
)


def sha1(data: bytes) -> str:
    return base64.b64encode(hashlib.sha1(data).digest()).decode()


@pytest.mark.parametrize(
    "text",
    [
        'cf.tls_version eq "TLSv1.3"',
        "cf.tls_client_hello_length eq 508",
        f'cf.tls_client_random eq "{base64.b64encode(bytes(32)).decode()}"',
        f'cf.tls_ciphers_sha1 eq "{sha1(TLS.cipher_suites)}"',
        f'cf.tls_client_extensions_sha1 eq "{sha1(TLS.extensions)}"',
        f'cf.tls_client_extensions_sha1_le eq "{sha1(bytes((10, 0, 43, 0)))}"',
    ],
)
def test_field_is_read_from_the_hello(text, make_facts) -> None:
    expression = compile_expression(text)
    assert expression.matches(make_facts(tls=TLS))
    assert not expression.matches(make_facts(tls=Tls("TLSv1.2", "x")))
    assert not expression.matches(make_facts())
