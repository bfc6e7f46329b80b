"""The data set that stands in the project: what its card says is so, and nothing in it tells the laboratory."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from botproxy.training import dataset
from botproxy.training.dataset import Labelled

DATA = Path(__file__).parents[2] / "lab" / "data" / "traffic.jsonl.xz"
LABORATORY = re.compile(r"\b127\.0\.0\.1\b|localhost|/tmp/|:\d{4,5}\b")


@pytest.fixture(scope="module")
def requests() -> list[Labelled]:
    return list(dataset.read(DATA))


def test_the_card_counts_what_is_there(requests: list[Labelled]) -> None:
    card = dataset.card(DATA)
    assert card["requests"] == len(requests)
    assert card["visits"] == len({one.session for one in requests})
    assert card["requests_of_humans"] == sum(one.human for one in requests)
    assert card["requests_generated"] == sum(one.generated for one in requests)
    assert card["biases"]
    assert DATA.stat().st_size < 20 * 1024 * 1024


def test_nothing_tells_the_laboratory(requests: list[Labelled]) -> None:
    texts = {text for one in requests for text in (one.target, *(value for _, value in one.headers))}
    assert [text for text in texts if LABORATORY.search(text)] == []
    assert {one.host for one in requests} <= {"site.test", "other.test"}
    assert {one.address.rpartition(".")[0].rpartition(".")[0] for one in requests} == {"198.18", "198.19"}


def test_lines_are_in_order_of_time_and_a_session_is_one_clients(requests: list[Labelled]) -> None:
    assert all(first.time <= second.time for first, second in pairwise(requests))
    owners: dict[str, tuple[object, ...]] = {}
    steps: dict[str, int] = {}
    for one in requests:
        owner = (one.human, one.family, one.client, one.behaviour)
        assert owners.setdefault(one.session, owner) == owner
        assert one.step == steps.get(one.session, 0)
        steps[one.session] = one.step + 1


def test_both_labels_have_https_http2_and_sessions(requests: list[Labelled]) -> None:
    for human in (True, False):
        own = [one for one in requests if one.human is human]
        assert {one.http for one in own} >= {"HTTP/1.1", "HTTP/2"}
        assert sum(one.since is not None for one in own) > 1000
        assert len({one.family for one in own}) > (3 if human else 40)
