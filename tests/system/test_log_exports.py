"""Log exports of a running proxy, and what a reload does to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from .conftest import Start, browse, until


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def test_requests_that_a_filter_picks_are_exported_while_another_destination_is_away(
    start: Start, demo_origin: str, tmp_path: Path
) -> None:
    out = tmp_path / "out" / "requests.jsonl"
    jobs: list[dict[str, Any]] = [
        {
            "name": "picked",
            "filter": "http.request.uri.path in $picked",
            "fields": ["RayID", "ClientRequestPath"],
            "batch_age": "100ms",
            "file": {"path": str(out)},
        },
        {"name": "away", "batch_age": "100ms", "http": {"url": "http://127.0.0.1:9/"}},
    ]
    zone = {"name": "shop", "hosts": ["shop.example"], "origins": [demo_origin]}
    (tmp_path / "picked.txt").write_text("/products\n")
    lists = [{"name": "picked", "kind": "string", "file": str(tmp_path / "picked.txt")}]
    config: dict[str, Any] = {"events": {"store": "none"}, "logpush": jobs, "zones": [zone], "lists": lists}
    proxy = start(config=config)
    page = browse(proxy.port, "/products")
    browse(proxy.port, "/other")
    assert until(lambda: lines(out), 10, "an exported request") == [
        {"RayID": page.ray, "ClientRequestPath": "/products"}
    ]

    def metric(name: str) -> float:
        text = urlopen(f"{proxy.admin}/metrics", timeout=5).read().decode()
        return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(name)), 0.0)

    assert metric('botproxy_logpush_sent_total{job="picked"}') == 1
    until(lambda: metric('botproxy_logpush_failures_total{job="away"}') > 0, 10, "an attempt that failed")

    file = tmp_path / "botproxy.yaml"
    jobs[0]["fields"] = ["ClientRequestPath"]
    file.write_text(json.dumps({**json.loads(file.read_text()), "logpush": jobs[:1]}))
    asked = Request(f"{proxy.admin}/api/reload", b"{}", {"Content-Type": "application/json"}, method="POST")
    with urlopen(asked, timeout=60) as answer:
        assert answer.status == 200
    browse(proxy.port, "/products")
    until(lambda: lines(out)[1:] == [{"ClientRequestPath": "/products"}], 10, "a request of the changed job")

    # The list is taken over as for rules, without a reload.
    (tmp_path / "picked.new").write_text("/other\n")
    (tmp_path / "picked.new").replace(tmp_path / "picked.txt")

    def exported() -> bool:
        browse(proxy.port, "/other")
        return {"ClientRequestPath": "/other"} in lines(out)

    until(exported, 20, "a request that the list picks by now")
