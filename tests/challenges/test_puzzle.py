"""Only work that was done counts (CVE-2025-24369: any hash was accepted as proof of work)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.challenges.puzzle import solve, solved

NONCE = bytes(range(16))
RIGHT = solve(NONCE, 8, 6)


def test_every_solved_puzzle_is_counted() -> None:
    assert solved(NONCE, 8, 6, RIGHT) == 6
    assert solved(NONCE, 8, 6, RIGHT[:16]) == 2


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "0" * 48,
        "f" * 48,
        "0" * 8,
        RIGHT[:8] * 6,
        RIGHT[8:],
        RIGHT[8:16] + RIGHT[:8] + RIGHT[16:],
        RIGHT[:-1],
        RIGHT + "00000000",
        RIGHT + RIGHT,
        RIGHT[:-8] + "zzzzzzzz",
        RIGHT + "\n",
        " " + RIGHT[1:],
        RIGHT[:8] + " " + RIGHT[8:15],
        "0x" + RIGHT[2:],
        "-" + RIGHT[1:],
        "١" * 8,
        "\ud800" * 8,
        "null",
        "[]",
    ],
)
def test_no_other_answer_counts(answer: str) -> None:
    assert solved(NONCE, 8, 6, answer) is None


def test_upper_case_is_not_a_second_spelling() -> None:
    answer = next(a for a in (solve(bytes([n]) * 16, 10, 4) for n in range(50)) if a != a.upper())
    assert all(solved(bytes([n]) * 16, 10, 4, answer.upper()) is None for n in range(50))


def test_a_solution_of_one_nonce_is_worth_nothing_for_another() -> None:
    assert solved(b"\xff" * 16, 8, 6, RIGHT) is None


@given(st.text(max_size=200))
def test_arbitrary_text_is_refused_without_an_error(answer: str) -> None:
    assert solved(NONCE, 20, 256, answer) is None


@given(st.binary(min_size=4, max_size=64).map(bytes.hex))
def test_arbitrary_digits_do_not_count(answer: str) -> None:
    assert solved(NONCE, 22, 256, answer) is None
