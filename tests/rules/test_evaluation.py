"""What every operator and function makes of a missing, an empty, an undecodable, a huge and a usual value."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from ipaddress import ip_address

import pytest

from botproxy.model import Body, Facts, Place
from botproxy.rules import FIELDS, UNKNOWABLE, RuleError, compile_expression
from botproxy.rules.functions import FUNCTIONS
from botproxy.rules.transforms import LONGEST

Maker = Callable[..., Facts]

HUGE = b"a" * 1_000_000 + b"z"
VALUES: dict[str, bytes | None] = {"missing": None, "empty": b"", "bytes": b"\xff\xc3A", "huge": HUGE, "usual": b"Abc"}
V = 'http.request.headers["v"][0]'

# One column for each of VALUES, in their order: 1 is true.
TEXT_TABLE = [
    ('V eq "Abc"', "00001"),
    ('V ne "Abc"', "01110"),
    ('not V ne "Abc"', "10001"),
    ('V eq ""', "01000"),
    ('V ne ""', "00111"),
    ('V lt "B"', "01001"),
    ('V le "Abc"', "01001"),
    ('V gt "Abc"', "00110"),
    ('V ge "Abc"', "00111"),
    ('V gt "\\xff"', "00100"),
    ('V contains ""', "01111"),
    ('V contains "bc"', "00001"),
    ("V contains ff:c3", "00100"),
    ('V contains "az"', "00010"),
    ('V matches ""', "01111"),
    ('V matches "^$"', "01000"),
    (r'V matches r"(?i)ABC"', "00001"),
    (r'V matches r"\xff\xc3"', "00100"),
    (r'V matches r"^a{1000}.*z$"', "00010"),
    (r'V matches r"(?u)^.{3}$"', "00001"),
    ('V wildcard ""', "01000"),
    ('V wildcard "*"', "01111"),
    ('V wildcard "a*"', "00011"),
    ('V strict wildcard "a*"', "00010"),
    ('V strict wildcard "*A"', "00100"),
    ('V in {"Abc" ""}', "01001"),
    ("V in {}", "00000"),
    ('not V in {"Abc"}', "11110"),
    ("V in {ff:c3:41}", "00100"),
    ('lower(V) eq "abc"', "00001"),
    ('lower(V) eq "\\xff\\xc3a"', "00100"),
    ('upper(V) eq "ABC"', "00001"),
    ('upper(V) contains "AAAZ"', "00010"),
    ('starts_with(V, "A")', "00001"),
    ('starts_with(V, "")', "01111"),
    ('not starts_with(V, "A")', "11110"),
    ('ends_with(V, "c")', "00001"),
    ('ends_with(V, "")', "01111"),
    ("len(V) eq 0", "01000"),
    ("len(V) ge 0", "01111"),
    ("len(V) gt 1000000", "00010"),
    ("len(V) eq 3", "00101"),
    ('concat(V, "x") eq "x"', "11000"),
    ('concat("x", V) eq "xAbc"', "00001"),
    ("len(concat(V, V)) gt 2000000", "00010"),
    (f'len(concat({", ".join(["V"] * 5)})) ge 0', "11101"),
    ('substring(V, 1) eq "bc"', "00001"),
    ('substring(V, 0, 0) eq ""', "01111"),
    ('substring(V, -1) eq "z"', "00010"),
    ('substring(V, -2, -1) eq "\\xc3"', "00100"),
    ('substring(V, 7, 2) eq ""', "01111"),
    ('substring(V, 999999, 9223372036854775807) eq "az"', "00010"),
    ('url_decode(V) eq "Abc"', "00001"),
    ('url_decode(V) eq "\\xff\\xc3A"', "00100"),
    ('url_decode(V, "ru") ne ""', "00111"),
    ('remove_bytes(V, "A\\xc3") eq "\\xff"', "00100"),
    ('remove_bytes(V, "a") eq "z"', "00010"),
    ('remove_bytes(V, "") eq ""', "01000"),
    ('lookup_json_string(V, "a") ne "x"', "00000"),
    ('lookup_json_integer(V, 0) ge 0', "00000"),
    ('decode_base64(V) ne "\\x00"', "01001"),
    ('decode_base64(V) eq ""', "01000"),
    ('join(http.request.headers["v"], "-") eq "Abc"', "00001"),
    ('has_key(http.request.headers, "v")', "01111"),
    ("has_key(http.request.headers, lower(V))", "00000"),
    ('has_value(http.request.headers["v"], "Abc")', "00001"),
    ('not has_value(http.request.headers["v"], "Abc")', "11110"),
    ("has_value(http.request.headers.values, V)", "01111"),
    ('coalesce(V, "Abc") eq "Abc"', "10001"),
    ('coalesce(V, http.request.headers["w"][0]) ge ""', "01111"),
    ('encode_base64(V) eq "QWJj"', "00001"),
    ('encode_base64(V, "u") eq "_8NB"', "00100"),
    ('encode_base64(V) eq ""', "01000"),
    ("len(sha256(V)) eq 32", "01111"),
    ("len(sha512(V)) eq 64", "01111"),
    ("len(uuidv4(V)) eq 36", "00010"),
    ('uuidv4(V) strict wildcard "????????-*"', "00000"),
    ('uuidv4(V) eq "61616161-6161-4161-a161-616161616161"', "00010"),
    ('split(V, "b", 9)[1] eq "c"', "00001"),
    ('split(V, "b", 9)[0] eq ""', "01000"),
    ('len(split(V, "a", 128)) eq 128', "00010"),
    ('regex_replace(V, "^(.)(.)", "${2}${1}$$") eq "bA$c"', "00001"),
    ('regex_replace(V, "^$", "x") eq "x"', "01000"),
    (r'regex_replace(V, r"\xc3", "") eq "\xffA"', "00100"),
    ('wildcard_replace(V, "a*", "${1}") eq "bc"', "00001"),
    ('wildcard_replace(V, "*", "x${1}") eq "x"', "01000"),
    ('wildcard_replace(V, "a*", "", "s") eq ""', "01010"),
    ("is_timed_hmac_valid_v0(\"k\", V, 10, http.request.timestamp.sec)", "00000"),
    ('any(http.request.headers["v"][*] eq "Abc")', "00001"),
    ('all(http.request.headers["v"][*] eq "Abc")', "10001"),
    ('all(http.request.headers["v"][*] ne "Abc")', "11110"),
    ('any(not http.request.headers["v"][*] eq "Abc")', "01110"),
    ('any(lower(http.request.headers["v"][*])[*] eq "abc")', "00001"),
    ('all(starts_with(http.request.headers["v"][*], "A"))', "00001"),
    ('any(decode_base64(http.request.headers["v"][*])[*] ge "")', "01001"),
    ('len(lower(http.request.headers["v"][*])) eq 1', "01111"),
    ('http.request.headers["v"][1] ge ""', "00000"),
    ('http.request.headers["v"][4294967295] ge ""', "00000"),
    ('V eq "Abc" and not V eq "x"', "00001"),
    ('V eq "x" or not V eq "x"', "11111"),
    ('V eq "Abc" xor V eq "Abc"', "00000"),
]  # fmt: skip


@pytest.fixture(scope="module")
def facts_of(make_facts: Maker) -> dict[str, Facts]:
    return {name: make_facts(headers=() if value is None else ((b"V", value),)) for name, value in VALUES.items()}


@pytest.mark.parametrize(("text", "expected"), TEXT_TABLE, ids=[text for text, _ in TEXT_TABLE])
def test_a_text_is_judged(facts_of: dict[str, Facts], text: str, expected: str) -> None:
    matches = compile_expression(text.replace("V", V)).matches
    assert "".join(str(int(matches(facts))) for facts in facts_of.values()) == expected


NUMBERS: tuple[int | None, ...] = (None, 0, 7, 2**32 - 1)
NUMBER_TABLE = [
    ("N eq 7", "0010"),
    ("N ne 7", "0101"),
    ("N lt 7", "0100"),
    ("N le 07", "0110"),
    ("N gt 0x7", "0001"),
    ("N ge 7", "0011"),
    ("N ge -9223372036854775808", "0111"),
    ("N le 9223372036854775807", "0111"),
    ("N lt -9223372036854775808", "0000"),
    ("N gt 9223372036854775807", "0000"),
    ("N bitwise_and 1", "0011"),
    ("N & 0", "0000"),
    ("N & -1", "0011"),
    ("N in {0 5..9}", "0110"),
    ("N in {-9223372036854775808..9223372036854775807}", "0111"),
    ("not N in {0 7}", "1001"),
    ('to_string(N) eq "7"', "0010"),
    ('to_string(N) eq "4294967295"', "0001"),
    ("coalesce(N, 7) eq 7", "1010"),
    ("N eq 7 xor N ne 7", "0111"),
]


@pytest.mark.parametrize(("text", "expected"), NUMBER_TABLE, ids=[text for text, _ in NUMBER_TABLE])
def test_a_number_is_judged(make_facts: Maker, text: str, expected: str) -> None:
    matches = compile_expression(text.replace("N", "ip.src.asnum")).matches
    judged = [matches(make_facts(place=Place(asn=number))) for number in NUMBERS]
    assert "".join(str(int(answer)) for answer in judged) == expected


ADDRESSES = ("0.0.0.0", "192.0.2.7", "255.255.255.255", "::", "2001:db8::7", "::ffff:c000:207")
ADDRESS_TABLE = [
    ("A eq 192.0.2.7", "010000"),
    ("A ne 192.0.2.7", "101111"),
    ("A lt 192.0.2.7", "100000"),
    ("A le 192.0.2.7", "110000"),
    ("A gt 192.0.2.7", "001000"),
    ("A ge ::", "000111"),
    ("A in {0.0.0.0/0}", "111000"),
    ("A in {::/0}", "000111"),
    ("A in {192.0.2/24 2001:db8::/32}", "010010"),
    ("A in {0.0.0.0..192.0.2.6 ::..::1}", "100100"),
    ("not A in {::/0}", "111000"),
    ("cidr(A, 24, 32) in {192.0.2.0 2001:db8::}", "010010"),
    ("cidr(A, 32, 128) eq 192.0.2.7", "010000"),
    ("cidr(A, 0, 0) in {0.0.0.0 ::}", "111111"),
    ("cidr6(A, 1) eq ::", "000111"),
    ("cidr6(A, 1) eq 255.255.255.255", "001000"),
    ('to_string(A) in {"192.0.2.7" "2001:db8::7"}', "010010"),
    ("coalesce(A, ::1) eq 192.0.2.7", "010000"),
]


@pytest.mark.parametrize(("text", "expected"), ADDRESS_TABLE, ids=[text for text, _ in ADDRESS_TABLE])
def test_an_address_is_judged(make_facts: Maker, text: str, expected: str) -> None:
    matches = compile_expression(text.replace("A", "ip.src")).matches
    judged = [matches(make_facts(address=address)) for address in ADDRESSES]
    assert "".join(str(int(answer)) for answer in judged) == expected


ARRAYS: tuple[bytes, ...] = (b"/", b"/?a", b"/?a=1&a=2&b=1", b"/?" + b"a=1&" * 5000 + b"z=9", b"/?\xff=\xfe")
ARRAY_TABLE = [
    ('any(http.request.uri.args["a"][*] eq "1")', "00110"),
    ('all(http.request.uri.args["a"][*] eq "1")', "10011"),
    ('any(http.request.uri.args[*][*] eq "1")', "00110"),
    ('any(http.request.uri.args[*][0] eq "9")', "00010"),
    ('http.request.uri.args["a"][0] eq ""', "01000"),
    ('http.request.uri.args["a"][4999] eq "1"', "00010"),
    ('len(http.request.uri.args["a"]) ge 2', "00110"),
    ("len(http.request.uri.args.names) eq 0", "10000"),
    ('has_value(http.request.uri.args.values, "9")', "00010"),
    ('has_key(http.request.uri.args, "\\xff")', "00001"),
    ("has_key(http.request.uri.args, http.request.uri.args.names[0])", "01111"),
    ('any((http.request.uri.args.names[*] eq "a" and http.request.uri.args.values[*] eq "2"))', "00100"),
    ('any((http.request.uri.args.names[*] eq "z" xor http.request.uri.args.values[*] eq "9"))', "00000"),
    ('all((http.request.uri.args.names[*] eq "a" or http.request.uri.args["a"][*] eq "1"))', "11111"),
    ('len(concat(http.request.uri.args["a"], http.request.uri.args["b"])) eq 3', "00100"),
    ('join(http.request.uri.args.values, "+") eq "1+2+1"', "00100"),
    ('any(concat(http.request.uri.args.names[*], "!")[*] eq "z!")', "00010"),
    ('remove_query_args(http.request.uri.query, "a") eq "b=1"', "00100"),
    ('remove_query_args(http.request.uri.query, "a", "z") eq ""', "11010"),
    ('any(not http.request.uri.args["a"][*] eq "1")', "01100"),
    ('any(substring(http.request.uri.args.values[*], 0, 1)[*] eq "\\xfe")', "00001"),
]


@pytest.mark.parametrize(("text", "expected"), ARRAY_TABLE, ids=[text for text, _ in ARRAY_TABLE])
def test_an_array_is_judged(make_facts: Maker, text: str, expected: str) -> None:
    matches = compile_expression(text).matches
    assert "".join(str(int(matches(make_facts(target=target)))) for target in ARRAYS) == expected


JSON = (
    (b'{"a": "x", "n": -5}', '"a") eq "x"', True),
    (b'{"a": {"b": [1, {"c": "x"}]}}', '"a", "b", 1, "c") eq "x"', True),
    (b'["x"]', '0) eq "x"', True),
    (b'["x"]', '1) ne ""', False),
    (b'["x"]', '"0") ne ""', False),
    (b'{"0": "x"}', '0) ne ""', False),
    (b'{"a": null}', '"a") ne ""', False),
    (b'{"a": 1}', '"a") ne ""', False),
    (b'{"a": "x", "a": "y"}', '"a") eq "y"', True),
    ('{"é": "ü"}'.encode(), '"é") eq "ü"', True),
    (b'{"a": "\\u00e9\\ud83d\\ude00"}', '"a") eq "é\U0001f600"', True),
    (b'{"a": "\\ud800"}', '"a") ge ""', False),
    (b'{"\xff": "x"}', '"a") ge ""', False),
    (b'\xff\xfe{\x00}\x00', '"a") ge ""', False),
    (b'{"a": "x"', '"a") ge ""', False),
    (b'{"a": "x"} x', '"a") ge ""', False),
    (b'{"a": NaN, "b": "x"}', '"b") ge ""', False),
    (b"[" * 100_000, '0) ge ""', False),
    (b"[" * 900 + b"]" * 900, '0) ge ""', False),
    (b'{"a": "' + b"x" * 2_000_000 + b'"}', '"a") ge ""', False),
    (b"", '"a") ge ""', False),
)  # fmt: skip


@pytest.mark.parametrize(("document", "rest", "expected"), JSON, ids=range(len(JSON)))
def test_a_text_is_looked_up(make_facts: Maker, document: bytes, rest: str, expected: bool) -> None:
    facts = make_facts()._replace(body=Body(document, False, len(document)))
    assert compile_expression("lookup_json_string(http.request.body.raw, " + rest).matches(facts) is expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (b"[42]", True),
        (b"[42.0]", False),
        (b"[4.2e1]", False),
        (b'["42"]', False),
        (b"[true]", False),
        (b"[-9223372036854775808]", True),
        (b"[9223372036854775808]", False),
        (b"[1" + b"0" * 5000 + b"]", False),
    ],
)
def test_an_integer_is_looked_up(make_facts: Maker, document: bytes, expected: bool) -> None:
    facts = make_facts()._replace(body=Body(document, False, len(document)))
    text = "lookup_json_integer(http.request.body.raw, 0) in {-9223372036854775808 42}"
    assert compile_expression(text).matches(facts) is expected
    text = "any(lookup_json_integer(http.request.body.multipart.values[*], 0)[*] eq 1)"
    assert not compile_expression(text).matches(facts)


@pytest.mark.parametrize(
    ("value", "plain", "recursive", "wide"),
    [
        (b"a%20b+c", b"a b c", b"a b c", b"a b c"),
        (b"%2520", b"%20", b" ", b"%20"),
        (b"%u2601", b"%u2601", b"%u2601", "\u2601".encode()),
        (b"%", b"%", b"%", b"%"),
        (b"%4", b"%4", b"%4", b"%4"),
        (b"%zz%41", b"%zzA", b"%zzA", b"%zzA"),
        (b"%e4%BD", b"\xe4\xbd", b"\xe4\xbd", b"\xe4\xbd"),
        (b"%ud800", b"%ud800", b"%ud800", b"?"),
        (b"%%34%31", b"%41", b"A", b"%41"),
        (b"%252525252541", b"%2525252541", b"A", b"%2525252541"),
    ],
)
def test_what_is_encoded_is_decoded(
    make_facts: Maker, value: bytes, plain: bytes, recursive: bytes, wide: bytes
) -> None:
    facts = make_facts(headers=((b"V", value),))
    for options, expected in (("", plain), (', "r"', recursive), (', "u"', wide)):
        literal = "".join(f"\\x{byte:02x}" for byte in expected)
        assert compile_expression(f'url_decode({V}{options}) eq "{literal}"').matches(facts), options


def test_digests_are_those_of_the_standard(make_facts: Maker) -> None:
    facts = make_facts(headers=((b"V", b"my-token"),))
    expected = base64.b64encode(hashlib.sha256(b"my-token").digest()).decode().rstrip("=")
    assert compile_expression(f'encode_base64(sha256({V})) eq "{expected}"').matches(facts)
    assert compile_expression(f'encode_base64(sha256("my-token"), "p") eq "{expected}="').matches(facts)


@pytest.mark.parametrize(
    ("call", "value", "expected"),
    [
        ('regex_replace(V, "/bar$", "/baz")', b"/foo/bar", b"/foo/baz"),
        ('regex_replace(V, "^/y$", "/mumble")', b"/x", b"/x"),
        ('regex_replace(V, "^/FOO$", "/x")', b"/foo", b"/foo"),
        ('regex_replace(V, "/a", "/b")', b"/a/a", b"/b/a"),
        ('regex_replace(V, "^/b$", "/b$$")', b"/b", b"/b$"),
        ('regex_replace(V, "^/foo/([^/]*)/(.*)$", "/bar/${2}/${1}")', b"/foo/a/path", b"/bar/path/a"),
        ('regex_replace(V, "(a)|(b)", "[${1}${2}${0}]$")', b"xb", b"x[bb]$"),
        ('regex_replace(V, "a|ab", "")', b"abc", b"bc"),
        ('wildcard_replace(V, "https://*.example.com/*/*", "https://example.com/${1}/${2}/${3}")',
         b"https://apps.example.com/calendar/admin?expand=true", b"https://example.com/apps/calendar/admin?expand=true"),
        ('wildcard_replace(V, "/applications/*", "/apps/${1}")', b"https://x/applications/a", b"https://x/applications/a"),
        ('wildcard_replace(V, "/*", "/apps/${1}")', b"/calendar", b"/apps/calendar"),
        ('wildcard_replace(V, "/apps/*", "/${1}")', b"/Apps/calendar", b"/calendar"),
        ('wildcard_replace(V, "/apps/*", "/${1}", "s")', b"/Apps/calendar", b"/Apps/calendar"),
        ('wildcard_replace(V, "/apps/*/login", "/${1}/login")', b"/apps/calendar/login", b"/calendar/login"),
        (r'wildcard_replace(V, r"\*\\*", "${1}")', b"*\\x", b"x"),
        ('remove_query_args(V, "country")', b"order=asc&country=GB", b"order=asc"),
        ('remove_query_args(V, "category")', b"category=Foo&order=desc&category=Bar", b"order=desc"),
        ('remove_query_args(V, "search")', b"order=asc&country=GB", b"order=asc&country=GB"),
        ('join(split(V, ",", 3), "|")', b"groceries,electronics,diy,auto", b"groceries|electronics|diy,auto"),
        ('join(split(V, ",", 64), "|")', b"groceries,,electronics", b"groceries||electronics"),
        ('encode_base64(V, "up")', b"\xfb\xef\xff\x00", b"--__AA=="),
        ('decode_base64(V)', b"MTIzYWJj", b"123abc"),
        ('decode_base64(V)', b"--__AA==", b"\xfb\xef\xff\x00"),
    ],
)  # fmt: skip
def test_a_documented_example_holds(make_facts: Maker, call: str, value: bytes, expected: bytes) -> None:
    literal = "".join(f"\\x{byte:02x}" for byte in expected)
    text = f'{call.replace("V", "http.request.uri.query")} eq "{literal}"'
    assert compile_expression(text).matches(make_facts(target=b"/?" + value))


def test_no_text_grows_beyond_its_limit(make_facts: Maker) -> None:
    facts = make_facts()._replace(body=Body(b"a" * (LONGEST // 2 + 1), False, None))
    body = "http.request.body.raw"
    for call in (
        f"concat({body}, {body})",
        f'concat({body}, substring({body}, 0), "")',
        f"encode_base64(encode_base64(encode_base64({body})))",
        f'regex_replace({body}, "^(.*)$", "${{1}}${{1}}")',
        f'wildcard_replace({body}, "*", "${{1}}${{1}}")',
        f'join(split({body}, "a", 128), "{"b" * 3000}")',
    ):
        matches = compile_expression(f"len({call}) ge 0").matches
        grows = "split" not in call
        assert matches(facts) is not grows, call


def test_a_random_seed_stays_with_the_request_and_differs_between_requests(make_facts: Maker) -> None:
    seed = FIELDS.fields["cf.random_seed"].read
    one = make_facts()
    again = make_facts()
    other = one._replace(request=one.request._replace(ray="f" * 16), memo={})
    assert seed(one) == seed(again) != seed(other)
    assert len(seed(one)) == 32
    assert compile_expression('uuidv4(cf.random_seed) matches "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]"').matches(
        one
    )


@pytest.mark.parametrize(
    "text",
    [
        "not cf.tls_client_auth.cert_verified",
        'cf.tls_client_auth.cert_fingerprint_sha256 ne "x"',
        'cf.worker.upstream_zone eq ""',
        'cf.zone.plan eq "ENT" and cf.zone.name eq "zone"',
    ],
)
def test_what_is_the_same_for_all_requests_here_is_known(make_facts: Maker, text: str) -> None:
    assert compile_expression(text).matches(make_facts())


def test_our_end_of_the_connection_is_known_where_it_has_one(make_facts: Maker) -> None:
    rule = compile_expression("cf.edge.server_port in {80 443} and cf.edge.server_ip eq 192.0.2.80")
    facts = make_facts()
    assert rule.matches(facts._replace(client=facts.client._replace(here=ip_address("192.0.2.80"), here_port=443)))
    assert not rule.matches(facts)
    assert not compile_expression("cf.edge.server_port ne 80").matches(facts)


def test_what_cannot_be_known_is_missing(make_facts: Maker) -> None:
    facts = make_facts(score=50)
    assert "cf.waf.score" in UNKNOWABLE
    for name in UNKNOWABLE:
        assert FIELDS.fields[name].read(facts) is None


@pytest.mark.parametrize(
    "text",
    [
        'has_value(http.request.headers, "x")',
        "has_value(http.request.headers.names, 1)",
        'has_value(cf.bot_management.detection_ids, "1")',
        'encode_base64(http.host, "z") eq ""',
        'split(http.host, "", 3)[0] eq ""',
        'split(http.host, ",", 0)[0] eq ""',
        'split(http.host, ",", 129)[0] eq ""',
        'split(http.host, ",")[0] eq ""',
        'regex_replace(http.host, "(", "") eq ""',
        'regex_replace(http.host, "a", "${1}") eq ""',
        'regex_replace(http.host, "\\xff", "") eq ""',
        f'regex_replace(http.host, "(a)", "{"${1}" * 9}") eq ""',
        'regex_replace(http.host, "(?:a{1000}){1000}", "") eq ""',
        'wildcard_replace(http.host, "**", "") eq ""',
        'wildcard_replace(http.host, "*", "", "i") eq ""',
        'to_string(http.host) eq ""',
        'remove_query_args(http.request.uri.query) eq ""',
        "cidr(ip.src, 33, 0) eq 1.2.3.4",
        'url_decode(http.host, "x") eq ""',
        'is_timed_hmac_valid_v0("", http.host, 1, 2)',
        'is_timed_hmac_valid_v0("k", http.host, 0, 2)',
        'is_timed_hmac_valid_v0("k", http.host, 1, 2, 0, "x")',
        'lookup_json_string(http.host, -1) eq ""',
        'trim(http.host) eq ""',
        'is_jwt_valid("x")',
    ],
)
def test_a_call_that_cannot_be_right_is_refused(text: str) -> None:
    with pytest.raises(RuleError):
        compile_expression(text)


def test_the_table_has_every_function() -> None:
    shown = " ".join(text for table in (TEXT_TABLE, NUMBER_TABLE, ADDRESS_TABLE, ARRAY_TABLE) for text, _ in table)
    assert {name for name in FUNCTIONS if f"{name}(" not in shown} == set()
