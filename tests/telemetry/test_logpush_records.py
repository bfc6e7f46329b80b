"""What jobs make of events: fields, filters, samples, and tables that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import orjson
import pytest

from botproxy.model import Event
from botproxy.telemetry.datasets import fields_of
from botproxy.telemetry.logpush_records import Records
from botproxy.telemetry.logpush_settings import LogpushSettings

_BLANK = {name: () if get_origin(kind) is tuple else kind() for name, kind in get_type_hints(Event).items()}


def row(**changes: Any) -> list[Any]:
    """An event's row, as it comes over a link."""
    made: list[Any] = orjson.loads(orjson.dumps(tuple(Event(**{**_BLANK, **changes}))))
    return made


def records(**settings: Any) -> Records:
    return Records(LogpushSettings(**{"name": "job", "stdout": True, **settings}))


def cells(made: Records, event: list[Any]) -> list[str]:
    """The cells of the one line of an event."""
    (line,) = made.lines(event)
    (found,) = csv.reader(io.StringIO(line.decode(), newline=""))
    return found


def test_the_fields_that_were_asked_for_in_their_order_and_time_format() -> None:
    made = records(fields=("BotScore", "EdgeStartTimestamp", "ClientRequestURI"), timestamp_format="rfc3339ms")
    (line,) = made.lines(row(score=7, start=1767323045.25, path="/a", query="b=*"))
    assert line == b'{"BotScore":7,"EdgeStartTimestamp":"2026-01-02T03:04:05.250Z","ClientRequestURI":"/a?b=*"}\n'


def test_a_rule_that_matched_is_a_record_of_firewall_events_and_the_last_has_index_0() -> None:
    event = row(
        actions=("skip", "managedChallenge"),
        rule_ids=("one", "two"),
        sources=("firewallCustom", "botManagement"),
        rule_id="two",
        rule_description="both",
        referer="https://a.example/b?c=*",
        query="q=*",
        zone="shop",
    )
    made = records(dataset="firewall_events")
    first, last = [json.loads(line) for line in made.lines(event)]
    assert set(first) == set(fields_of("firewall_events"))
    names = ("Action", "RuleID", "Source", "MatchIndex", "Description", "Kind")
    assert [first[name] for name in names] == ["skip", "one", "firewallcustom", 1, "", "firewall"]
    assert [last[name] for name in names] == ["managedchallenge", "two", "botmanagement", 0, "both", "firewall"]
    assert (last["ClientRefererHost"], last["ClientRefererPath"], last["ClientRefererQuery"]) == (
        "a.example",
        "/b",
        "?c=*",
    )
    assert last["ClientRequestQuery"] == "?q=*"
    assert not made.wants(row())


@pytest.mark.parametrize(
    "expression",
    [
        'http.host eq "shop.example"',
        "ip.src in {198.51.100.0/24}",
        "cf.bot_management.score lt 30 and not cf.bot_management.verified_bot",
        'http.request.uri.path eq "/a b" and http.request.uri.query contains "q="',
        'http.user_agent contains "curl" and http.referer eq "https://x.example/"',
        'ip.geoip.country eq "DE" and ip.geoip.asnum eq 64500',
        'ssl and http.request.method eq "GET"',
        'cf.bot_management.ja4 eq "t13d"',
        "any(cf.bot_management.detection_ids[*] eq 17)",
        "http.response.code eq 403",
    ],
)
def test_a_filter_asks_what_the_event_has(expression: str) -> None:
    event = row(
        host="shop.example", client_ip="198.51.100.7", score=12, score_source="Heuristics", path="/a b", query="q=*",
        user_agent="curl/8", referer="https://x.example/", client_country="DE", client_asn=64500, scheme="https",
        method="GET", ja4="t13d", detection_ids=(17,), status=403, zone="shop", ray="0" * 16,
    )  # fmt: skip
    assert records(filter=expression).wants(event)
    assert not records(filter=f"not ({expression})").wants(event)


def test_where_scoring_failed_a_filter_that_asks_for_the_score_lets_nothing_through() -> None:
    event = row(scoring_failed=True, score=0)
    assert not records(filter="cf.bot_management.score lt 30").wants(event)
    assert not records(filter="not cf.bot_management.score lt 30").wants(event)


def test_a_sample_is_drawn_by_the_ray_and_is_the_same_for_both_datasets() -> None:
    events = [row(ray=f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}", actions=("log",)) for number in range(4000)]
    made = [records(sample_rate=0.25, dataset=dataset) for dataset in ("http_requests", "firewall_events")]
    first, second = ([event for event in events if each.wants(event)] for each in made)
    assert first == second
    assert 800 < len(first) < 1200


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "=cmd|' /C calc'!A0", "＝1"],
)
def test_no_cell_of_a_table_is_a_formula(text: str) -> None:
    (cell,) = cells(records(output="csv", fields=("ClientRequestUserAgent",)), row(user_agent=text))
    assert cell == "'" + text


def test_a_table_keeps_what_is_harmless_as_it_is() -> None:
    made = records(output="csv", fields=("ClientRequestUserAgent", "BotScore", "BotDetectionIDs", "BotproxyHosting"))
    assert made.head == b"ClientRequestUserAgent,BotScore,BotDetectionIDs,BotproxyHosting\r\n"
    event = row(user_agent='a "b", c\nd; +e', score=5, detection_ids=(1, 2))
    assert cells(made, event) == ['a "b", c\nd; +e', "5", "[1,2]", "false"]


def test_what_no_encoder_takes_harms_nobody() -> None:
    assert cells(records(output="csv", fields=("ClientRequestPath",)), row()[:0] or row(path="/\x1b[2J\x9b")) == [
        "/�[2J�"
    ]
    (line,) = records(fields=("ClientRequestPath",)).lines(row(path="/\x9b\x7f"))
    assert line == b'{"ClientRequestPath":"/\\u009b\\u007f"}\n'


def test_the_page_lists_every_field() -> None:
    page = (Path(__file__).parents[2] / "docs" / "log-exports.md").read_text("utf-8")
    listed = set(re.findall(r"`([A-Z][A-Za-z0-9]+)`", page.partition("## Fields")[2]))
    assert set(fields_of("http_requests")) | set(fields_of("firewall_events")) <= listed
