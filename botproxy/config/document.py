"""YAML text to plain values, and where each of them stands.

The dialect is YAML 1.2's core without its surprises: only `true` and `false` are booleans, only plain decimal numbers
are numbers, so that `country: NO`, `22:30` and `010` stay text. Tags, duplicate keys, merge keys and further documents
are refused. Everything is bounded: bytes, depth, and values after aliases were followed (ten lines of aliases can
otherwise become a billion values).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import yaml

from botproxy.config.problems import Problem, shown
from botproxy.config.spans import Span, locate, spans

MAX_BYTES: Final = 8 * 1024 * 1024
MAX_DEPTH: Final = 40
MAX_VALUES: Final = 500_000

Scalar = bool | int | float | str | None
Value = Scalar | list["Value"] | dict[str, "Value"]
Path = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})\Z")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})\.[0-9]{1,20}\Z")
_WORDS: Final[Mapping[str, bool | None]] = {"true": True, "false": False, "null": None, "~": None, "": None}


class Mark(NamedTuple):
    """A position in the text, counted from 1."""

    line: int
    column: int


class Place(NamedTuple):
    """Where a value stands, and the key before it."""

    key: Mark
    value: Mark
    spans: tuple[Span, ...] = ()

    def inside(self, offset: int) -> Mark:
        """Where this character of a text stands, or where the text begins when that cannot be told."""
        found = locate(self.spans, offset)
        return self.value if found is None else Mark(*found)


class Document(NamedTuple):
    """What was read. `places` knows every path of `value`; `problems` is what the dialect refuses."""

    value: Value
    places: Mapping[Path, Place]
    problems: tuple[Problem, ...]

    def place(self, path: Path) -> Place:
        """The place of this path, or of the nearest one around it that was written."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(Mark(1, 1), Mark(1, 1)))


class _Node:
    """One value under construction. An alias shares the node of its anchor."""

    __slots__ = ("children", "column", "kind", "line", "open", "spans", "value")

    def __init__(self, kind: str, line: int, column: int) -> None:
        self.kind = kind  # "scalar", "list" or "mapping"
        self.line = line
        self.column = column
        self.value: Scalar = None
        self.spans: tuple[Span, ...] = ()
        self.open = False  # while its end has not been read: an alias to it would never end
        self.children: list[tuple[str | int, Mark, _Node]] = []


def read(text: str, file: str) -> Document:
    """Read one document. Never raises: whatever is wrong with the text is among the problems."""
    reader = _Reader(text, file)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            reader.take(event)
            if reader.stopped:
                break
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = "this is not YAML: " + (error.problem or "unreadable")
        if error.context:
            what += f" {error.context}"
        reader.say(what, _mark(mark), _hint(text, str(error.problem), _mark(mark)))
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        reader.say("half of a surrogate pair", Mark(line, 1), "save the file as plain UTF-8 text")
    except yaml.YAMLError as error:  # characters that YAML does not allow; the reader gives no line
        reader.say(
            "this is not YAML: " + " ".join(str(error).split())[:200], Mark(1, 1), "save the file as plain UTF-8 text"
        )
    if reader.problems or reader.root is None:
        return Document(None, {}, tuple(reader.problems))
    return _unfold(reader.root, file)


def _mark(mark: Any) -> Mark:
    """A mark of the parser's, which counts from 0 and may be None."""
    return Mark(mark.line + 1, mark.column + 1) if mark is not None else Mark(1, 1)


def _hint(text: str, problem: str, mark: Mark) -> str:
    lines = text.splitlines()
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    if "\t" in line[: mark.column]:
        return "indent with spaces: YAML takes no tab there"
    if "mapping values are not allowed" in problem:
        return "put a text with `: ` in it into quotes, and check the indentation"
    if "did not find expected node content" in problem:
        return "close every bracket, brace and quote"
    return ""


class _Reader:
    """Builds nodes from parser events, with a stack of its own, so that depth is ours to bound."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self._lines = text.splitlines()
        self.problems: list[Problem] = []
        self.root: _Node | None = None
        self.stopped = False
        self._stack: list[_Node] = []
        self._keys: list[tuple[str, Mark] | None] = []  # the key that waits for its value, one for each open node
        self._seen: list[dict[str, Mark]] = []
        self._skip = 0  # depth inside a complex key, which is refused once and passed over
        self._anchors: dict[str, _Node] = {}
        self._documents = 0

    def say(self, what: str, mark: Mark, right: str = "") -> None:
        self.problems.append(Problem(self.file, *mark, what, right))

    def take(self, event: yaml.Event) -> None:
        if self._skip:
            if isinstance(event, yaml.CollectionStartEvent):
                self._skip += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                self._skip -= 1
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._stack.pop().open = False
            self._keys.pop()
            self._seen.pop()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self.say(
                    "a second document starts here",
                    _mark(event.start_mark),
                    "a configuration is one document: remove `---`",
                )
                self.stopped = True

    def _awaits_key(self) -> bool:
        return bool(self._stack) and self._stack[-1].kind == "mapping" and self._keys[-1] is None

    def _tagged(self, event: yaml.NodeEvent) -> None:
        tag = getattr(event, "tag", None)
        if tag is not None:
            self.say(f"a tag, {shown(tag)}", _mark(event.start_mark), "tags are not supported: write the plain value")

    def _add(self, node: _Node, mark: Mark) -> None:
        if not self._stack:
            self.root = node
            return
        parent = self._stack[-1]
        if parent.kind == "list":
            parent.children.append((len(parent.children), mark, node))
            return
        waiting = self._keys[-1]
        assert waiting is not None
        self._keys[-1] = None
        parent.children.append((waiting[0], waiting[1], node))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._tagged(event)
        mark = _mark(event.start_mark)
        if self._awaits_key():
            self._key(event.value, mark)
            return
        node = _Node("scalar", *mark)
        node.value = _plain(event.value) if event.implicit[0] and not event.style else event.value
        node.spans = spans(event.value, event.style or "", self._lines, mark, _mark(event.end_mark))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._add(node, mark)

    def _key(self, name: str, mark: Mark) -> None:
        if name == "<<":
            self.say(
                "a merge key, `<<`", mark, "merge keys are not supported: repeat the settings, or alias a whole value"
            )
        first = self._seen[-1].setdefault(name, mark)
        if first is not mark:
            self.say(
                f"{shown(name)} is here a second time", mark, f"keep one of them: the first is on line {first.line}"
            )
        self._keys[-1] = (name, mark)

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        mark = _mark(event.start_mark)
        self._tagged(event)
        if self._awaits_key():
            self.say("a key that is a list or a mapping", mark, "a key is a plain word")
            self._keys[-1] = ("?", mark)
            self._skip = 1
            return
        node = _Node("list" if isinstance(event, yaml.SequenceStartEvent) else "mapping", *mark)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._add(node, mark)
        if len(self._stack) >= MAX_DEPTH:
            self.say(f"nested more than {MAX_DEPTH} levels deep", mark, "no setting lies that deep")
            self.stopped = True
            return
        node.open = True
        self._stack.append(node)
        self._keys.append(None)
        self._seen.append({})

    def _alias(self, event: yaml.AliasEvent) -> None:
        mark = _mark(event.start_mark)
        anchor = event.anchor or ""
        node = self._anchors.get(anchor)
        if self._awaits_key():
            self.say("an alias as a key", mark, "a key is a plain word")
            self._keys[-1] = ("?", mark)
            return
        if node is None or node.open:
            what = "is not defined above" if node is None else "stands inside itself"
            self.say(f"the alias {shown('*' + anchor)} {what}", mark, f"define it first, with `&{anchor}`")
            node = _Node("scalar", *mark)
        self._add(node, mark)


def _plain(text: str) -> Scalar:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text


def _unfold(root: _Node, file: str) -> Document:
    """Nodes to values and places, following aliases, within `MAX_VALUES`."""
    places: dict[Path, Place] = {}
    problems: list[Problem] = []

    def build(node: _Node, path: Path, key: Mark) -> Value:
        if len(places) >= MAX_VALUES or len(path) > MAX_DEPTH:
            if not problems:
                what = (
                    f"more than {MAX_VALUES} values"
                    if len(places) >= MAX_VALUES
                    else f"more than {MAX_DEPTH} levels deep"
                )
                problems.append(Problem(file, *key, what + " once aliases are followed", "use fewer aliases"))
            return None
        places[path] = Place(key, Mark(node.line, node.column), node.spans)
        if node.kind == "scalar":
            return node.value
        if node.kind == "list":
            return [build(child, (*path, name), mark) for name, mark, child in node.children]
        return {str(name): build(child, (*path, name), mark) for name, mark, child in node.children}

    value = build(root, (), Mark(root.line, root.column))
    return Document(value, places, tuple(problems))
