"""Dashboard, alerts and unit that ship: every metric and label in them exists, every program is called as it can be."""

from __future__ import annotations

import configparser
import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from botproxy.cli import main
from botproxy.telemetry.metrics import COUNTERS, GAUGES, HISTOGRAMS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "metrics.md").read_text("utf-8")
LABELS: dict[str, set[str]] = {
    **{f"{shown.name}_total": set(shown.labels) for shown in COUNTERS.values()},
    **{shown.name: set(shown.labels) for shown in GAUGES.values()},
    **{f"{shown.name}_bucket": {"le"} for shown in HISTOGRAMS.values()},
}
ADDED = {"instance", "job"}
"""Labels that Prometheus adds."""


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((ROOT / "config" / "grafana-dashboard.json").read_text())["panels"]
    return found


def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((ROOT / "config" / "botproxy-alerts.yaml").read_text())["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


EXPRESSIONS = [
    *(pytest.param(target["expr"], id=panel["title"]) for panel in panels() for target in panel["targets"]),
    *(pytest.param(rule["expr"], id=rule["alert"]) for rule in alerts()),
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_and_label_of_an_expression_exists(expression: str) -> None:
    used = re.findall(r"\b(botproxy_\w+)(?:\{([^}]*)\})?", expression)
    assert used
    labels: set[str] = set(ADDED)
    for name, selector in used:
        assert name in LABELS, name
        assert f"`{name.removesuffix('_bucket')}`" in PAGE, name
        labels |= LABELS[name]
        assert set(re.findall(r"(\w+)=~?\"", selector)) <= LABELS[name] | ADDED
    grouped = {each.strip() for part in re.findall(r"\bby \(([^)]*)\)", expression) for each in part.split(",")}
    assert grouped <= labels
    assert expression.count("(") == expression.count(")")


def test_no_two_panels_or_alerts_share_a_name_and_no_panel_lies_on_another() -> None:
    titles = [panel["title"] for panel in panels()]
    names = [rule["alert"] for rule in alerts()]
    assert len(set(titles)) == len(titles)
    assert len(set(names)) == len(names)
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_every_alert_says_how_bad_it_is_and_what_it_means() -> None:
    for rule in alerts():
        assert rule["labels"]["severity"] in ("warning", "critical")
        shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        assert shown <= {"instance"} | set(re.findall(r"\w+", rule["expr"])) | {"where", "job"}, rule["alert"]


def test_the_unit_calls_commands_that_exist_and_has_no_rights_to_spare() -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / "config" / "botproxy.service")
    service = unit["Service"]
    known = main.list_commands(click.Context(main))
    for key in ("ExecStartPre", "ExecStart", "ExecReload"):
        program, command, *_ = service[key].split()
        assert program == "/opt/botproxy/.venv/bin/botproxy"
        assert command in known
    assert service["User"] != "root"
    assert service["KillMode"] == "mixed"
    assert service["CapabilityBoundingSet"] == "CAP_NET_BIND_SERVICE"
    assert service["ProtectSystem"] == "strict"
