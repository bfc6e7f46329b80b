"""The page for Prometheus."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from botproxy.telemetry import Counters, Totals
from botproxy.telemetry.metrics import COUNTERS, GAUGES, HISTOGRAMS, render


def page(totals: Totals) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Samples by name and labels, as a scraper reads them."""
    text = render(totals.counts(), totals.gauges(), totals.histograms()).decode()
    samples: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return samples


def test_counts_are_shown_under_their_labels() -> None:
    totals = Totals()
    totals.own.add(("requests", "shop", "2xx", "block", "automated", "Heuristics"), 3)
    shown = page(totals)["botproxy_requests_total"]
    assert shown == {
        (
            ("action", "block"),
            ("group", "automated"),
            ("source", "Heuristics"),
            ("status", "2xx"),
            ("zone", "shop"),
        ): 3.0
    }


def test_any_text_can_be_a_label() -> None:
    totals = Totals()
    totals.own.add(("refused", 'a "quoted"\nline \\ é'))
    assert page(totals)["botproxy_refusals_total"] == {(("reason", 'a "quoted"\nline \\ é'),): 1.0}


def test_buckets_are_cumulative() -> None:
    totals = Totals()
    counters = Counters()
    for seconds in (0.0005, 0.004, 0.004, 99.0):
        counters.request.observe(seconds)
    totals.update(1, counters.snapshot())
    buckets = page(totals)["botproxy_request_seconds_bucket"]
    assert buckets[("le", "0.001"),] == 1.0
    assert buckets[("le", "0.005"),] == 3.0
    assert buckets[("le", "60.0"),] == 3.0
    assert buckets[("le", "+Inf"),] == 4.0
    assert page(totals)["botproxy_request_seconds_count"][()] == 4.0


def test_keys_that_nobody_knows_do_no_harm() -> None:
    totals = Totals()
    totals.own.add(("from another version",))
    totals.own.add(("refused",))
    assert page(totals)["botproxy_worker_restarts_total"] == {(): 0.0}


def test_every_counter_is_announced_before_it_counts() -> None:
    text = render({}, {}, ()).decode()
    for shown in COUNTERS.values():
        assert f"# TYPE {shown.name}_total counter" in text


def documented() -> dict[str, set[str]]:
    """Labels by name of every metric that docs/metrics.md has in a table."""
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")
    rows = re.findall(r"^\| `(botproxy_\w+)` \| ([^|]*)\|", text, re.MULTILINE)
    return {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}


def test_every_metric_is_documented_with_its_labels_and_no_other() -> None:
    shown = {f"{each.name}_total": set(each.labels) for each in COUNTERS.values()}
    shown |= {each.name: set(each.labels) for each in GAUGES.values()}
    shown |= {each.name: {"le"} for each in HISTOGRAMS.values()}
    assert documented() == shown


def test_names_follow_the_conventions_of_prometheus() -> None:
    """Base units, words in lower case, and `_total` at the end of counters, which the page itself appends."""
    for each in (*COUNTERS.values(), *GAUGES.values(), *HISTOGRAMS.values()):
        assert re.fullmatch(r"botproxy(_[a-z][a-z0-9]*)+", each.name), each.name
        assert all(re.fullmatch(r"[a-z]+", label) for label in each.labels)
        assert not each.name.endswith("_total")
        assert each.text.endswith(".")
