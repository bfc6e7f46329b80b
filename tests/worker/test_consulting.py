"""Questions about a configuration, and what is answered to whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from botproxy.config.source import Source
from botproxy.worker.consulting import answer

SITE = """\
secret_file: auto
state: {url: "redis://127.0.0.1:1"}
lists: [{name: office, kind: ip, items: [192.0.2.1]}]
zones:
  - name: shop
    hosts: [shop.example]
    origins: [http://127.0.0.1:3000]
    rules: [{ref: one, expression: 'http.host eq "shop.example"', action: log}]
  - {name: blog, hosts: [blog.example], origins: [http://127.0.0.1:3000], presets: [default]}
"""
OVERLAY = """\
about: {version: 7, at: 1.0}
mode: enforce
zones:
  shop:
    rules: {change: {one: {action: block}}, add: [{rule: {ref: two, expression: ssl, action: log}}]}
    exceptions: [{ref: exception.x, expression: ip.src eq 192.0.2.7, until: 1900000000}]
lists: {office: {add: [192.0.2.2]}}
"""


@pytest.fixture
def plain(tmp_path: Path) -> Source:
    (tmp_path / "botproxy.yaml").write_text(SITE)
    return Source.from_file(tmp_path / "botproxy.yaml")


@pytest.fixture
def overlaid(plain: Source) -> str:
    return plain._replace(overlay=OVERLAY, overlay_file="data/overlay/000007.yaml").to_json()


def test_everything_that_may_be_changed_is_shown_with_where_it_comes_from(overlaid: str) -> None:
    view = answer({"question": "view", "source": overlaid})
    settings = {each["path"]: each for each in view["settings"]}
    assert view["version"] == 7
    assert (settings["mode"]["value"], settings["mode"]["file"], settings["mode"]["changed"]) == (
        "enforce",
        "observe",
        True,
    )
    assert settings["mode"]["choices"] == ("observe", "enforce")
    assert settings["scoring.machine_learning.enabled"]["kind"] == "boolean"
    assert "scoring.machine_learning.model" not in settings
    shop, blog = view["zones"]
    assert [(rule["ref"], rule["from"]) for rule in shop["rules"]] == [
        ("exception.x", "exception"),
        ("one", "changed"),
        ("two", "added"),
    ]
    assert shop["rules"][1]["file"]["action"] == "log"
    assert blog["preset_rules"]
    assert view["lists"][0]["items"] == ["192.0.2.1", "192.0.2.2"]


def test_who_has_some_zones_sees_those_alone(plain: Source, overlaid: str) -> None:
    view = answer({"question": "view", "source": overlaid, "zones": ["blog"]})
    assert [zone["name"] for zone in view["zones"]] == ["blog"]
    assert not {"lists", "overlay"} & view.keys()
    tried = {"question": "try", "before": plain.to_json(), "after": overlaid}
    assert "shop" not in answer({**tried, "zones": ["blog"]})["diff"]
    wrong = plain._replace(
        overlay="zones: {shop: {rules: {change: {one: {action: dance}}}}}\n", overlay_file="new.yaml"
    )
    told = answer({"question": "try", "before": plain.to_json(), "after": wrong.to_json(), "zones": ["blog"]})
    assert [each["text"] for each in told["problems"]] == ["1 more in parts of the configuration that you may not see"]


def test_a_change_is_tried_as_check_does(plain: Source, overlaid: str) -> None:
    said = answer({"question": "try", "before": plain.to_json(), "after": overlaid})
    assert said["problems"] == []
    assert "+mode: enforce" in said["diff"]
    assert "+    action: block" in said["diff"]
    wrong = plain._replace(overlay="mode: dance\n", overlay_file="new.yaml").to_json()
    said = answer({"question": "try", "before": plain.to_json(), "after": wrong})
    assert said["problems"][0]["text"] == "new.yaml:1:7: `dance` cannot be `mode` — `observe` or `enforce`"
    assert (said["problems"][0]["line"], said["problems"][0]["column"]) == (1, 7)


def test_an_exported_configuration_needs_no_overlay(overlaid: str, tmp_path: Path) -> None:
    text = answer({"question": "export", "source": overlaid})["text"]
    (tmp_path / "whole.yaml").write_text(text)
    whole = Source.from_file(tmp_path / "whole.yaml").to_json()
    difference = {"question": "difference", "before": overlaid, "after": whole, "names": ["a", "b"]}
    assert answer(difference) == {"diff": ""}
    assert yaml.safe_load(text)["lists"][0]["items"] == ["192.0.2.1", "192.0.2.2"]


def test_passwords_in_addresses_are_not_shown(plain: Source) -> None:
    before = plain._replace(text=SITE + "events: {store: 'http://user:secret@127.0.0.1:8123/db'}\n").to_json()
    after = plain._replace(text=SITE).to_json()
    diff = answer({"question": "difference", "before": before, "after": after, "names": ["a", "b"]})["diff"]
    assert "127.0.0.1:8123" in diff
    assert "secret@" not in diff


def test_what_lets_in_whoever_knows_it_is_not_shown_but_that_it_differs_is(plain: Source) -> None:
    def diff(hook: str) -> str:
        more = f"""
alerts: {{webhooks: [{{url: "https://chat.example/hooks/{hook}"}}]}}
logpush:
  - name: one
    http: {{url: "https://logs.example/in?token={hook}", headers: {{X-Key: "{hook}", X-File: {{file: k}}}}}}
"""
        before, after = (plain._replace(text=text).to_json() for text in (SITE, SITE + more))
        names = ["a", "b"]
        return str(answer({"question": "difference", "before": before, "after": after, "names": names})["diff"])

    first, second = diff("secret-one"), diff("secret-two")
    assert "secret" not in first
    assert "https://chat.example/…" in first
    assert "https://logs.example/…" in first
    assert "file: k" in first
    assert first != second


@pytest.mark.parametrize(
    ("expression", "fields", "error"),
    [("ip.src in $office and ssl", ["ip.src", "ssl"], None), ("ip.src eq", [], "expected")],
)
def test_what_an_expression_looks_at(plain: Source, expression: str, fields: list[str], error: Any) -> None:
    said = answer({"question": "expression", "source": plain.to_json(), "expression": expression})
    assert said["fields"] == fields
    assert (said["error"] is None) if error is None else (error in said["error"])


def test_a_configuration_that_cannot_be_read_is_told(plain: Source) -> None:
    said = answer({"question": "view", "source": plain._replace(text="zones: [").to_json()})
    assert "this is not YAML" in said["problems"][0]["text"]
