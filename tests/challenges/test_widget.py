"""Tickets and tokens of the widget say what was sealed, to whom it was meant, for as long as they count."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from botproxy.challenges import Settings, widget
from botproxy.challenges.puzzle import solve
from botproxy.challenges.widget_settings import SiteKeySettings, WidgetSettings
from botproxy.cookies import KeyRing, Sealer

NOW = 1_800_000_000.0
RING = KeyRing([bytes(range(32))])
TICKETS = Sealer(RING, widget.TICKET_PURPOSE, "shop")
TOKENS = Sealer(RING, widget.TOKEN_PURPOSE, "shop")
EASY = Settings(puzzles=4, difficulty=4, minimum=2)
ADDRESS = ip_address("192.0.2.7")
WISH = widget.Wish("0x4key", "login", "customer-1", "")


def work(click: bool = False) -> widget.Work:
    return widget.work(EASY, WISH, host="shop.example", nonce=b"n" * 16, now=NOW, click=click, address=ADDRESS)


def handed_in(given: widget.Work, puzzles: int = 4, **more: object) -> bytes:
    answer = solve(given.nonce, given.difficulty, puzzles)
    return orjson.dumps({"ticket": widget.seal(TICKETS, given), "answer": answer, **more})


def judged(body: bytes, now: float = NOW + 1, host: str = "shop.example") -> widget.Work | widget.Failure:
    return widget.judge(TICKETS, body, lifetime=300, now=now, host=host, address=ADDRESS)


def test_a_whole_solution_gives_what_was_asked_for() -> None:
    passed = judged(handed_in(work()))
    assert isinstance(passed, widget.Work)
    said = widget.open_token(
        TOKENS, widget.seal(TOKENS, widget.token(passed, b"t" * 16, NOW, "passed")), "0x4key", NOW + 299
    )
    assert isinstance(said, widget.Token)
    answer = widget.verified(said)
    assert answer == {
        "success": True,
        "error-codes": [],
        "challenge_ts": "2027-01-15T08:00:00.000Z",
        "hostname": "shop.example",
        "action": "login",
        "cdata": "customer-1",
        "metadata": {"interactive": False, "js_detection": "passed"},
    }


@pytest.mark.parametrize(
    ("body", "more", "reason"),
    [
        (handed_in(work(click=True)), {}, "click"),
        (handed_in(work(click=True), clicked="yes"), {}, "click"),
        (handed_in(work(), 1), {}, "work"),
        (handed_in(work(), 3), {}, "early"),
        (handed_in(work()), {"now": NOW + 300}, "expired"),
        (handed_in(work()), {"now": NOW - 3600}, "expired"),
        (handed_in(work()), {"host": "evil.example"}, "host"),
        (handed_in(work(), ticket="A" * 80), {}, "forged"),
        (handed_in(work(), answer="0" * 32), {}, "work"),
        (b"{}", {}, "malformed"),
        (b"[]", {}, "malformed"),
    ],
)
def test_what_does_not_count_says_why(body: bytes, more: dict[str, object], reason: str) -> None:
    failure = judged(body, **more)  # type: ignore[arg-type]
    assert isinstance(failure, widget.Failure)
    assert failure.reason == reason


def test_a_ticket_is_no_token_and_a_token_is_for_one_key_and_300_seconds() -> None:
    minted = widget.token(work(), b"t" * 16, NOW, "missing")
    text = widget.seal(TOKENS, minted)
    assert widget.open_token(TOKENS, widget.seal(TICKETS, work()), "0x4key", NOW) == "invalid-input-response"
    assert widget.open_token(TOKENS, text, "0x4other", NOW) == "invalid-input-response"
    assert widget.open_token(TOKENS, text, "0x4key", NOW + 300) == "timeout-or-duplicate"
    assert widget.open_token(TOKENS, text + " " * 2048, "0x4key", NOW) == "invalid-input-response"
    assert widget.open_token(TOKENS, "ü", "0x4key", NOW) == "invalid-input-response"


def test_the_longest_token_has_at_most_2048_characters() -> None:
    wish = widget.Wish("0x" + "k" * 40, "a" * 32, "c" * 255, "")
    given = widget.work(
        EASY, wish, host="h" * 253, nonce=b"n" * 16, now=NOW, click=True, address=ip_address("2001:db8::1")
    )
    assert len(widget.seal(TOKENS, widget.token(given, b"t" * 16, NOW, "missing"))) < widget.MAX_TOKEN


@pytest.mark.parametrize(
    ("remoteip", "strictness", "same"),
    [
        ("192.0.2.7", "exact", True),
        ("::ffff:192.0.2.7", "exact", True),
        ("192.0.2.8", "exact", False),
        ("192.0.2.8", "network", True),
        ("192.0.3.7", "network", False),
        ("2001:db8::1", "network", False),
        ("nobody", "network", False),
        ("", "exact", True),
        ("198.51.100.1", "none", True),
    ],
)
def test_the_address_is_compared_as_strictly_as_the_key_asks(remoteip: str, strictness: str, same: bool) -> None:
    assert widget.same_address(widget.token(work(), b"t" * 16, NOW, "missing"), remoteip, strictness) is same


QUESTION = {"secret": "s", "response": "r", "remoteip": "192.0.2.7"}
MULTIPART = "".join(f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in QUESTION.items())


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (b"application/x-www-form-urlencoded", urlencode(QUESTION).encode()),
        (b"application/x-www-form-urlencoded; charset=UTF-8", urlencode(QUESTION).encode()),
        (b"application/json", orjson.dumps(QUESTION)),
        (b"Application/JSON; charset=utf-8", orjson.dumps({**QUESTION, "idempotency_key": None})),
        (b"multipart/form-data; boundary=b", (MULTIPART + "--b--\r\n").encode()),
    ],
)
def test_a_question_is_read_from_a_form_from_parts_and_from_json(content_type: bytes, body: bytes) -> None:
    assert widget.read_question(content_type, body) == widget.Question("s", "r", "192.0.2.7", "")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (b"", b"secret=s&response=r"),
        (b"text/plain", b"secret=s&response=r"),
        (b"application/json", b"secret=s"),
        (b"application/json", b"[1]"),
        (b"application/json", b'{"secret": 1}'),
        (b"application/x-www-form-urlencoded", b"secret=a&secret=b"),
        (b"application/x-www-form-urlencoded", b"secret=s&idempotency_key=no-uuid"),
        (b"application/x-www-form-urlencoded", b"\xff"),
        (b"multipart/form-data", b"--b"),
        (b"multipart/form-data; boundary=b", b""),
    ],
)
def test_what_is_no_question_is_none(content_type: bytes, body: bytes) -> None:
    assert widget.read_question(content_type, body) is None


_TYPES = st.sampled_from(
    [b"application/json", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=b", b"multipart/x", b""]
)


@given(_TYPES, st.binary(max_size=200))
def test_any_body_is_a_question_or_none(content_type: bytes, body: bytes) -> None:
    widget.read_question(content_type, body)
    widget.read_wish(body)
    assert isinstance(judged(body), widget.Failure)


@given(st.text(max_size=120))
def test_any_text_is_a_token_or_an_error_code(text: str) -> None:
    assert widget.open_token(TOKENS, text, "0x4key", NOW) == "invalid-input-response"


@pytest.mark.parametrize(
    "fields",
    [
        {"key": "1x", "secret_hash": "0" * 64},
        {"key": "0x4" + "A" * 20, "secret_hash": "secret"},
        {"key": "0x4" + "A" * 20, "secret_hash": "0" * 64, "hosts": ["https://shop.example"]},
        {"key": "0x4" + "A" * 20, "secret_hash": "0" * 64, "hosts": ["*"]},
    ],
)
def test_keys_that_cannot_work_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SiteKeySettings.model_validate(fields)


@pytest.mark.parametrize("alias", ["/", "turnstile/", "/turnstile", "/A/", "/a//"])
def test_an_alias_is_a_path_of_its_own(alias: str) -> None:
    with pytest.raises(ValidationError):
        WidgetSettings.model_validate({"alias": alias})
