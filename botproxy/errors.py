"""The few errors of the product; the class says whose fault it is.

A failing engine is not among them: that is no opinion and a counter, never an exception that reaches a visitor.
"""

from __future__ import annotations


class BotproxyError(Exception):
    """Anything that this product raises on purpose."""


class OperatorError(BotproxyError):
    """The operator's input is at fault: a configuration, a rule, a file, a command line. The text is for them."""


class ClientError(BotproxyError):
    """The client's request is at fault.

    `status` is the answer (4xx or 5xx), `reason` a public word or two, and the exception text the private detail,
    which goes to the log and never to the client.
    """

    def __init__(self, status: int, reason: str, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.status = status
        self.reason = reason


class OriginError(BotproxyError):
    """The origin is at fault. `status` is 502 or 504."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
