"""Reports of visitors, and what operators make of them: labels, exceptions, feedback."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from botproxy.admin.analytics import Analytics
from botproxy.admin.operator import LOOPBACK, Operator
from botproxy.admin.paging import Page
from botproxy.errors import OperatorError
from botproxy.scoring.ml.registry import Registry
from botproxy.store import labels
from botproxy.store.events import Answer, Events, Groups
from botproxy.supervisor.feedback import FeedbackDesk
from botproxy.supervisor.inbox import ExceptionRequest, InboxDesk, narrow
from botproxy.telemetry import report_file
from tests.scoring.ml.test_registry import model

RAY = "a" * 16
JA4 = "t13d1516h2_8daaf6152771_02713d6af862"
REPORT = {
    "at": "2026-01-31T00:00:00Z",
    "zone": "shop",
    "host": "shop.example",
    "ray": RAY,
    "seen": "blocked",
    "note": "I am a person",
    "address": "",
    "ip": "192.0.2.7",
    "user_agent": 'Reader "1"',
}
EVENT = {"zone": "shop", "ray": RAY, "ja4": JA4, "path": "/shop/a b", "user_agent": 'Reader "1"', "score": 1}
AGENT = 'http.user_agent eq "Reader \\"1\\""'
KEEPER = Operator("ada", "operator", frozenset(("blog",)))


class Store:
    """Knows one event."""

    def __init__(self) -> None:
        self.asked: list[Groups | Events] = []
        self.event: dict[str, Any] | None = EVENT

    async def ask(self, query: Groups | Events, _seconds: float = 1.0) -> Answer:
        self.asked.append(query)
        if isinstance(query, Groups):
            return Answer(("action", "score_group", "count"), [("block", "automated", 3)])
        if self.event is None:
            return Answer(("ray",), [])
        return Answer(tuple(self.event), [tuple(self.event.values())])


class Configuration:
    """Takes every step."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.problems: list[dict[str, str]] = []
        self.view_settings = [
            {"path": "mode", "value": "observe"},
            {"path": "bot_management.fight_mode", "value": False},
            {"path": "bot_management.enable_js", "value": True},
        ]
        self.named = {"cf.bot_management.score", "ip.src"}

    async def take(
        self, _operator: Operator, steps: list[Any], what: str = "", base: int | None = None
    ) -> dict[str, Any]:
        if self.problems:
            return {"ok": False, "problems": self.problems}
        self.taken += steps
        return {"ok": True, "version": 2, "before": 1, "what": what}

    async def try_steps(self, _operator: Operator, _steps: list[Any]) -> dict[str, Any]:
        return {"problems": [], "warnings": [], "diff": "+exception"}

    async def view(self, _operator: Operator) -> dict[str, Any]:
        return {"zones": [{"name": "shop", "settings": self.view_settings}]}

    async def fields(self, _expression: str) -> set[str]:
        return self.named


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def configuration() -> Configuration:
    return Configuration()


@pytest.fixture
def inbox(tmp_path: Path, store: Store, configuration: Configuration) -> InboxDesk:
    other = {**REPORT, "ray": "b" * 16, "zone": "blog"}
    report_file.append(tmp_path, [orjson.dumps(REPORT), orjson.dumps(other)])
    analytics = Analytics(store, ("shop", "blog"))  # type: ignore[arg-type]
    return InboxDesk(lambda: tmp_path, lambda: analytics, configuration, lambda _: "full")  # type: ignore[arg-type]


@pytest.fixture
def desk(tmp_path: Path, configuration: Configuration) -> FeedbackDesk:
    return FeedbackDesk(lambda: tmp_path, configuration)  # type: ignore[arg-type]


async def test_the_newest_report_comes_first_with_its_request(inbox: InboxDesk) -> None:
    said = await inbox.listed(LOOPBACK, Page(10), None, None)
    assert [each["ray"] for each in said["reports"]] == ["b" * 16, RAY]
    assert said["reports"][0]["event"] is None
    assert said["reports"][1]["event"]["score"] == 1
    assert said["reports"][1]["handled"] is None
    assert [each["ray"] for each in (await inbox.listed(LOOPBACK, Page(10), "shop", None))["reports"]] == [RAY]
    assert [each["zone"] for each in (await inbox.listed(KEEPER, Page(10), None, None))["reports"]] == ["blog"]


async def test_every_report_can_be_reached_and_found(inbox: InboxDesk, tmp_path: Path) -> None:
    many = [{**REPORT, "ray": f"{number:016x}", "note": f"Note {number}."} for number in range(120)]
    report_file.append(tmp_path, [orjson.dumps(each) for each in many])
    seen: list[str] = []
    for offset in range(0, 150, 50):
        said = await inbox.listed(LOOPBACK, Page(50, offset), None, None)
        assert said["total"] == 122
        seen += [each["ray"] for each in said["reports"]]
    assert seen == [each["ray"] for each in many[::-1]] + ["b" * 16, RAY]
    said = await inbox.listed(LOOPBACK, Page(50, 0, "NOTE 7."), None, None)
    assert (said["total"], [each["note"] for each in said["reports"]]) == (1, ["Note 7."])
    said = await inbox.listed(KEEPER, Page(50, 0, "note 7."), None, None)
    assert (said["total"], said["reports"]) == (0, [])


async def test_a_label_is_written_down_for_training_and_can_be_taken_back(inbox: InboxDesk, tmp_path: Path) -> None:
    said = await inbox.label(LOOPBACK, RAY, b'{"label": "human", "note": "known"}')
    assert (said["zone"], said["label"], said["before"]) == ("shop", "human", None)
    (label,) = labels.read(tmp_path)
    assert (label.zone, label.ray, label.label, label.who, label.note) == ("shop", RAY, "human", "loopback", "known")
    handled = (await inbox.listed(LOOPBACK, Page(10), None, True))["reports"]
    assert [(each["ray"], each["handled"]["what"]) for each in handled] == [(RAY, "human")]
    assert len((await inbox.listed(LOOPBACK, Page(10), None, False))["reports"]) == 1
    assert (await inbox.label(LOOPBACK, RAY, b'{"label": "none"}'))["before"] == "human"
    assert labels.read(tmp_path) == []
    assert len((await inbox.listed(LOOPBACK, Page(10), None, False))["reports"]) == 2
    await inbox.label(LOOPBACK, RAY, b'{"label": "dismissed"}')
    assert labels.read(tmp_path) == []
    assert len((await inbox.listed(LOOPBACK, Page(10), None, True))["reports"]) == 1


async def test_what_nobody_reported_is_not_there(inbox: InboxDesk) -> None:
    for operator, ray in ((LOOPBACK, "c" * 16), (KEEPER, RAY)):
        with pytest.raises(LookupError):
            await inbox.label(operator, ray, b'{"label": "human"}')
    for body in (b"", b"{}", b'{"label": "maybe"}'):
        with pytest.raises(OperatorError, match="Send"):
            await inbox.label(LOOPBACK, RAY, body)


async def test_an_exception_is_narrow_and_ends(inbox: InboxDesk, configuration: Configuration) -> None:
    said = await inbox.exempt(LOOPBACK, RAY, b'{"hours": 2}')
    (step,) = configuration.taken
    assert said["ok"]
    assert step.expression == f'ip.src eq 192.0.2.7 and cf.bot_management.ja4 eq "{JA4}"'
    assert step.ref == f"exception.{RAY}"
    assert abs(step.until - time.time() - 7200) < 60
    (handled,) = (await inbox.listed(LOOPBACK, Page(10), None, True))["reports"]
    assert handled["handled"]["what"] == "exception"


async def test_an_exception_is_tried_on_the_last_day_first(
    inbox: InboxDesk, store: Store, configuration: Configuration
) -> None:
    said = await inbox.exempt(LOOPBACK, RAY, b'{"preview": true, "match": ["ip"], "path_prefix": "/shop/"}')
    assert said["expression"] == 'ip.src eq 192.0.2.7 and starts_with(http.request.uri.path, "/shop/")'
    assert (said["diff"], said["backtest"]["requests"]) == ("+exception", 3)
    asked = store.asked[-1]
    assert asked.zones == ("shop",)
    assert configuration.taken == []


@pytest.mark.parametrize(
    ("match", "expression"),
    [
        (
            ["user_agent", "path"],
            'http.user_agent eq "Reader \\"1\\"" and starts_with(http.request.uri.path, "/shop/a b")',
        ),
        (["ip", "user_agent"], 'ip.src eq 192.0.2.7 and http.user_agent eq "Reader \\"1\\""'),
        (["user_agent"], None),
        (["path"], None),
        ([], None),
    ],
)
async def test_what_is_too_wide_is_refused(
    inbox: InboxDesk, configuration: Configuration, match: list[str], expression: str | None
) -> None:
    body = json.dumps({"match": match}).encode()
    if expression is None and match:
        with pytest.raises(OperatorError, match="too wide"):
            await inbox.exempt(LOOPBACK, RAY, body)
        assert configuration.taken == []
    elif expression is not None:
        await inbox.exempt(LOOPBACK, RAY, body)
        assert configuration.taken[0].expression == expression


def test_addresses_that_are_not_recorded_whole() -> None:
    report = {**REPORT, "ip": "192.0.2.0"}
    assert narrow(report, EVENT, ExceptionRequest(), "truncated")[0] == (
        f'ip.src in {{192.0.2.0/24}} and cf.bot_management.ja4 eq "{JA4}"'
    )
    with pytest.raises(OperatorError, match="too wide"):
        narrow(report, EVENT, ExceptionRequest(match=("ip",)), "truncated")
    report["ip"] = "h:0123456789abcdef"
    hashed = narrow(report, EVENT, ExceptionRequest(), "hashed")[0]
    assert hashed == f'cf.bot_management.ja4 eq "{JA4}" and starts_with(http.request.uri.path, "/shop/a b")'
    with pytest.raises(OperatorError, match="is not known"):
        narrow(report, EVENT, ExceptionRequest(match=("ip", "ja4")), "hashed")


async def test_what_no_exception_passes_over_is_said(inbox: InboxDesk, store: Store) -> None:
    store.event = {**EVENT, "last_source": "country"}
    for body in (b'{"preview": true}', b"{}"):
        said = str((await inbox.exempt(LOOPBACK, RAY, body))["warnings"])
        assert "does not pass over IP access rules" in said
    store.event = {**EVENT, "rule_id": "bot_management.fight_mode", "last_source": "botFight"}
    assert "Bot Fight Mode" in str((await inbox.exempt(LOOPBACK, RAY, b"{}"))["warnings"])
    store.event = {**EVENT, "rule_id": "bot_management.sbfm_likely_automated", "last_source": "botFight"}
    assert (await inbox.exempt(LOOPBACK, RAY, b"{}"))["warnings"] == []


async def test_a_request_that_is_not_stored_is_known_by_its_report(
    inbox: InboxDesk, store: Store, configuration: Configuration
) -> None:
    store.event = None
    await inbox.exempt(LOOPBACK, RAY, b"{}")
    assert configuration.taken[0].expression == 'ip.src eq 192.0.2.7 and http.user_agent eq "Reader \\"1\\""'
    with pytest.raises(OperatorError, match="JA4 of this request is not known"):
        await inbox.exempt(LOOPBACK, RAY, b'{"match": ["ip", "ja4"]}')


def given(**changes: Any) -> bytes:
    whole = {
        "type": "false_positive",
        "description": "our partner",
        "expression": "cf.bot_management.score lt 30 and ip.src eq 192.0.2.1",
        "first_request_seen_at": "2026-01-31T00:00:00Z",
        "last_request_seen_at": "2026-01-31T01:00:00Z",
        "requests": 75,
        "requests_by_score": {"1": 50, "20": 25},
        "requests_by_score_src": {"heuristics": 25, "machine_learning": 50},
        "requests_by_attribute": {"topIPs": [{"metric": "192.0.2.1", "requests": 75}]},
    }
    return json.dumps(whole | changes).encode()


async def test_feedback_is_kept_and_is_a_label(desk: FeedbackDesk, tmp_path: Path) -> None:
    said = await desk.add_feedback(LOOPBACK, "shop", given())
    await desk.add_feedback(LOOPBACK, "shop", given(type="false_negative", subtype="Scraping"))
    rows = await desk.feedback(LOOPBACK, "shop")
    assert [row["type"] for row in rows] == ["false_negative", "false_positive"]
    assert rows[1]["requests_by_score"] == {"1": 50, "20": 25}
    assert rows[1]["id"] == said["id"]
    assert await desk.feedback(LOOPBACK, "blog") == []
    (label,) = labels.read(tmp_path)  # the later word about the same requests holds
    assert (label.label, label.until - label.since, label.source) == ("bot", 3600.0, "feedback")


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "maybe"},
        {"first_request_seen_at": "2026-01-31T00:00:00"},
        {"last_request_seen_at": "2026-01-30T00:00:00Z"},
        {"requests_by_score": {"100": 1}},
        {"requests_by_score": {"1": -1}},
        {"subtype": "Scraping"},
        {"more": 1},
        {"expression": ""},
    ],
)
async def test_feedback_of_another_shape_is_refused(desk: FeedbackDesk, changes: dict[str, Any]) -> None:
    with pytest.raises(OperatorError, match="Send"):
        await desk.add_feedback(LOOPBACK, "shop", given(**changes))
    assert await desk.feedback(LOOPBACK, "shop") == []


async def test_feedback_is_about_scores_and_a_few_fields(desk: FeedbackDesk, configuration: Configuration) -> None:
    configuration.named = {"cf.bot_management.score", "http.cookie"}
    with pytest.raises(OperatorError, match=r"cannot be about http\.cookie"):
        await desk.add_feedback(LOOPBACK, "shop", given())
    configuration.named = {"ip.src"}
    with pytest.raises(OperatorError, match="which scores"):
        await desk.add_feedback(LOOPBACK, "shop", given())


async def test_bot_settings_under_the_names_of_the_original(desk: FeedbackDesk, configuration: Configuration) -> None:
    known = {"bm_cookie_enabled": True, "using_latest_model": True}
    assert await desk.settings(LOOPBACK, "shop") == {"fight_mode": False, "enable_js": True, **known}
    said = await desk.set(LOOPBACK, "shop", b'{"fight_mode": true, "enable_js": true, "using_latest_model": true}')
    assert said["change"]["version"] == 2
    assert [(step.path, step.value, step.zone) for step in configuration.taken] == [
        ("bot_management.fight_mode", True, "shop")
    ]
    assert "change" not in await desk.set(LOOPBACK, "shop", b'{"enable_js": true}')


async def test_which_model_is_the_latest_follows_the_registry(desk: FeedbackDesk, tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    for name in ("one", "two"):
        registry.add(model(name), {})
    registry.use(2)
    assert (await desk.settings(LOOPBACK, "shop"))["using_latest_model"]
    registry.use(1)
    assert not (await desk.settings(LOOPBACK, "shop"))["using_latest_model"]
    with pytest.raises(OperatorError, match="cookies"):
        await desk.set(LOOPBACK, "shop", b'{"bm_cookie_enabled": false}')
    assert "change" not in await desk.set(LOOPBACK, "shop", b'{"bm_cookie_enabled": true}')


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "no JSON"),
        (b"[]", "send the settings"),
        (b'{"optimize_wordpress": true}', "optimize_wordpress: WordPress"),
        (b'{"nothing": true}', "there is no setting 'nothing'"),
        (b'{"fight_mode": null}', "null"),
    ],
)
async def test_settings_that_are_none_are_refused(desk: FeedbackDesk, body: bytes, what: str) -> None:
    with pytest.raises(OperatorError, match=what):
        await desk.set(LOOPBACK, "shop", body)


async def test_what_is_refused_is_told_one_by_one(desk: FeedbackDesk, configuration: Configuration) -> None:
    configuration.problems = [{"text": "one"}, {"text": "two"}]
    with pytest.raises(OperatorError) as caught:
        await desk.set(LOOPBACK, "shop", b'{"fight_mode": true}')
    assert caught.value.problems == ["one", "two"]  # type: ignore[attr-defined]
