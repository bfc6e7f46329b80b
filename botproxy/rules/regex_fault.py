"""What is wrong with a regular expression."""

from __future__ import annotations


class RegexFault(Exception):  # noqa: N818  it is a finding, not a failure
    """What is wrong with an expression, and where (offset in characters). Never leaves this room."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at
