"""The one error of this room: a rule that cannot be read, shown with carets under the fault."""

from __future__ import annotations

from botproxy.errors import OperatorError


class RuleError(OperatorError):
    """An expression is at fault.

    `start` and `end` are offsets in characters into `source`; `line` and `column` count from 1. The exception text is
    the form that people know from the original's editor:

        Filter parsing error (1:11):
        http.host like "a"
                  ^^^^^^^^ expected ComparisonOp
    """

    def __init__(self, message: str, source: str, start: int, end: int) -> None:
        line_start = source.rfind("\n", 0, start) + 1
        line_end = source.find("\n", start)
        line_text = source[line_start : line_end if line_end >= 0 else len(source)].rstrip("\r")
        self.message = message
        self.source = source
        self.start = start
        self.end = end
        self.line = source.count("\n", 0, start) + 1
        self.column = start - line_start + 1
        # A span stays on its line, and an empty one (end of input) still gets a caret.
        carets = max(1, min(end, line_start + len(line_text)) - start)
        super().__init__(
            f"Filter parsing error ({self.line}:{self.column}):\n"
            f"{line_text}\n{' ' * (start - line_start)}{'^' * carets} {message}"
        )
