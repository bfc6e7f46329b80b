"""`botproxy feedback`, asked of a proxy that is stood in for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from botproxy.cli import feedback as commands
from botproxy.cli import main

ZONES = "/client/v4/zones?name=shop"
PATH = "/client/v4/zones/abc/bot_management/feedback"
ROW = {
    "id": "1",
    "created_at": 0.0,
    "type": "false_positive",
    "who": "ada",
    "expression": "cf.bot_management.score lt 30\x1b[2J",
    "description": "our partner",
    "first_request_seen_at": "2026-01-31T00:00:00Z",
    "last_request_seen_at": "2026-01-31T01:00:00Z",
}


class Proxy:
    """Answers as told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.zones: list[dict[str, str]] = [{"id": "abc"}]
        self.answer: tuple[int, dict[str, Any]] = (200, {"success": True, "result": [ROW], "errors": []})

    def __call__(
        self, _admin: str, _token: Any, method: str, path: str, body: Any = None, _seconds: float = 1.0
    ) -> tuple[int, dict[str, Any]]:
        self.asked.append((method, path, body))
        return (200, {"success": True, "result": self.zones}) if path == ZONES else self.answer


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Proxy:
    made = Proxy()
    monkeypatch.setattr(commands, "ask", made)
    return made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["feedback", *arguments])


def added(*more: str) -> Result:
    return run(
        "add", "--zone", "shop", "--type", "false_positive", "--expression", "cf.bot_management.score lt 30", *more
    )


def test_feedback_is_given_under_the_names_of_the_original(proxy: Proxy) -> None:
    proxy.answer = (200, {"success": True, "result": {"id": "7"}})
    said = added("--since", "2026-01-31T00:00:00Z", "--description", "ours")
    assert (said.exit_code, said.output) == (0, "feedback 7 was taken\n")
    method, path, body = proxy.asked[-1]
    assert (method, path, body["type"], body["description"]) == ("POST", PATH, "false_positive", "ours")
    assert body["first_request_seen_at"] == "2026-01-31T00:00:00Z"
    assert body["last_request_seen_at"].endswith("Z")


def test_what_is_refused_is_said(proxy: Proxy) -> None:
    errors = [{"code": 1004, "message": "the expression has to say which scores it is about"}]
    proxy.answer = (400, {"success": False, "result": None, "errors": errors})
    said = added()
    assert said.exit_code == 1
    assert "which scores it is about" in said.output
    proxy.zones = []
    assert "there is no zone shop" in added().output


def test_feedback_is_listed_as_text_that_no_terminal_obeys(proxy: Proxy) -> None:
    said = run("list", "--zone", "shop")
    assert "1970-01-01T00:00:00Z  false_positive  by ada" in said.output
    assert "our partner" in said.output
    assert "\x1b" not in said.output
    assert [json.loads(line)["id"] for line in run("list", "--zone", "shop", "--json").output.splitlines()] == ["1"]
    proxy.answer = (200, {"success": True, "result": []})
    assert "there is no feedback about shop" in run("list", "--zone", "shop").output
