"""Lists that contradict each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from botproxy.config.lints.lists import in_common
from botproxy.rules import named_list

Advised = Callable[..., list[str]]

LISTS = {
    "office": named_list("office", "ip", ["192.0.2.0/24", "2001:db8::/48"]),
    "blocked": named_list("blocked", "ip", ["198.51.100.0/24", "192.0.2.128/25"]),
    "far": named_list("far", "ip", ["203.0.113.0/24"]),
}


def test_what_is_spared_and_stopped_is_told(advised: Advised) -> None:
    assert advised("lists-contradict", ("skip", "ip.src in $office"), ("block", "ip.src in $blocked"), lists=LISTS) == [
        "2: $blocked and $office, which the rule `1` spares, both hold addresses of 192.0.2.128/25 — "
        "each in one of them; until then the rule that comes first decides"
    ]


def test_lists_with_nothing_in_common_or_one_purpose_are_not(advised: Advised) -> None:
    for rules in (
        (("skip", "ip.src in $office"), ("block", "ip.src in $far")),
        (("block", "ip.src in $office"), ("block", "ip.src in $blocked")),
        (("skip", "not ip.src in $office"), ("block", "ip.src in $blocked")),
        (("skip", "ip.src in $office"), ("block", "ip.src in $office")),
    ):
        assert advised("lists-contradict", *rules, lists=LISTS) == []


@pytest.mark.parametrize(
    ("kind", "one", "other", "common"),
    [
        ("ip", ["2001:db8:1::/48"], ["2001:db8:1:2::5"], "addresses of 2001:db8:1:2::5"),
        ("ip", ["2001:db8::5", "2001:db8::9"], ["2001:db8::/120", "::1"], "addresses of 2001:db8::5"),
        ("ip", ["2001:db8::5"], ["2001:db8::6"], ""),
        ("asn", [64512, 64513], [64513, 64514], "64513"),
        ("asn", [64512], [64513], ""),
        ("hostname", ["*.example.com"], ["a.example.com", "b.example.com"], "a.example.com"),
        ("hostname", ["example.com"], ["*.example.com"], ""),
        ("string", ["a", "b"], ["b", "c"], "b"),
    ],
)
def test_a_common_member_is_named(kind: str, one: list[str | int], other: list[str | int], common: str) -> None:
    a, b = named_list("a", kind, one), named_list("b", kind, other)
    assert in_common(a, b) == in_common(b, a) == common
