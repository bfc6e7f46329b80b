"""Work alone gives level js; more takes a report that this challenge's seed asked for, and presses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from botproxy.challenges import Known, Passed, Reason, Settings, Step, conclude, verify
from botproxy.challenges.choosing import effort, first_step
from botproxy.challenges.ticket import decode
from botproxy.challenges.tickets import moved_ticket, next_ticket
from botproxy.model import ClearanceLevel

MANAGED, INTERACTIVE = ClearanceLevel.MANAGED, ClearanceLevel.INTERACTIVE


def worked(site: Any, page: Any) -> Passed:
    """The page's work, done by a native program."""
    from botproxy.challenges.puzzle import solve

    answer = solve(page.nonce, page.data["difficulty"], page.data["puzzles"])
    judged = verify(
        sealer=site.sealer,
        now=site.now + 1,
        zone="shop",
        headers=site.request().headers,
        client=site.client,
        token=page.token,
        answer=answer,
    )
    assert isinstance(judged, Passed)
    return judged


@pytest.mark.parametrize("level", [MANAGED, INTERACTIVE])
@pytest.mark.parametrize("report", [None, "", "A" * 60, "x" * 20_000, "\ud800"])
def test_a_program_that_works_and_does_not_report_gets_nothing(site: Any, level: Any, report: str | None) -> None:
    passed = worked(site, site.page(level=level))
    found = conclude(passed, headers=site.request().headers, report=report, presses=None)
    assert found.reason is Reason.UNPROVEN


def test_work_alone_gives_level_js(site: Any) -> None:
    passed = worked(site, site.page())
    assert conclude(passed, headers=site.request().headers, report=None, presses=None).reason is None
    assert passed.ticket.level is ClearanceLevel.JS


@pytest.mark.parametrize(
    ("known", "step"),
    [
        (Known(), Step.REPORT),
        (Known(score=80, js_passed=True), Step.REPORT),
        (Known(score=5), Step.REPORT),
        (Known(score=1), Step.PRESS),
        (Known(score=80, js_passed=False), Step.PRESS),
        (Known(score=80, failed=3), Step.CONFIRM),
    ],
    ids=str,
)
def test_a_managed_challenge_asks_for_a_click_only_where_something_speaks_against_it(known: Known, step: Step) -> None:
    assert first_step(MANAGED, known.score, known.js_passed, known.failed) is step


def test_the_page_says_what_its_ticket_says(site: Any) -> None:
    page = site.page(level=MANAGED, known=Known(score=1), rule="r1")
    ticket = decode(site.sealer.open(page.token.encode()) or b"")
    assert ticket is not None
    assert (ticket.step, ticket.rule, page.data["step"], len(page.data["presses"])) == (Step.PRESS, "r1", 2, 1)
    assert json.dumps(page.data["presses"]) == "[[0, 0]]"


def test_work_grows_with_what_one_network_solves_and_never_beyond_bounds() -> None:
    settings = Settings()
    sizes = [effort(settings, Step.WORK, 50, solved).puzzles for solved in (0, 19, 20, 40, 60, 10_000)]
    assert sizes == [64, 64, 128, 256, 256, 256]
    assert effort(settings, Step.REPORT, 80).puzzles == 16
    assert effort(settings, Step.REPORT, 10).puzzles == 128


def test_who_moves_is_given_the_same_challenge_and_not_for_ever(site: Any) -> None:
    page = site.page()
    ticket = decode(site.sealer.open(page.token.encode()) or b"")
    assert ticket is not None
    more: dict[str, Any] = {"settings": Settings(), "randomness": site.randomness, "now": site.now}
    for number, address in enumerate(("2001:db8::1", "198.51.100.1", "2001:db8::2")):
        moved = moved_ticket(ticket, client=site.visitor_at(address), **more)
        assert moved is not None
        assert moved.nonce != ticket.nonce
        assert (moved.moves, moved.ray, moved.level, len(moved.homes)) == (number + 1, ticket.ray, ticket.level, 2)
        ticket = moved
    assert moved_ticket(ticket, client=site.client, **more) is None


def test_failures_add_up_from_page_to_page(site: Any) -> None:
    ticket = worked(site, site.page(level=MANAGED)).ticket
    more: dict[str, Any] = {"settings": Settings(), "randomness": site.randomness, "now": site.now}
    follows = next_ticket(ticket, step=Step.PRESS, failed=True, **more)
    assert (follows.failures, follows.step, follows.level) == (1, Step.PRESS, MANAGED)
    assert next_ticket(follows, step=Step.CONFIRM, failed=False, **more).failures == 1
