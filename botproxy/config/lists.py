"""Named lists: read from the configuration and from files, each fault told where it stands, and compiled once."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from botproxy.config.document import Document
from botproxy.config.document import Path as TreePath
from botproxy.config.explain import dotted
from botproxy.config.problems import Problem, shown
from botproxy.rules.list_builder import Compiled, ListBuilder, Overlap
from botproxy.rules.list_items import ItemError
from botproxy.rules.lists import ListKind, Lists, NamedList, unread
from botproxy.rules.settings import ListSettings

MAX_BYTES: Final = 256 * 1024 * 1024
MAX_LINES: Final = 5_000_000
TOLD: Final = 20
"""Faults of one file that are told one by one."""

_REMARKS: Final = (b"#", b";", b",")

Signature = tuple[int, int, int]
"""Inode, size in bytes, and time of the last change in nanoseconds."""


class Watched(NamedTuple):
    """A file as it was when it was read."""

    path: str
    signature: Signature


class LoadedLists(NamedTuple):
    """Lists by name. One that could not be read stands there too, empty, so that rules which name it are not told."""

    lists: Lists
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    files: tuple[Watched, ...] = ()


NO_LISTS: Final = LoadedLists({})


def load_lists(
    settings: Sequence[ListSettings],
    document: Document,
    file: str,
    counts: Callable[[TreePath], bool] = lambda _: True,
) -> LoadedLists:
    """Compile all lists; `document` and `file` are the configuration's, `counts` denies what was taken out of it."""
    problems: list[Problem] = []
    warnings: list[Problem] = []
    files: list[Watched] = []
    lists: dict[str, NamedList] = {name: unread(name) for name in _names(document)}
    first: dict[str, int] = {}
    for at, one in enumerate(settings):
        path: TreePath = ("lists", at)
        if not counts(path):
            continue
        known = first.setdefault(one.name, at)
        if known != at:
            mark = document.place((*path, "name")).value
            what, right = f"a second list with the name {shown(one.name)}", f"another one: lists[{known}] has this"
            problems.append(Problem(file, *mark, what, right, dotted((*path, "name"))))
            continue
        reading = _Reading(one, path, document, file)
        compiled = reading.read()
        problems += reading.problems
        warnings += reading.warnings
        if reading.watched is not None:
            files.append(reading.watched)
        lists[one.name] = compiled.list if compiled is not None and not reading.problems else unread(one.name)
    return LoadedLists(lists, tuple(problems), tuple(warnings), tuple(files))


class Chosen(NamedTuple):
    """Some lists, and what tells whether they are still the same. That of a file says nothing of what is in it."""

    lists: Lists
    signature: tuple[tuple[str, Signature | None], ...]


def choose(settings: Sequence[ListSettings], document: Document, file: str, names: Collection[str]) -> Chosen:
    """The lists of these names, of a configuration that was checked."""
    wanted = [one for one in settings if one.name in names]
    told = tuple((one.model_dump_json(), signature_of(one.file) if one.file else None) for one in wanted)
    loaded = load_lists(settings, document, file, lambda path: settings[int(path[1])].name in names)
    return Chosen({name: loaded.lists[name] for name in names if name in loaded.lists}, told)


def signature_of(path: str | Path) -> Signature | None:
    """What tells whether the file is still the one that was read; None when it is not to be had."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


class _Reading:
    """One list, on its way from text to table."""

    def __init__(self, settings: ListSettings, path: TreePath, document: Document, file: str) -> None:
        self.settings: Final = settings
        self.problems: Final[list[Problem]] = []
        self.warnings: Final[list[Problem]] = []
        self.watched: Watched | None = None
        self._path: Final = path
        self._document: Final = document
        self._file: Final = file
        self._builder: Final = ListBuilder(settings.name, ListKind(settings.kind))

    def read(self) -> Compiled | None:
        """The list, or None when its file cannot be read; what is wrong with items is among the problems."""
        if self.settings.file is not None:
            if not self._read_file(self.settings.file):
                return None
        else:
            self._read_items(self.settings.items or ())
        compiled = self._builder.finish()
        self._warn(compiled)
        return compiled

    def _read_items(self, items: Sequence[str | int]) -> None:
        for nth, item in enumerate(items):
            try:
                self._builder.add(str(item).encode("utf-8", "replace"), nth)
            except ItemError as error:
                self.problems.append(self._at_item(nth, error.what, error.right))

    def _read_file(self, path: Path) -> bool:
        place: TreePath = (*self._path, "file")
        fault = ""
        try:
            with _opened(path) as opened:
                found = os.fstat(opened.fileno())
                self.watched = Watched(str(path.absolute()), (found.st_ino, found.st_size, found.st_mtime_ns))
                if found.st_size > MAX_BYTES:
                    fault = f"is larger than {MAX_BYTES // 1024**2} MB"
                else:
                    self._read_lines(opened, path)
        except (OSError, ValueError) as error:
            # It may be there one moment later, and then it is a change.
            self.watched = Watched(str(path.absolute()), (0, 0, 0))
            fault = f"cannot be read: {getattr(error, 'strerror', None) or 'not the path of a file'}"
        if fault:
            mark = self._document.place(place).value
            right = "the path of a file with one item a line"
            self.problems.append(Problem(self._file, *mark, f"{shown(str(path))} {fault}", right, dotted(place)))
        return not fault

    def _read_lines(self, opened: BinaryIO, path: Path) -> None:
        add, items = self._builder.add, _texts if self.settings.kind == "string" else _items
        faults = 0
        for at, item in items(opened):
            if at > MAX_LINES:
                self.problems.append(Problem(str(path), at, 1, f"more than {MAX_LINES} lines", "several lists"))
                return
            try:
                add(item, at)
            except ItemError as error:
                faults += 1
                if faults <= TOLD:
                    self.problems.append(Problem(str(path), at, 1, error.what, error.right))
        if faults > TOLD:
            self.problems.append(Problem(str(path), 0, 0, f"{faults - TOLD} more lines are wrong"))

    def _warn(self, compiled: Compiled) -> None:
        for at in compiled.wide:
            what, right = "a network that holds a great part of the whole Internet", "a /8 at most, of IPv6 a /12"
            self.warnings.append(self._at(at, what, right))
        for each in compiled.overlaps:
            self.warnings.append(self._at(each.at, *self._overlapping(each)))
        more = compiled.overlapping - len(compiled.overlaps)
        if more > 0:
            what = f"{more} more items of ${self.settings.name} are in it already"
            name = str(self.settings.file) if self.settings.file is not None else self._file
            self.warnings.append(Problem(name, 0, 0, what, "nothing, if meant: they cost no memory"))
        if not len(compiled.list) and self.settings.file is not None:
            self.warnings.append(Problem(str(self.settings.file), 0, 0, f"the list ${self.settings.name} is empty"))

    def _overlapping(self, each: Overlap) -> tuple[str, str]:
        where = f"line {each.other_at}" if self.settings.file is not None else f"item {each.other_at + 1}"
        one, other = each.text.strip("`"), each.other.strip("`")
        if each.same:
            return f"{shown(one)} is here a second time", f"remove it: {where} has it"
        return f"{shown(one)} overlaps {shown(other)}", f"nothing, if meant: {where} has what both hold"

    def _at(self, at: int, what: str, right: str) -> Problem:
        if self.settings.file is not None:
            return Problem(str(self.settings.file), at, 1, what, right)
        return self._at_item(at, what, right)

    def _at_item(self, nth: int, what: str, right: str) -> Problem:
        path: TreePath = (*self._path, "items", nth)
        return Problem(self._file, *self._document.place(path).value, what, right, dotted(path))


def _opened(path: Path) -> BinaryIO:
    """The file, opened for reading; a pipe would be waited for without end, so nothing but a file is."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(0, "not a file")
    return path.open("rb")


def _items(lines: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Items of a file with their lines, counted from 1, without white space and remarks."""
    for at, line in enumerate(lines, 1):
        item = line.strip()
        for sign in _REMARKS:
            if sign in item:
                item = item.partition(sign)[0].rstrip()
        if at == 1:
            item = item.removeprefix(b"\xef\xbb\xbf")
        if item:
            yield at, item


def _texts(lines: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Strings of a file with their lines: everything before the line's end counts."""
    for at, line in enumerate(lines, 1):
        item = line.rstrip(b"\r\n")
        if at == 1:
            item = item.removeprefix(b"\xef\xbb\xbf")
        if item and not item.startswith(b"#"):
            yield at, item


def _names(document: Document) -> Iterator[str]:
    tree = document.value
    lists = tree.get("lists") if isinstance(tree, dict) else None
    for one in lists if isinstance(lists, list) else ():
        name = one.get("name") if isinstance(one, Mapping) else None
        if isinstance(name, str):
            yield name
