"""Changes on the running proxy, end to end: previewed, taken, gone back to, and there after a restart."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

from .conftest import Proxy, Start, browse


def ask(proxy: Proxy, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    content = None if body is None else json.dumps(body).encode()
    request = Request(f"{proxy.admin}{path}", content, {"Content-Type": "application/json"}, method=method)
    try:
        with urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


def blocking(path: str) -> dict[str, Any]:
    return {"ref": "page", "expression": f'http.request.uri.path eq "{path}"', "action": "block"}


def test_a_change_is_taken_while_visitors_come_and_a_wrong_one_is_not(start: Start, demo_origin: str) -> None:
    zone = {"name": "shop", "hosts": ["shop.example"], "origins": [demo_origin], "rules": [blocking("/")]}
    proxy = start(config={"mode": "observe", "zones": [zone]})
    steps = [{"op": "set", "path": "mode", "value": "enforce"}]
    assert browse(proxy.port).status == 200
    status, made = ask(proxy, "POST", "/api/config/apply", {"base": 0, "steps": steps})
    assert (status, made["ok"], made["version"], made["persisted"]) == (200, True, 1, True)
    assert browse(proxy.port).status == 403
    wrong = [{"op": "change_rule", "zone": "shop", "ref": "page", "rule": {"expression": "http.host eq"}}]
    status, refused = ask(proxy, "POST", "/api/config/apply", {"base": 1, "steps": wrong})
    assert (status, refused["ok"]) == (422, False)
    assert "overlay/000002.yaml:" in refused["problems"][0]["text"]
    assert browse(proxy.port).status == 403
    assert [each["after"] for each in ask(proxy, "GET", "/api/audit")[1]["entries"]] == [1]


@pytest.mark.prove
def test_a_change_is_seen_before_it_is_made_and_can_be_taken_back(start: Start, demo_origin: str) -> None:
    """One proxy for all of it, because starting one takes longer than anything else."""
    zone = {"name": "shop", "hosts": ["shop.example"], "origins": [demo_origin], "rules": [blocking("/")]}
    proxy = start(config={"mode": "observe", "zones": [zone]})
    _, before = ask(proxy, "GET", "/api/config")
    assert (before["version"], before["zones"][0]["name"], before["pending"]) == (0, "shop", False)

    steps = [{"op": "set", "path": "mode", "value": "enforce"}]
    status, preview = ask(proxy, "POST", "/api/config/preview", {"steps": steps})
    assert (status, preview["problems"], preview["version"]) == (200, [], 0)
    assert "-mode: observe\n+mode: enforce" in preview["diff"]
    assert browse(proxy.port).status == 200

    status, made = ask(proxy, "POST", "/api/config/apply", {"base": 0, "steps": steps, "what": "no first page"})
    assert (status, made["ok"], made["version"], made["persisted"]) == (200, True, 1, True)
    assert browse(proxy.port).status == 403
    assert ask(proxy, "POST", "/api/config/apply", {"base": 0, "steps": steps})[0] == 409

    wrong = [{"op": "change_rule", "zone": "shop", "ref": "page", "rule": {"expression": "http.host eq"}}]
    status, refused = ask(proxy, "POST", "/api/config/apply", {"base": 1, "steps": wrong})
    assert (status, refused["ok"]) == (422, False)
    assert "overlay/000002.yaml:" in refused["problems"][0]["text"]
    _, preview = ask(proxy, "POST", "/api/config/preview", {"steps": wrong})
    assert preview["problems"][0]["text"] == refused["problems"][0]["text"]
    assert [each.name for each in (proxy.data / "overlay").iterdir()] == ["000001.yaml"]
    assert browse(proxy.port).status == 403

    changed = [{"op": "change_rule", "zone": "shop", "ref": "page", "rule": {"enabled": False}}]
    assert ask(proxy, "POST", "/api/config/apply", {"base": 1, "steps": changed})[0] == 200
    assert browse(proxy.port).status == 200
    _, view = ask(proxy, "GET", "/api/config")
    assert [(rule["ref"], rule["from"], rule["enabled"]) for rule in view["zones"][0]["rules"]] == [
        ("page", "changed", False)
    ]
    assert next(each for each in view["settings"] if each["path"] == "mode")["changed"]

    # A file that the changes no longer fit changes nothing, and the change that is in the way is named.
    file = proxy.data.parent / "botproxy.yaml"
    whole = json.loads(file.read_text())
    file.write_text(json.dumps({**whole, "zones": [{**zone, "rules": []}]}))
    assert ask(proxy, "GET", "/api/config")[1]["pending"]
    status, said = ask(proxy, "POST", "/api/reload", {})
    assert status == 409
    assert "overlay/000002.yaml:" in said["problems"][0]
    assert "the rule `page` is changed, which the zone does not have" in said["problems"][0]
    assert browse(proxy.port).status == 200

    status, back = ask(proxy, "POST", "/api/config/rollback", {"version": 1})
    assert (status, back["version"]) == (200, 3)
    _, exported = ask(proxy, "GET", "/api/config/export")
    assert yaml.safe_load(exported["text"])["mode"] == "enforce"
    _, versions = ask(proxy, "GET", "/api/config/versions")
    assert [(each["version"], each["restored"]) for each in versions["versions"]] == [(3, 1), (2, None), (1, None)]
    _, second = ask(proxy, "GET", "/api/config/versions/1")
    assert "+mode: enforce" in second["diff"]
    assert ask(proxy, "GET", "/api/config/versions/9")[0] == 404

    _, audit = ask(proxy, "GET", "/api/audit")
    entries = [(entry["who"], entry["action"], entry["before"], entry["after"]) for entry in audit["entries"]]
    assert entries == [
        ("loopback", "rollback", 2, 3),
        ("loopback", "config", 1, 2),
        ("loopback", "config", 0, 1),
    ]
