"""Lines of access logs, those that servers write and those that strangers try to make of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from botproxy.importing import FORMATS, Format, LineError, detect, reader

COMBINED = b" ".join(
    (
        b'192.0.2.7 - frank [17/May/2015:10:05:03 +0200] "GET /a?b=c HTTP/1.1" 200 2326',
        b'"https://x.example/" "Mozilla/5.0 (X)"',
    )
)
COMMON = COMBINED[: COMBINED.index(b' "https')]
JSON = {
    "time_iso8601": "2015-05-17T10:05:03+02:00",
    "remote_addr": "192.0.2.7",
    "request": "GET /a?b=c HTTP/1.1",
    "status": "200",
    "body_bytes_sent": 2326,
    "http_referer": "https://x.example/",
    "http_user_agent": "Mozilla/5.0 (X)",
}
AT = 1431849903.0


def read(format_: Format, line: bytes) -> Any:
    return reader(format_)(line)


@pytest.mark.parametrize(
    ("format_", "line"), [("combined", COMBINED), ("nginx-json", json.dumps(JSON).encode()), ("common", COMMON)]
)
def test_the_formats_say_the_same(format_: Format, line: bytes) -> None:
    entry = read(format_, line)
    assert (entry.address, entry.time, entry.status, entry.size) == ("192.0.2.7", AT, 200, 2326)
    assert (entry.method, entry.target, entry.protocol) == (b"GET", b"/a?b=c", "HTTP/1.1")
    headers = (entry.referer, entry.user_agent)
    assert headers == ((None, None) if format_ == "common" else (b"https://x.example/", b"Mozilla/5.0 (X)"))
    assert detect([b"# a comment", line, line]) == format_


def test_what_is_not_there_differs_from_what_the_log_does_not_tell() -> None:
    entry = read("combined", COMMON + b' "-" "-"')
    assert (entry.referer, entry.user_agent, entry.host) == (b"", b"", None)
    given = {key: value for key, value in JSON.items() if key != "http_referer"} | {"http_user_agent": "-"}
    entry = read("nginx-json", json.dumps(given).encode())
    assert (entry.referer, entry.user_agent) == (None, b"")


def test_escapes_are_read_as_they_were_sent() -> None:
    line = COMMON.replace(b"/a?b=c", rb"/\x22\xc3\xa4") + rb' "-" "a \"b\" \\ \x01 \t"'
    entry = read("combined", line)
    assert entry.target == b'/"\xc3\xa4'
    assert entry.user_agent == b'a "b" \\ \x01 \t'


def test_hosts_and_what_stands_behind() -> None:
    assert read("combined", b"shop.example:443 " + COMBINED).host == b"shop.example"
    assert read("combined", COMBINED + b' "10.0.0.1" 0.004').status == 200
    assert read("common", b"2001:db8::1" + COMMON[9:]).address == "2001:db8::1"
    given = JSON | {"host": "shop.example", "scheme": "https", "request_time": "0.25"}
    entry = read("nginx-json", json.dumps(given).encode())
    assert (entry.host, entry.secure, entry.seconds) == (b"shop.example", True, 0.25)
    parts = {"request_method": "POST", "request_uri": "/x", "server_protocol": "HTTP/2.0", "msec": 1431849903.0}
    entry = read("nginx-json", json.dumps({"remote_addr": "192.0.2.7", **parts}).encode())
    assert (entry.method, entry.protocol, entry.time) == (b"POST", "HTTP/2", AT)


def test_what_was_no_request_is_in_order_as_a_line() -> None:
    for asked in (rb"\x16\x03\x01\x02", b"-", b"", b"GET  /two HTTP/1.1", b"GET / HTTP/1.1 x"):
        assert read("combined", COMBINED.replace(b"GET /a?b=c HTTP/1.1", asked)) is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"", "not as ADDRESS"),
        (COMMON, "no Referer and User-Agent"),
        (COMBINED.replace(b"May", b"Mai"), "no time such as"),
        (COMBINED.replace(b"17/May", b"31/Feb"), "does not exist"),
        (COMBINED.replace(b"10:05", b"25:05"), "does not exist"),
        (COMBINED[:-1], "no Referer and User-Agent"),
        (COMBINED + b"x" * 70_000, "more than"),
    ],
)
def test_what_is_wrong_with_a_line_is_said(line: bytes, why: str) -> None:
    with pytest.raises(LineError, match=why):
        read("combined", line)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("{", "no JSON"),
        ("[]", "no JSON object"),
        ("{}", "no remote_addr"),
        (json.dumps({"remote_addr": "192.0.2.7"}), "no time_local"),
        (json.dumps({**JSON, "time_iso8601": "yesterday"}), "no time such as"),
        (json.dumps({**JSON, "time_iso8601": 1e300}), "does not exist"),
        (json.dumps({**JSON, "request": None}), "neither request"),
    ],
)
def test_what_is_wrong_with_json_is_said(given: str, why: str) -> None:
    with pytest.raises(LineError, match=why):
        read("nginx-json", given.encode())


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FORMATS), st.binary(max_size=200), st.integers(0, len(COMBINED)), st.integers(0, 30))
@example("combined", b"\\x", 45, 3)
@example("combined", b'"' * 60, 45, 0)
def test_no_line_does_more_than_be_refused(format_: Format, put: bytes, at: int, cut: int) -> None:
    for line in (put, COMBINED[:at] + put + COMBINED[at + cut :], json.dumps(JSON).encode()[:at] + put):
        try:
            entry = read(format_, line)
        except LineError:
            continue
        assert entry is None or entry.time >= 0


def test_a_long_line_of_quotes_and_brackets_is_refused_quickly() -> None:
    for line in (
        b"a " * 30_000,
        b"1.2.3.4 - - [" * 4_000,
        b'1.2.3.4 - - [17/May/2015:10:05:03 +0000] "' + b'\\"' * 30_000,
    ):
        with pytest.raises(LineError):
            read("combined", line)
