"""Rules on the bot score that reach whom nobody means to reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from botproxy.config.lints.linted import STOPPING, Advice, Rule
from botproxy.config.lints.samples import (
    PATHS,
    SCORE,
    STATIC,
    VERIFIED,
    accesses,
    field_of,
    literals,
    outcome,
    reads,
    sample,
)
from botproxy.model import VerifiedBot
from botproxy.rules.evaluation import test_of
from botproxy.rules.tree import Call, Compare, Logic, LogicOp, Node, Not
from botproxy.rules.writing import expression_text

_CRAWLER: Final = VerifiedBot("googlebot", "Search Engine Crawler")
_CRAWLS: Final = (
    (b"Host", b"site.invalid"),
    (b"User-Agent", b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
)
_OF_CRAWLER: Final = frozenset(
    (SCORE, *VERIFIED, "http.request.method", "http.user_agent", "cf.bot_management.signed_agent", "ssl")
)
_OF_IMAGE: Final = PATHS | {SCORE, STATIC, "http.request.method", "ssl"}
_COMMON: Final = frozenset(("http.host", "http.request.method", "http.request.version", "ssl", "cf.edge.client_tcp"))


def static_resources(rules: Sequence[Rule]) -> Iterator[Advice]:
    """A low score is blocked for images too, which mail clients and feed readers fetch without being browsers."""
    for rule in rules:
        tree = rule.expression.tree
        if rule.action == "block" and picks_low(tree) and any(_reaches_image(tree, path) for path in _images(tree)):
            yield Advice(
                rule,
                "it blocks images and other static files as well, which mail clients and feed readers fetch",
                "`and not cf.bot_management.static_resource`",
            )


def verified_bots(rules: Sequence[Rule]) -> Iterator[Advice]:
    """A low score is stopped although it is a search engine's, whose scores are low because it is a bot."""
    crawler = sample(_OF_CRAWLER, headers=_CRAWLS, verified=_CRAWLER)
    for rule in rules:
        tree = rule.expression.tree
        if rule.action in STOPPING and picks_low(tree) and outcome(tree, crawler) is not False:
            does = "blocks" if rule.action == "block" else "challenges"
            yield Advice(
                rule,
                f"it {does} search engines and other verified bots as well, which are automated and score low",
                "`and not cf.bot_management.verified_bot`",
            )


def exempting(rules: Sequence[Rule]) -> Iterator[Advice]:
    """A skip for what scores low everywhere but on some paths: it spares those whom it was meant to stop.

    The original's documentation prints such a rule under "Exempt API traffic".
    """
    for rule in rules:
        if not rule.spares:
            continue
        items = list(_conjuncts(rule.expression.tree))
        paths = [item.item for item in items if isinstance(item, Not) and any(n in PATHS for n, _ in reads(item))]
        low = [item for item in items if picks_low(item)]
        narrow = [
            item
            for item in items
            if item not in low and not isinstance(item, Not) and not {name for name, _ in reads(item)} <= _COMMON
        ]
        if low and paths and not narrow:
            path = expression_text(paths[0])
            yield Advice(
                rule,
                f"it spares likely bots everywhere but where {path}",
                f"`{path}` alone exempts that traffic; or `block` instead of `{rule.action}`",
            )


def threat_score(rules: Sequence[Rule]) -> Iterator[Advice]:
    """`cf.threat_score` is 0 for everybody, and was never the bot score."""
    for rule in rules:
        if rule.expression.uses("cf.threat_score"):
            yield Advice(
                rule,
                "cf.threat_score is 0 for every request, here as in the original",
                "cf.bot_management.score, where a low number is a likely bot",
            )


def picks_low(node: Node) -> bool:
    """Whether a low bot score helps the condition to be true, and a high one does not."""
    return _picks(node, 1, 99)


def _picks(node: Node, wanted: int, unwanted: int) -> bool:
    if isinstance(node, Not):
        return _picks(node.item, unwanted, wanted)
    if isinstance(node, Logic):
        turned = node.op is LogicOp.XOR and any(_picks(item, unwanted, wanted) for item in node.items)
        return turned or any(_picks(item, wanted, unwanted) for item in node.items)
    if isinstance(node, Compare) and field_of(node) == SCORE:
        test = test_of(node)
        return test(wanted) and not test(unwanted)
    return False


def _conjuncts(node: Node) -> Iterator[Node]:
    if isinstance(node, Logic) and node.op is LogicOp.AND:
        for item in node.items:
            yield from _conjuncts(item)
    else:
        yield node


def _images(tree: Node) -> Iterator[bytes]:
    """Paths of an image: one of the whole site, and one below each beginning that the rule names."""
    yield b"/images/logo.png"
    for access in accesses(tree):
        if isinstance(access.base, Call) and access.base.function == "starts_with":
            for value in literals(access):
                if isinstance(value, bytes) and value.startswith(b"/"):
                    yield value + b"/logo.png"


def _reaches_image(tree: Node, path: bytes) -> bool:
    return outcome(tree, sample(_OF_IMAGE, path=path, static=True)) is not False
