"""Trees whose values know where they were written, so that two texts become one and problems still name the right one.

Lines of the second text count on from `SECOND`, as if it stood far behind the first: whatever makes a problem needs to
know nothing of a second text, and `unshifted` puts the problem where it belongs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, final

from botproxy.config.document import MAX_BYTES, Document, Mark, Path, Place, Scalar, Value
from botproxy.config.problems import Problem
from botproxy.config.spans import Span

SECOND: Final = 10_000_000
"""No text of `MAX_BYTES` has as many lines."""

assert SECOND > MAX_BYTES


@final
class Node:
    """One value and its place."""

    __slots__ = ("place", "value")

    def __init__(self, value: Scalar | list[Node] | dict[str, Node], place: Place) -> None:
        self.value = value
        self.place = place

    @property
    def mapping(self) -> dict[str, Node]:
        """The values of a mapping; none when it is something else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        """The values of a list; none when it is something else."""
        return self.value if isinstance(self.value, list) else []

    @property
    def text(self) -> str:
        """The text; "" when it is something else."""
        return self.value if isinstance(self.value, str) else ""


def lift(document: Document, shift: int = 0) -> Node:
    """The document as nodes, every line counted on by `shift`."""

    def build(value: Value, path: Path) -> Node:
        place = _shifted(document.place(path), shift)
        if isinstance(value, dict):
            return Node({name: build(child, (*path, name)) for name, child in value.items()}, place)
        if isinstance(value, list):
            return Node([build(child, (*path, at)) for at, child in enumerate(value)], place)
        return Node(value, place)

    return build(document.value, ())


def lower(root: Node) -> Document:
    """Nodes as a document."""
    places: dict[Path, Place] = {}

    def build(node: Node, path: Path) -> Value:
        places[path] = node.place
        if isinstance(node.value, dict):
            return {name: build(child, (*path, name)) for name, child in node.value.items()}
        if isinstance(node.value, list):
            return [build(child, (*path, at)) for at, child in enumerate(node.value)]
        return node.value

    return Document(build(root, ()), places, ())


def made(value: Value, place: Place) -> Node:
    """A value that was not written as it is: all of it is where `place` says."""
    place = place._replace(spans=())
    if isinstance(value, dict):
        return Node({name: made(child, place) for name, child in value.items()}, place)
    if isinstance(value, list):
        return Node([made(child, place) for child in value], place)
    return Node(value, place)


def unshifted(problems: Iterable[Problem], file: str, second: str) -> list[Problem]:
    """Problems of `file` whose line is one of the second text, named `second`, are told there."""
    return [
        problem._replace(file=second, line=problem.line - SECOND)
        if problem.file == file and problem.line > SECOND
        else problem
        for problem in problems
    ]


def _shifted(place: Place, lines: int) -> Place:
    if not lines:
        return place
    key, value = place.key, place.value
    return Place(
        Mark(key.line + lines, key.column),
        Mark(value.line + lines, value.column),
        tuple(Span(span.offset, span.line + lines, span.column) for span in place.spans),
    )
