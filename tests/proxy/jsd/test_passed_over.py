"""The operator learns which pages get no script, in bounded memory and without a frame for each of them."""

from __future__ import annotations

from typing import Any

import orjson

from botproxy.proxy.jsd.passed_over import PATHS, TOLD_EVERY, PassedOver
from botproxy.supervisor.passed_over import PassedOver as Listed


def test_a_path_is_told_of_at_once_and_then_seldom_and_no_page_is_lost() -> None:
    told: list[Any] = []
    pages = PassedOver("shop", lambda record: told.append(record) is None)
    listed = Listed()
    for second in range(int(TOLD_EVERY) * 3 + 1):
        pages.note(b"/checkout", "policy", 1000.0 + second)
    assert [record["number"] for record in told] == [1, 10, 10, 10]
    for record in told:
        listed.take(orjson.dumps(record))
    assert listed.listed() == [
        {"zone": "shop", "path": "/checkout", "reason": "policy", "number": 31, "at": 1000 + TOLD_EVERY * 3}
    ]


def test_what_the_link_has_no_room_for_is_told_of_later() -> None:
    told: list[Any] = []
    room = [False, False, True]
    pages = PassedOver("shop", lambda record: room.pop(0) and told.append(record) is None)
    for moment in (1.0, 2.0, 3.0):
        pages.note(b"/a", "policy", 1000 + moment)
    assert [record["number"] for record in told] == [3]


def test_whoever_asks_for_ever_new_paths_does_not_crowd_the_link() -> None:
    told: list[Any] = []
    pages = PassedOver("shop", lambda record: told.append(record) is None)
    for number in range(1000):
        pages.note(b"/%d" % number, "policy", 1000.0 + number / 1000)
    assert 3 <= len(told) <= 5
    pages.note(b"/999", "policy", 1002.0)
    assert (told[-1]["path"], told[-1]["number"]) == ("/999", 2)


def test_both_tables_are_bounded_and_the_newest_stays() -> None:
    listed = Listed()
    pages = PassedOver("shop", lambda record: listed.take(orjson.dumps(record)) is None)
    for number in range(3 * PATHS):
        pages.note(b"/%d\xff" % number, "policy", 1000.0 + number)
    assert len(pages._known) == PATHS
    assert len(listed.listed()) == PATHS
    assert listed.listed()[0]["path"] == f"/{3 * PATHS - 1}\\xff"
