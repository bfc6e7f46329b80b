"""Requests that a rule is tried on, of which only some facts are given: true, false, or it depends on the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address
from typing import Any, Final, NamedTuple

from botproxy.model import BotManagement, Client, Facts, Headers, Request, Score, ScoreSource, VerifiedBot
from botproxy.rules import FIELDS
from botproxy.rules.evaluation import matcher
from botproxy.rules.tree import (
    Access,
    Argument,
    Compare,
    Field,
    Key,
    Literal,
    Logic,
    LogicOp,
    Node,
    Not,
    Quantified,
    Truth,
)

SCORE: Final = "cf.bot_management.score"
JS_PASSED: Final = "cf.bot_management.js_detection.passed"
VERIFIED: Final = ("cf.bot_management.verified_bot", "cf.client.bot", "cf.verified_bot_category")
STATIC: Final = "cf.bot_management.static_resource"
_PATH: Final = "http.request.uri.path"
PATHS: Final = frozenset(
    (raw + name)
    for raw in ("", "raw.")
    for name in ("http.request.full_uri", "http.request.uri", _PATH, f"{_PATH}.extension")
)
"""Fields that tell the path."""


class Sample(NamedTuple):
    """A request, and which of its fields are given; of a map, single keys may be."""

    facts: Facts
    known: frozenset[str]
    keys: Mapping[str, frozenset[bytes]] = {}


def sample(
    known: frozenset[str],
    *,
    path: bytes = b"/",
    headers: tuple[tuple[bytes, bytes], ...] = (),
    keys: Mapping[str, frozenset[bytes]] | None = None,
    score: int = 1,
    verified: VerifiedBot | None = None,
    static: bool = False,
) -> Sample:
    """A GET request over https, with a bot score, and without a result of JavaScript detections."""
    request = Request(
        ray="0" * 16,
        received=1_700_000_000.0,
        method=b"GET",
        target=path,
        path=path,
        query=None,
        version="HTTP/1.1",
        secure=True,
        authority=b"site.invalid",
        host="site.invalid",
        headers=Headers(headers),
        body_length=0,
    )
    client = Client(IPv4Address("192.0.2.1"), "192.0.2.1", 1, "192.0.2.1")
    bots = BotManagement(Score(score, ScoreSource.HEURISTICS), verified)
    return Sample(Facts(request, client, "", static, None, None, {}, bots), known, keys or {})


def outcome(node: Node, given: Sample) -> bool | None:
    """What the condition comes to; None when that depends on what is not given."""
    if all(_is_known(name, key, given) for name, key in reads(node)):
        return matcher(node, FIELDS)(given.facts)
    if isinstance(node, Not):
        inner = outcome(node.item, given)
        return None if inner is None else not inner
    if not isinstance(node, Logic):
        return None
    values = [outcome(item, given) for item in node.items]
    if node.op is LogicOp.XOR:
        return None if None in values else sum(map(bool, values)) % 2 == 1
    decisive = node.op is LogicOp.OR
    if decisive in values:
        return decisive
    return None if None in values else not decisive


def _is_known(name: str, key: Key | None, given: Sample) -> bool:
    return name in given.known or (isinstance(key, bytes) and key in given.keys.get(name, ()))


def reads(node: Node | Argument) -> Iterator[tuple[str, Key | None]]:
    """Every field that is read, with the first index behind it."""
    for access in accesses(node):
        if isinstance(access.base, Field):
            yield access.base.name, access.path[0] if access.path else None


def accesses(node: Node | Argument) -> Iterator[Access]:
    """Everything that is read, in the order of the text: fields, and calls before their arguments."""
    if isinstance(node, Access):
        yield node
        if not isinstance(node.base, Field):
            for argument in node.base.arguments:
                yield from accesses(argument)
    elif isinstance(node, Compare | Truth):
        yield from accesses(node.subject)
    elif isinstance(node, Not | Quantified):
        yield from accesses(node.item)
    elif isinstance(node, Logic):
        for item in node.items:
            yield from accesses(item)


def signed(node: Node, positive: bool = True) -> Iterator[tuple[Compare | Truth | Quantified, bool]]:
    """Every simple condition, and whether its being true helps the whole to be true; behind xor both are so."""
    if isinstance(node, Not):
        yield from signed(node.item, not positive)
    elif isinstance(node, Logic):
        for item in node.items:
            yield from signed(item, positive)
            if node.op is LogicOp.XOR:
                yield from signed(item, not positive)
    else:
        yield node, positive


def comparisons(node: Node | Argument, positive: bool = True) -> Iterator[tuple[Compare, bool]]:
    """Every comparison, those within quantifiers and arguments included, with its sign as `signed` has it."""
    if isinstance(node, Compare):
        yield node, positive
    if isinstance(node, Not):
        yield from comparisons(node.item, not positive)
    elif isinstance(node, Quantified):
        yield from comparisons(node.item, positive)
    elif isinstance(node, Logic):
        for item in node.items:
            yield from comparisons(item, positive)
            if node.op is LogicOp.XOR:
                yield from comparisons(item, not positive)
    elif isinstance(node, Compare | Truth):
        yield from comparisons(node.subject, positive)
    elif isinstance(node, Access) and not isinstance(node.base, Field):
        for argument in node.base.arguments:
            yield from comparisons(argument, positive)


def field_of(node: Node) -> str:
    """The field that a simple condition is about, without functions and indexes around it; "" for any other node."""
    if isinstance(node, Compare | Truth) and isinstance(node.subject.base, Field):
        return node.subject.base.name
    return ""


def literals(access: Access) -> list[Any]:
    """Literal arguments of a call."""
    if isinstance(access.base, Field):
        return []
    return [argument.value for argument in access.base.arguments if isinstance(argument, Literal)]
