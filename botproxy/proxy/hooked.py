"""One request of a zone with a hook, from the rules' verdict to its record.

When the zone enforces, the request waits for the hook and what the hook says is done. When it observes, the request is
forwarded at once, and its record waits for the hook: what enforcing would have done is to be seen, and to cost nobody
anything.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, final

from botproxy.hooks.pool import Hook
from botproxy.hooks.replies import FAILURES, Changes, Reply
from botproxy.model import Action, Disposition, Outcome, RuleMatch
from botproxy.pipeline import Decision
from botproxy.proxy.exchange import Exchange
from botproxy.proxy.forwarding import items_without
from botproxy.proxy.records import ResponseHead

SOURCE: Final = "hook"
"""What stands for the hook among `SecuritySources`; Logpush has no word for it."""

_log = logging.getLogger(__name__)

Forward = Callable[[Changes | None], None]
Conclude = Callable[[Decision, Outcome], None]


@final
class Hooked:
    """What is done with one request once its hook has been asked."""

    __slots__ = ("_conclude", "_decision", "_exchange", "_forward", "_hook", "_outcome", "_reply")

    def __init__(
        self, hook: Hook, exchange: Exchange, decision: Decision, forward: Forward, conclude: Conclude
    ) -> None:
        """`forward` sends the request on, and `conclude` records it; both are called at most once."""
        self._hook: Final = hook
        self._exchange: Final = exchange
        self._decision: Final = decision
        self._forward: Final = forward
        self._conclude: Final = conclude
        self._reply: Reply | None = None
        self._outcome: Outcome | None = None

    def begin(self) -> None:
        """Ask. From here on the exchange is answered and recorded from here."""
        self._exchange.on_ended = self._ended
        self._hook.ask(self._decision.facts, self._replied)
        if not self._decision.enforced:
            self._forward(None)

    def _replied(self, reply: Reply) -> None:
        self._reply = reply
        enforced = self._decision.enforced
        try:
            if not enforced:
                if self._outcome is not None:
                    self._record(self._outcome)
            elif not self._exchange.answered:  # the client may have left
                self._enact(reply)
        except Exception:
            _log.exception("what came of asking a hook could not be handled")
            if enforced:
                self._exchange.fail()

    def _enact(self, reply: Reply) -> None:
        answer = reply.answer
        if answer is not None:
            self._exchange.respond(answer.status, answer.headers, answer.body)
        else:
            self._forward(reply.changes)

    def _ended(self, outcome: Outcome) -> None:
        if self._reply is None and not self._decision.enforced:
            self._outcome = outcome
        else:
            self._record(outcome)

    def _record(self, outcome: Outcome) -> None:
        reply = self._reply
        decision = self._decision
        if reply is None:
            self._conclude(decision, outcome)
            return
        if reply.result in FAILURES and not outcome.detail:
            outcome = outcome._replace(detail=f"hook: {reply.result}")
        self._conclude(with_reply(decision, self._hook.name, reply), outcome)


def with_reply(decision: Decision, name: str, reply: Reply) -> Decision:
    """The decision with what the hook of this name did, or would have done."""
    verdict = decision.verdict
    if reply.answer is not None:
        match = RuleMatch(name, f"answered {reply.answer.status}", Action.ANSWER, SOURCE)
        verdict = verdict._replace(disposition=Disposition.BLOCK, matches=(*verdict.matches, match))
    elif reply.changes is not None:
        match = RuleMatch(name, "changed headers", Action.REWRITE, SOURCE)
        verdict = verdict._replace(matches=(*verdict.matches, match))
    else:
        return decision
    return decision._replace(verdict=verdict)


def answered(decision: Decision) -> bool:
    """Whether the visitor got the hook's own answer."""
    matches = decision.verdict.matches
    return decision.enforced and bool(matches) and matches[-1].action is Action.ANSWER


def as_changed(head: ResponseHead, changes: Changes) -> ResponseHead:
    """An origin's response head as the visitor will get it."""
    return head._replace(headers=(*items_without(head.headers, changes.response_without), *changes.response))
