"""`docs/privacy.md` lists every datum that is stored of a visitor, and every cookie."""

from __future__ import annotations

import re
from pathlib import Path

from botproxy.cookies import CLEARANCE_COOKIE, SESSION_COOKIE
from botproxy.proxy import plain_routes
from botproxy.store.events.columns import DERIVED_COLUMNS, EVENT_COLUMNS
from botproxy.telemetry import EXTENSION_NAMES, LOGPUSH_NAMES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "privacy.md").read_text("utf-8")


def part(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def test_every_column_of_an_event_is_listed_with_its_purpose() -> None:
    listed = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \| .+ \|$", part("Every datum"), re.MULTILINE))
    assert listed == {name: column for column, name in {**LOGPUSH_NAMES, **EXTENSION_NAMES}.items()}
    assert set(listed.values()) == {column.name for column in EVENT_COLUMNS}
    assert all(f"`{column.name}`" in part("Every datum") for column in DERIVED_COLUMNS)


def test_every_datum_of_a_report_is_listed() -> None:
    source = (ROOT / "botproxy" / "proxy" / "report_routes.py").read_text("utf-8")
    kept = re.findall(r'^            "(\w+)": ', source.split("def _record")[1].split("\n    def ")[0], re.MULTILINE)
    assert len(kept) >= 9
    assert all(f"`{name}`" in part("Every datum") for name in kept)


def test_every_cookie_is_listed_with_its_lifetime() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \| .+ \| .+ \|$", part("Every cookie"), re.MULTILINE))
    assert listed == {each.decode() for each in (SESSION_COOKIE, CLEARANCE_COOKIE, plain_routes.COOKIE)}


def test_nothing_else_sets_a_cookie() -> None:
    """Who calls `set_cookie`, the one place that writes them, is known to the page."""
    calls = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "botproxy").rglob("*.py")
        if re.search(r"\bset_cookie\(", path.read_text("utf-8")) and "def set_cookie" not in path.read_text("utf-8")
    }
    assert calls == {"botproxy/cookies/jar.py", "botproxy/proxy/plain_routes.py"}
