"""What cannot be answered is said in the original's envelope, and costs nobody much."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botproxy.admin.analytics import Analytics
from botproxy.admin.graphql.datasets import DATASETS
from botproxy.admin.graphql.execution import answer
from botproxy.admin.graphql.filters import AskError, read
from botproxy.admin.zones import zone_tag
from botproxy.store.events import Groups, QueryError, check

Refused = Callable[..., Awaitable[tuple[int, list[str]]]]

ZONE = f'zones(filter: {{zoneTag: "{zone_tag("shop")}"}})'


def groups(arguments: str, fields: str = "count") -> str:
    return f"{{ viewer {{ {ZONE} {{ httpRequestsAdaptiveGroups({arguments}) {{ {fields} }} }} }} }}"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("{", "Syntax Error"),
        ("", "Syntax Error"),
        (groups("limit: 1", "dimensions { botScor }"), "Did you mean 'botScore'"),
        (groups("limit: 1, filter: {botScor_geq: 1}"), "Did you mean 'botScore_geq'"),
        (groups("limit: 1, orderBy: [cont_DESC]"), "Did you mean the enum value 'count_DESC'"),
        ("{ viewer { zone { zoneTag } } }", "Did you mean 'zones'"),
        (groups("limit: 1", "dimensions { country }"), "Did you mean 'clientCountryName'?"),
        (groups("limit: 1", "dimensions { botManagementScore }"), "Did you mean 'botManagementDecision'"),
        (groups("limit: 1", "sum { requests }"), "There is 'edgeDnsResponseTimeMs', 'edgeResponseBytes'"),
        (groups("limit: 1, filter: {nothing: 1}"), "There is 'AND', 'OR', 'date', "),
        ('{ viewer { accounts(filter: {accountTag: "nope"}) { accountTag } } }', "the one account here is "),
        (groups("limit: 0"), "limit must be positive number and not greater than 10000"),
        (groups("limit: 10001"), "limit must be positive number and not greater than 10000"),
        (groups('limit: 1, filter: {botScore: "one"}'), "botScore is uint8, not 'one'"),
        (groups('limit: 1, filter: {datetime_geq: "yesterday"}'), "is a time such as 2026-01-31T12:00:00Z"),
        (groups('limit: 1, filter: {datetime_geq: "2001-01-01T00:00:00Z"}'), "cannot request data older than 2592000s"),
        (groups("limit: 1, orderBy: [clientIP_ASC]"), "cannot order by clientIP"),
        (groups("limit: 1, filter: {botScore: null}"), "has no value"),
        ('{ viewer { zones(filter: {zoneTag: "nope"}) { zoneTag } } }', "are not authorized"),
        (
            "{ viewer { zones { "
            + " ".join(f"a{n}: httpRequestsAdaptiveGroups(limit: 1) {{ count }}" for n in range(31))
            + " } } }",
            "queries too many nodes",
        ),
        ("{ viewer " * 30 + "{ x }" + "}" * 30, "nests at most"),
        ("{ " + "a " * 6000 + "}", "tokens"),
        (groups("limit: 1, filter: {" + "AND: [{" * 18 + "botScore: 1" + "}]" * 18 + "}"), "nests at most"),
        ("query { ...a } fragment a on Query { ...a }", "Cannot spread fragment"),
        ("mutation { x }", "mutation"),
    ],
    ids=range(25),
)
async def test_a_fault_is_said_with_what_would_be_right(refused: Refused, query: str, said: str) -> None:
    status, texts = await refused(query)
    assert 400 <= status < 500
    assert any(said in text for text in texts), texts


@pytest.mark.parametrize("body", [None, [], "x", {}, {"query": 1}, {"query": "{viewer{budget}}", "variables": [1]}])
async def test_a_body_that_is_no_request(body: Any) -> None:
    reply = await answer(Analytics(None, ()), body)
    assert (reply.status, reply.body["data"]) == (400, None)


async def test_without_a_store_it_says_so() -> None:
    query = groups('limit: 1, filter: {datetime_geq: "2001-01-01T00:00:00Z"}')
    reply = await answer(Analytics(None, ("shop",), 1e12), {"query": query})
    assert reply.status == 503
    assert "there is no event store" in reply.body["errors"][0]["message"]
    assert reply.body["errors"][0]["path"] == ["viewer", "zones", "0", "httpRequestsAdaptiveGroups"]


json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(json, st.fixed_dictionaries({"query": st.text("{}()viewer zones$a:\"'#.@,!=[]0\n", max_size=60)})))
async def test_no_body_is_too_much(body: Any) -> None:
    reply = await answer(Analytics(None, ("shop",)), body)
    assert reply.status < 500 or reply.status == 503


names = st.sampled_from(
    [
        f"{name}{operator}"
        for name in ("botScore", "datetime", "clientIP", "kind", "date", "botDetectionIds", "x")
        for operator in ("", "_gt", "_in", "_like", "_has", "_neq", "_hasall", "_notin", "_lt")
    ]
    + ["AND", "OR"]
)
filters = st.recursive(
    st.dictionaries(names, json, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from(["AND", "OR"]), st.lists(inner, max_size=3), max_size=2),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(filters)
def test_a_filter_is_read_or_refused(part: Any) -> None:
    try:
        asked = read(part, DATASETS["firewallEventsAdaptive"].dimensions)
        check(Groups(asked.span, filter=asked.filter, scope="security"))
    except (AskError, QueryError):
        return
