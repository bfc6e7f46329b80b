"""Rules on JavaScript detections, whose result is there only after a browser has loaded a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from botproxy.config.lints.linted import STOPPING, Advice, Rule
from botproxy.config.lints.samples import JS_PASSED, PATHS, Sample, field_of, outcome, sample, signed

_UPGRADE: Final = {"http.request.headers": frozenset((b"upgrade", b"connection", b"sec-websocket-key"))}
_WEBSOCKET: Final = ((b"Upgrade", b"websocket"), (b"Connection", b"Upgrade"), (b"Sec-WebSocket-Key", b"AAAA"))
_KNOWN: Final = PATHS | {JS_PASSED}
_METHOD: Final = "http.request.method"
_WITHOUT_SCRIPTS: Final[tuple[tuple[str, Sample], ...]] = (
    ("WebSockets", sample(_KNOWN | {_METHOD}, path=b"/ws", headers=_WEBSOCKET, keys=_UPGRADE)),
    ("calls of an API", sample(_KNOWN, path=b"/api/v1/items", keys=_UPGRADE)),
    ("apps", sample(_KNOWN, path=b"/mobile/v1/items", keys=_UPGRADE)),
)


def blocking_unknown(rules: Sequence[Rule]) -> Iterator[Advice]:
    """A block for whom there is no result yet: everybody's first request."""
    for rule in rules:
        if rule.action == "block" and _wants_failure(rule):
            yield Advice(
                rule,
                "it blocks new visitors: `js_detection.passed` is true only once a page was loaded and its script ran",
                "the action `managed_challenge`, which lets a browser through",
            )


def beyond_pages(rules: Sequence[Rule]) -> Iterator[Advice]:
    """A challenge or block for what never runs a script: WebSockets, calls of an API, apps."""
    for rule in rules:
        if rule.action not in STOPPING or not _wants_failure(rule):
            continue
        reached = [name for name, each in _WITHOUT_SCRIPTS if outcome(rule.expression.tree, each) is not False]
        if reached:
            yield Advice(
                rule,
                f"it reaches {', '.join(reached)}, which run no script and so never pass JavaScript detections",
                'only paths that browsers alone ask for, such as `http.request.uri.path in {"/login"}`',
            )


def _wants_failure(rule: Rule) -> bool:
    return any(field_of(node) == JS_PASSED and not positive for node, positive in signed(rule.expression.tree))
