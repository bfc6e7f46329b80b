"""Company at an address: a visit keeps its own requests, and who is beside it shares nothing but the address."""

from __future__ import annotations

import random

import pytest

from botproxy.scoring.ml import NAMES, decode
from botproxy.training.accompanied import COMPANY
from lab.company import KINDS, Beside, Visit
from lab.neighbours import WAYS, Asked, judged, lines, recorded, rotating
from lab.targets import MODEL


@pytest.fixture(scope="module")
def visits() -> list[Visit]:
    return recorded(["chromium-dark"])


@pytest.mark.parametrize("beside", KINDS[1:], ids=lambda beside: beside.name)
def test_company_asks_from_the_same_address_and_never_in_the_visit_s_name(beside: Beside, visits: list[Visit]) -> None:
    visit = visits[0]
    made = beside.make(visit, visits, random.Random(1))
    assert made
    assert {one.family for one in made} == {COMPANY}
    assert visit[0].session not in {one.session for one in made}
    assert min(one.time for one in made) < visit[-1].time


def test_every_request_of_a_visit_is_judged_with_each_company_in_the_same_ways(visits: list[Visit]) -> None:
    visits, kinds = visits[:2], KINDS[:2]
    found = list(judged(decode(MODEL.read_bytes(), NAMES), visits, 2, kinds))
    assert len(found) == 2 * 2 * sum(len(visit) for visit in visits)
    by = {kind.name: {(one.visit, one.way, one.step) for one in found if one.beside == kind.name} for kind in kinds}
    assert len({frozenset(each) for each in by.values()}) == 1
    assert {one.way for one in found} <= {name for name, _ in WAYS}


def test_the_worst_of_a_visit_counts_once() -> None:
    alone, beside = KINDS[0].name, KINDS[1].name
    asked = [Asked("v", alone, way, step, 60.0) for way in ("a", "b") for step in (0, 1)]
    asked += [Asked("v", beside, "a", 0, 7.0), Asked("v", beside, "b", 0, 8.0), Asked("v", beside, "a", 1, 50.0)]
    name, first, visits, requests, median, lowest, moved = list(lines(asked, "beside"))[1]
    assert (name, median, lowest) == (beside, "8", "7")
    assert first.startswith("100.0 %")
    assert first.endswith("n = 1)")
    assert visits == first
    assert requests.startswith("66.7 %")
    assert moved.startswith("-52")


def test_crawls_with_the_headers_of_others_are_judged_every_way(visits: list[Visit]) -> None:
    found = list(rotating(decode(MODEL.read_bytes(), NAMES), visits, 2))
    assert [way for way, _, _ in found] == [name for name, _ in WAYS]
    assert {crawls.whole for _, crawls, _ in found} == {2}
