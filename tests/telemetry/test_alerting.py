"""When bot traffic is unusual: what is counted, and when it is told."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from botproxy.model import Event
from botproxy.telemetry.alert_settings import AlertSettings
from botproxy.telemetry.alerting import AUTOMATION, GROUP, MAX_KEYS, SPAN, TRAFFIC, Minutes, Watch

NOW = 30_000_000  # a minute
DEFAULTS = {"score": 5, "zone": "shop", "verified_bot_category": "", "action": "unknown", "ja4": "", "client_asn": 0,
            "detection_ids": [], "path": "/", "user_agent": "curl/8", "rule_id": ""}  # fmt: skip


def row(minute: int, **fields: Any) -> list[Any]:
    given = {**DEFAULTS, "start": minute * 60.0 + 1, **fields}
    return [given.get(name) for name in Event._fields]


def watch(since: int = NOW - SPAN, welcome: Any = None, **settings: Any) -> Watch:
    return Watch(AlertSettings(**settings), welcome, since)


def steady(each: int, **fields: Any) -> list[list[Any]]:
    """As many in every minute before the window."""
    return [row(minute, **fields) for minute in range(NOW - SPAN + 1, NOW - 5) for _ in range(each)]


def burst(number: int, **fields: Any) -> list[list[Any]]:
    return [row(NOW - 1 - at % 5, **fields) for at in range(number)]


def test_many_more_bots_than_in_the_hours_before() -> None:
    told = watch()
    told.take(steady(2))
    told.take(burst(400))
    (alert,) = told.look(NOW)
    assert (alert.type, alert.zone, alert.requests, alert.mean) == (TRAFFIC, "shop", 400, 10.0)
    assert alert.z > 3.5
    assert alert.until - alert.since == 300
    assert "400 bot requests in 5 minutes" in alert.text


@pytest.mark.parametrize(
    ("usual", "now"),
    [
        (2, 200),  # not more than 200
        (100, 500),  # as always
    ],
)
def test_what_is_little_or_usual_is_not_told(usual: int, now: int) -> None:
    told = watch()
    told.take(steady(usual))
    told.take(burst(now))
    assert told.look(NOW) == []


def test_people_verified_bots_and_what_has_no_score_are_not_counted() -> None:
    told = watch()
    for fields in ({"score": 30}, {"score": 99}, {"score": 0}, {"verified_bot_category": "Search Engine Crawler"}):
        told.take(burst(400, **fields))
    assert told.look(NOW) == []


def test_the_same_is_not_told_again_for_an_hour() -> None:
    told = watch()
    told.take(burst(400))
    assert len(told.look(NOW)) == 1
    for later in (1, 30, 59, 61):
        told.take([row(NOW + later - 1) for _ in range(2000)])
        assert len(told.look(NOW + later)) == (later == 61)


def test_nothing_is_unusual_before_an_hour_was_watched_or_known_from_before() -> None:
    blind = watch(since=NOW - 30)
    blind.take(burst(400))
    assert blind.look(NOW) == []
    knowing = watch(since=NOW - 30)
    knowing.fill([(TRAFFIC, "shop", NOW - 100, 10)], NOW - SPAN)
    knowing.take(burst(400))
    assert len(knowing.look(NOW)) == 1
    used = watch(since=NOW - 30)
    used.fill([(TRAFFIC, "shop", minute, 100) for minute in range(NOW - SPAN, NOW - 30)], NOW - SPAN)
    used.take([row(minute) for minute in range(NOW - 30, NOW - 5) for _ in range(100)])
    used.take(burst(400))
    assert used.look(NOW) == []


def test_groups_are_told_value_by_value() -> None:
    told = watch(groups=("ja4", "asn", "detection_id"))
    told.take(burst(300, score=80, ja4="t13d"))  # of any score
    told.take(burst(100, client_asn=64500, detection_ids=[7, 8]))
    told.take(burst(150, client_asn=64501, detection_ids=[8]))
    alerts = {(alert.type, alert.group, alert.value): alert.requests for alert in told.look(NOW)}
    assert alerts == {(TRAFFIC, "", ""): 250, (GROUP, "ja4", "t13d"): 300, (GROUP, "detection_id", "8"): 250}


def test_verified_bots_that_are_turned_away() -> None:
    told = watch(since=NOW - 1)
    stopped = {"verified_bot_category": "Feed Fetcher", "action": "block", "user_agent": "Feedly/1.0", "path": "/feed"}
    told.take(burst(19, **stopped))
    assert told.look(NOW) == []
    told.take(burst(1, **stopped))
    (alert,) = told.look(NOW)
    assert (alert.type, alert.requests) == (AUTOMATION, 20)
    told = watch(since=NOW - 1)
    told.take(burst(30, **stopped))
    (alert,) = told.look(NOW)
    assert alert.details == (("Feed Fetcher: Feedly/1.0 at /feed", 30),)
    assert "welcome programs were turned away" in alert.text


def test_who_is_exempt_by_the_preset_and_turned_away() -> None:
    asked: list[Any] = []

    def welcome(given: Any) -> bool:
        asked.append(given)
        return bool(given[Event._fields.index("path")] == "/feed.xml")

    told = watch(welcome=welcome)
    told.take(burst(25, path="/feed.xml", action="managedChallenge", score=50))
    told.take(burst(25, path="/login", action="managedChallenge", score=50))
    told.take(burst(25, path="/feed.xml", score=50))
    (alert,) = told.look(NOW)
    assert (alert.type, alert.requests, len(asked)) == (AUTOMATION, 25, 50)


def test_who_is_turned_away_on_purpose_is_not_told() -> None:
    told = watch()
    for rule in ("bot_management.ai_training", "bot_management.sbfm_verified_bots"):
        told.take(burst(50, verified_bot_category="AI Crawler", action="block", rule_id=rule))
    assert told.look(NOW) == []
    other = watch(automation=False)
    other.take(burst(50, verified_bot_category="AI Crawler", action="block"))
    assert other.look(NOW) == []


def test_what_is_kept_has_a_bound() -> None:
    told = watch(groups=("ja4",))
    told.take([row(NOW - 2, ja4=f"t{number}") for number in range(MAX_KEYS + 500)])
    told.take(burst(300, ja4="heavy"))
    assert {alert.value for alert in told.look(NOW)} == {"", "heavy"}
    assert len(told._counts) <= MAX_KEYS
    assert told.look(NOW + SPAN + 10) == []
    assert len(told._counts) == 0


def test_minutes_are_counted_in_whatever_order_they_come() -> None:
    minutes = Minutes()
    minutes.add(1000, 2)
    minutes.add(999, 3)
    minutes.add(1000 - SPAN, 9)  # too old
    minutes.add(1000 + SPAN + 5, 1)
    assert minutes.between(0, 10_000) == 1
    minutes.add(1000 + SPAN, 4)
    assert minutes.between(1000 + SPAN, 1000 + SPAN + 6) == 5


def test_what_was_counted_outlives_a_restart_with_its_groups() -> None:
    before = watch(groups=("ja4",))
    before.take(steady(2, ja4="t13d"))
    before.look(NOW - 5)
    kept = orjson.loads(orjson.dumps(before.kept(NOW - 5)))

    after = Watch(AlertSettings(groups=("ja4",)), None, NOW - 5)
    assert after.restore(kept, NOW - 4)
    after.take(burst(400, ja4="t13d"))
    (_, alert) = sorted(after.look(NOW), key=lambda each: each.group)
    assert (alert.type, alert.value, alert.requests, alert.mean) == (GROUP, "t13d", 400, 10.0)
    # It was told, and that outlives one as well.
    again = watch(groups=("ja4",))
    assert again.restore(orjson.loads(orjson.dumps(after.kept(NOW))), NOW)
    assert again.look(NOW) == []


def test_what_was_counted_long_ago_is_no_measure() -> None:
    before = watch()
    before.take(steady(2))
    before.look(NOW - 30)
    assert not watch().restore(before.kept(NOW - 30), NOW)
    with pytest.raises((KeyError, TypeError, ValueError)):
        watch().restore({"minute": NOW, "since": 0, "counts": [["a"]], "told": []}, NOW)
