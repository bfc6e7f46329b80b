"""Lists, end to end: rules name them, files change them while visitors come, and a bad file changes nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from .conftest import Proxy, Start, browse, until


def config(origin: str, file: Path) -> dict[str, Any]:
    lists = [
        {"name": "blocked", "kind": "ip", "file": str(file)},
        {"name": "gone", "kind": "string", "items": ["/gone", "/gone too"]},
        {"name": "ours", "kind": "hostname", "items": ["*.shop.example"]},
    ]
    rules = [
        {"ref": "ours", "expression": "http.host in $ours", "action": "skip"},
        {"ref": "gone", "expression": "http.request.uri.path in $gone", "action": "block"},
        {"ref": "blocked", "expression": "ip.src in $blocked", "action": "block"},
    ]
    zone = {"name": "shop", "hosts": ["shop.example", "*.shop.example"], "origins": [origin], "rules": rules}
    return {"mode": "enforce", "lists": lists, "zones": [zone]}


def replace(file: Path, text: str) -> None:
    draft = file.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(file)


def becomes(proxy: Proxy, status: int) -> None:
    until(lambda: browse(proxy.port).status == status, 20, f"status {status}")


def test_rules_find_what_lists_hold_and_a_file_that_changes_is_taken_over(
    start: Start, demo_origin: str, tmp_path: Path
) -> None:
    file = tmp_path / "blocked.txt"
    file.write_text("192.0.2.0/24\n")
    proxy = start(config=config(demo_origin, file))
    assert browse(proxy.port).status == 200
    assert browse(proxy.port, "/gone").status == 403
    assert browse(proxy.port, "/gone", host="www.shop.example").status == 404

    replace(file, "192.0.2.0/24\n127.0.0.0/8, this machine\n")
    becomes(proxy, 403)
    until(lambda: proxy.events(SecurityRuleID="blocked"), 10, "the event of a block")

    replace(file, "192.0.2.0/24\n127.0.0.0/99\n")
    until(lambda: "reload failed" in proxy.program.said(), 20, "a reload that fails")
    assert f"{file}:2:1: `127.0.0.0/99` is no network" in proxy.program.said()
    assert browse(proxy.port).status == 403

    replace(file, "192.0.2.0/24\n")
    becomes(proxy, 200)


def test_workers_share_a_long_list(start: Start, demo_origin: str, tmp_path: Path) -> None:
    """Each says how much of its memory is its own; the list is 60 MB of what they share."""
    file = tmp_path / "long.txt"
    with file.open("w") as opened:
        opened.writelines(f"{'x' * 490}{number:010d}\n" for number in range(120_000))
    whole = config(demo_origin, file)
    whole["lists"][0] |= {"kind": "string"}
    whole["zones"][0]["rules"][2] |= {"expression": "http.request.uri.path in $blocked"}
    proxy = start(config=whole, workers=2)
    for _ in range(20):
        assert browse(proxy.port).status == 200
    for worker in proxy.workers():
        own = Path(f"/proc/{worker}/smaps_rollup").read_text()
        dirty = int(re.findall(r"Private_(?:Dirty|Clean):\s+(\d+)", own)[1]) / 1024
        assert dirty < 45, own


def test_check_says_what_is_wrong_in_a_list(tmp_path: Path) -> None:
    (tmp_path / "blocked.txt").write_text("192.0.2.0/24\nnobody\n")
    (tmp_path / "botproxy.yaml").write_text(
        "secret_file: auto\nlists: [{name: blocked, kind: ip, file: blocked.txt}]\n"
        "zones: [{name: site, hosts: [a.example], origins: ['http://127.0.0.1:1']}]\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "botproxy", "check", "botproxy.yaml"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "blocked.txt:2:1: `nobody` is neither an address nor a network" in done.stdout
