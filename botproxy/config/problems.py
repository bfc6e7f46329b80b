"""What is wrong with a configuration: where it stands, what it is, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from botproxy.errors import OperatorError

SHOWN = 80  # characters of an operator's value that a message repeats


class Problem(NamedTuple):
    """One thing to correct, or to think about. `line` and `column` count from 1; 0 means the file as a whole.

    `file` is a path as the operator wrote it, or the name of a command-line option. `path` is the place in the tree,
    such as `zones[0].hosts[1]`.
    """

    file: str
    line: int
    column: int
    what: str
    right: str = ""
    path: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.what}" + (f" — {self.right}" if self.right else "")


class Said(NamedTuple):
    """A problem or a warning as a check says it: of a path of the tree, before its line is looked up."""

    path: tuple[str | int, ...]
    what: str
    right: str = ""
    warning: bool = False
    on_key: bool = False  # the key is meant, not the value


class ConfigError(OperatorError):
    """A configuration that cannot be used, with every problem found in it, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(dict.fromkeys(sorted(problems, key=lambda p: p[:3])))
        super().__init__("\n".join(map(str, self.problems)))


def shown(value: object) -> str:
    """A value as a message may repeat it: on one line, bounded, and without anything a terminal would obey."""
    text = value if isinstance(value, str) else {None: "null", True: "true", False: "false"}.get(value, repr(value))  # type: ignore[call-overload]
    text = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "replace").decode("ascii") for c in text[: SHOWN + 1]
    )
    if not text:
        return "an empty text"
    return f"`{text}`" if len(text) <= SHOWN else f"`{text[:SHOWN]}…`"
