"""A report passes on work done for its own seed, fails on strong signs or made-up work; all else is no report."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.model import Headers
from botproxy.scoring.jsd import FAMILY, judge
from botproxy.scoring.jsd.payload import read
from botproxy.scoring.jsd.sealing import LONGEST, close_report, open_report
from lab.clients.forged import forge

SEED = bytes(range(16))
SEEDS = [random.Random(number).randbytes(16) for number in range(20)]


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.hex()[:6])
def test_the_answers_of_a_browser_pass(seed: bytes, report: Any, headers: Any) -> None:
    judged = judge(report(seed).sent(), seed=seed, headers=headers())
    assert (judged.passed, judged.reason, judged.detections) == (True, "passed", ())


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.hex()[:6])
def test_answers_copied_from_another_page_fail(seed: bytes, report: Any, headers: Any) -> None:
    judged = judge(report(seed, answered=SEED).sent(), seed=seed, headers=headers())
    assert judged.passed is False
    assert judged.reason == "contradicted"


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.hex()[:6])
def test_a_document_without_layout_fails(seed: bytes, report: Any, headers: Any) -> None:
    """What jsdom answers: every rectangle is zero, and there are no hits, curves or media queries."""
    made = report(seed)
    made.fields[8:12] = [[[0, 0, 0, 0]] * 4, None, None, None]
    assert judge(made.sent(), seed=seed, headers=headers()).passed is False


def test_a_report_without_answers_counts_as_none(report: Any, headers: Any) -> None:
    made = report(SEED)
    made.fields[8:12] = [[None] * 4, None, None, None]
    judged = judge(made.sent(), seed=SEED, headers=headers())
    assert (judged.passed, judged.reason) == (None, "unproven")


@pytest.mark.parametrize("missing", [9, 10, 11])
def test_a_browser_that_cannot_do_one_task_passes_with_the_others(missing: int, report: Any, headers: Any) -> None:
    made = report(SEED)
    made.fields[missing] = None
    assert judge(made.sent(), seed=SEED, headers=headers()).passed is True


def test_a_browser_whose_blocker_hides_frames_passes_on_layout(report: Any, headers: Any) -> None:
    made = report(SEED)
    made.fields[9] = made.fields[11] = None
    assert judge(made.sent(), seed=SEED, headers=headers()).passed is True


def test_one_box_at_nothing_is_no_layout(report: Any, headers: Any) -> None:
    made = report(SEED)
    made.fields[8:12] = [[None, [0, 0, 0, 0], None, None], None, None, None]
    assert judge(made.sent(), seed=SEED, headers=headers()).reason == "contradicted"


def test_rounding_to_device_pixels_does_no_harm(report: Any, headers: Any) -> None:
    made = report(SEED)
    made.fields[8] = [[round(value / 3.3) * 3.3 for value in chain] for chain in made.fields[8]]
    assert judge(made.sent(), seed=SEED, headers=headers()).passed is True


def test_a_report_closed_under_another_seed_counts_as_none(report: Any, headers: Any) -> None:
    judged = judge(report(SEED).sent(under=SEEDS[0]), seed=SEED, headers=headers())
    assert (judged.passed, judged.reason) == (None, "unreadable")


def test_a_changed_or_truncated_report_counts_as_none(report: Any, headers: Any) -> None:
    sent = report(SEED).sent()
    for changed in (sent[:-1], sent[:40], b"A" + sent[1:], sent + b"A", b"", b"\xff" * 60, sent * 200):
        assert judge(changed, seed=SEED, headers=headers()).reason == "unreadable"


@pytest.mark.parametrize("sign", [1, 2, 10, 11, 14, 16, 30, 56])
def test_a_sure_sign_convicts_alone(sign: int, report: Any, headers: Any) -> None:
    made = report(SEED)
    made.signs.append(sign)
    judged = judge(made.sent(), seed=SEED, headers=headers())
    assert (judged.passed, judged.reason) == (False, "automated")
    assert [detection.id for detection in judged.detections] == [FAMILY | sign]


def test_signs_that_nobody_knows_say_nothing(report: Any, headers: Any) -> None:
    made = report(SEED)
    made.signs.extend([119, 120, 5000])
    assert judge(made.sent(), seed=SEED, headers=headers()).passed is True


HEADER_SIGNS: list[tuple[int, dict[str, str]]] = [
    (60, {"User_Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/150.0.0.0 Safari/537.36"}),
    (61, {"Sec_CH_UA_Platform": '"Windows"'}),
    (62, {"Sec_CH_UA": '"Google Chrome";v="156", "Chromium";v="156"'}),
    (69, {"Sec_CH_UA_Mobile": "?1"}),
    (63, {"Accept_Language": "de-DE,de;q=0.9"}),
]


@pytest.mark.parametrize(("sign", "other"), HEADER_SIGNS, ids=lambda value: str(value)[:3])
def test_headers_that_contradict_the_script_are_a_sign(
    sign: int, other: dict[str, str], report: Any, headers: Callable[..., Headers]
) -> None:
    changed = {name.replace("User_Agent", "User-Agent"): value for name, value in other.items()}
    judged = judge(report(SEED).sent(), seed=SEED, headers=headers(**changed))
    assert [detection.id & 0xFFFFFF for detection in judged.detections] == [sign]
    assert judged.passed is True


def test_a_firefox_that_resists_fingerprinting_agrees_with_its_header(report: Any) -> None:
    made = report(SEED)
    made.fields[2:8] = [
        "gecko", "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", None, None, None, "en-US",
    ]  # fmt: skip
    agent = b"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:153.0) Gecko/20100101 Firefox/153.0"
    sent = Headers(((b"User-Agent", agent), (b"Accept-Language", b"en-US,en;q=0.5")))
    assert judge(made.sent(), seed=SEED, headers=sent).detections == ()


NUMBERS = st.one_of(st.integers(), st.floats(), st.none(), st.booleans())
VALUES = st.recursive(
    st.one_of(NUMBERS, st.text(max_size=20)), lambda inner: st.lists(inner, max_size=12), max_leaves=40
)


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    assert open_report(raw, SEED) is None
    read(raw)


@given(st.lists(VALUES, min_size=14, max_size=14))
@settings(max_examples=100, deadline=None)
def test_no_fields_break_the_judge(fields: list[Any]) -> None:
    text = json.dumps([1, *fields]).encode()[: LONGEST // 2]
    judged = judge(close_report(text, SEED), seed=SEED, headers=Headers(()))
    assert judged.passed is not True


def test_no_single_field_breaks_the_judge(report: Any) -> None:
    @given(place=st.integers(1, 14), value=VALUES)
    @settings(max_examples=150, deadline=None)
    def judged(place: int, value: Any) -> None:
        made = report(SEED)
        made.fields[place] = value
        judge(close_report(json.dumps(made.fields).encode(), SEED), seed=SEED, headers=Headers(()))

    judged()


def test_deep_nesting_is_refused() -> None:
    text = b"[1," + b"[" * 3000 + b"]" * 3000 + b"]"
    assert judge(close_report(text, SEED), seed=SEED, headers=Headers(())).reason == "unreadable"


def test_a_program_with_these_modules_gets_past_and_gains_no_score(headers: Any) -> None:
    """The documented limit: the work is a price, and what it buys is the absence of a finding."""
    assert judge(forge(SEED), seed=SEED, headers=headers(Accept_Language="en-US")).passed is True
