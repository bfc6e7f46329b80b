"""The versions of the overlay in the data directory: a file each, the newest one holds. Number 0 is without overlay.

A version is written beside its name first and gets the name once it is in use, so that whatever ends the process in
between, the version that holds is one that was in use.
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, final

import yaml

from botproxy.config.document import Value, read
from botproxy.config.problems import ConfigError, Problem
from botproxy.store import whole_file

DIRECTORY: Final = "overlay"
ASIDE: Final = "aside"
"""Within it: versions that other nodes' took the place of."""

MOST_ASIDE: Final = 100
"""So many of those are kept; the oldest go first."""

KEEP: Final = 100
"""Versions that are kept; the oldest are deleted."""

MAX_BYTES: Final = 4 * 1024 * 1024

_NAME: Final = re.compile(r"([0-9]{6,9})\.yaml\Z")
_HEAD: Final = (
    "# Changes that were made on the running proxy, on top of its configuration. This file is not for editing:\n"
    "# `botproxy config history`, `show`, `rollback` and `export` are.\n"
)
_WHOLE: Final = _HEAD + "# The last line says that this is the end.\n"
"""The head of a version that ends with `_END`; those of before have `_HEAD` alone."""

_BACK: Final = "another version, such as the one before: botproxy config rollback NUMBER"
_END: Final = "# This is the end.\n"


class OverlayText(NamedTuple):
    """The text of an overlay, and the file that problems name; both "" without one."""

    file: str
    text: str


NO_OVERLAY: Final = OverlayText("", "")


class Version(NamedTuple):
    """What is known of a version without its changes."""

    version: int
    at: float = 0.0  # seconds since 1970
    who: str = ""
    what: str = ""
    restored: int | None = None


def current(data: Path) -> OverlayText:
    """The overlay that holds in this data directory. Raises ConfigError when there is one and it cannot be read."""
    numbers = _numbers(data)
    return _read(data, numbers[-1]) if numbers else NO_OVERLAY


def number_of(overlay: OverlayText) -> int:
    """The number of this version."""
    found = _NAME.search(overlay.file)
    return int(found[1]) if found else 0


def written(changes: dict[str, Any], about: Version) -> str:
    """The text of a version with these changes, the whole of an overlay without `about`."""
    said = {name: value for name, value in about._asdict().items() if value not in ("", None)}
    kept = {name: value for name, value in changes.items() if name != "about"}
    return _WHOLE + yaml.safe_dump({"about": said, **kept}, sort_keys=False, allow_unicode=True, width=1000) + _END


def changes_in(overlay: OverlayText) -> dict[str, Any]:
    """The changes of a version as plain values. Raises ConfigError when it cannot be understood: whoever took that for
    no changes would take all of them back."""
    document = read(overlay.text, overlay.file) if overlay.text else None
    if document is not None and document.problems:
        raise ConfigError(document.problems)
    value = document.value if document is not None and isinstance(document.value, dict) else {}
    return {name: child for name, child in value.items() if name != "about"}


@final
class Versions:
    """The versions of one data directory; whoever writes has claimed the directory."""

    def __init__(self, data: Path) -> None:
        self.data: Final = data

    def current(self) -> OverlayText:
        """See `current`."""
        return current(self.data)

    def left(self) -> OverlayText:
        """As `current`, for whoever leaves it: without its text when that cannot be read."""
        try:
            return self.current()
        except ConfigError:
            return OverlayText(str(_path(self.data, _numbers(self.data)[-1])), "")

    def get(self, number: int) -> OverlayText | None:
        """A version; None when it is not kept. Number 0 is without any overlay. Raises ConfigError."""
        if number == 0:
            return NO_OVERLAY
        return _read(self.data, number) if number in _numbers(self.data) else None

    def listed(self) -> list[Version]:
        """All versions that are kept, the newest first."""
        found = []
        for number in reversed(_numbers(self.data)):
            with suppress(ConfigError):
                overlay = _read(self.data, number)
                found.append(about(overlay._replace(text=_head(overlay.text)), number))
        return found

    def before(self, number: int) -> int:
        """The number of the one before this one; 0 when none is kept."""
        return max((each for each in _numbers(self.data) if each < number), default=0)

    def draft(self, overlay: OverlayText) -> None:
        """Write the next version without its name. Raises OSError."""
        path = Path(overlay.file)
        content = overlay.text.encode()
        if len(content) > MAX_BYTES:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        path.parent.mkdir(mode=0o750, exist_ok=True)
        whole_file.write_draft(path, content)

    def next(
        self, current: OverlayText, changes: dict[str, Any], who: str, what: str, restored: int | None = None
    ) -> OverlayText:
        """What the next version would be, without writing it."""
        number = number_of(current) + 1
        about = Version(number, round(time.time(), 3), who[:200], what[:2000], restored)
        return OverlayText(str(_path(self.data, number)), written(changes, about))

    def take(self, overlay: OverlayText) -> None:
        """The draft is in use: give it its name, and delete the oldest. Raises OSError."""
        path = Path(overlay.file)
        whole_file.take_draft(path)
        for number in _numbers(self.data)[:-KEEP]:
            with suppress(OSError):
                _path(self.data, number).unlink()

    def named(self, number: int, text: str) -> OverlayText:
        """What a version of this number and text is, without writing it. Raises ConfigError for one that is damaged."""
        path = _path(self.data, number)
        _whole(path, text)
        return OverlayText(str(path), text)

    def put_aside(self, number: int) -> list[int]:
        """Have this version and all after it hold no longer: they go into a directory of their own. Raises OSError."""
        found = [each for each in _numbers(self.data) if each >= number]
        if found:
            aside = self.data / DIRECTORY / ASIDE
            aside.mkdir(mode=0o750, exist_ok=True)
            for each in found:
                path = _path(self.data, each)
                os.replace(path, aside / f"{path.stem}-{time.time_ns()}.yaml")
            for path in sorted(self.aside(), key=_when_put)[:-MOST_ASIDE]:
                path.unlink(missing_ok=True)
        return found

    def naming(self, named: Callable[[bytes], bool]) -> list[int]:
        """The versions whose text this finds something in, the oldest first. Raises ConfigError."""
        return [each for each in _numbers(self.data) if named(_read(self.data, each).text.encode())]

    def aside(self) -> list[Path]:
        """The files of versions that were put aside, the oldest first."""
        return sorted((self.data / DIRECTORY / ASIDE).glob("*.yaml"))

    def delete(self, number: int) -> None:
        """Do not keep this version, which is not the newest, any longer. Raises OSError."""
        _path(self.data, number).unlink(missing_ok=True)

    def discard(self, overlay: OverlayText) -> None:
        """The draft was not taken."""
        whole_file.discard_draft(Path(overlay.file))


def about(overlay: OverlayText, number: int) -> Version:
    """What a version says of itself."""
    said = _values(overlay).get("about")
    if not isinstance(said, dict):
        return Version(number)
    at, who, what, restored = (said.get(name) for name in ("at", "who", "what", "restored"))
    return Version(
        number,
        float(at) if isinstance(at, int | float) else 0.0,
        who if isinstance(who, str) else "",
        what if isinstance(what, str) else "",
        restored if isinstance(restored, int) else None,
    )


def _head(text: str) -> str:
    """What a version that was written here says of itself, which stands first: a hundred times all changes are much."""
    head = next((head for head in (_HEAD, _WHOLE) if text.startswith(head + "about:")), None)
    if head is None:
        return text
    lines = text.split("\n")
    first = len(head.split("\n"))  # the line behind `about:`
    end = next((at for at in range(first, len(lines)) if lines[at][:1] not in (" ", "")), len(lines))
    return "\n".join(lines[:end]) + "\n"


def _values(overlay: OverlayText) -> dict[str, Value]:
    value = read(overlay.text, overlay.file).value if overlay.text else {}
    return value if isinstance(value, dict) else {}


def _numbers(data: Path) -> list[int]:
    try:
        names = os.listdir(data / DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ConfigError([Problem(str(data / DIRECTORY), 0, 0, f"cannot be read: {error.strerror}")]) from error
    return sorted(int(found[1]) for name in names if (found := _NAME.match(name)))


def _path(data: Path, number: int) -> Path:
    return data / DIRECTORY / f"{number:06d}.yaml"


def _when_put(aside: Path) -> int:
    stamp = aside.stem.rpartition("-")[2]
    return int(stamp) if stamp.isdigit() else 0


def _whole(path: Path, text: str) -> None:
    if not text.strip() or (text.startswith(_WHOLE) and not text.endswith(_END)):
        # Taken for what it looks like, it would take changes back that nobody took back.
        what = "is cut off" if text.strip() else "is empty"
        raise ConfigError([Problem(str(path), 0, 0, f"this version {what}: the file was damaged", _BACK)])


def _read(data: Path, number: int) -> OverlayText:
    path = _path(data, number)
    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
        text = content[:MAX_BYTES].decode()
        _whole(path, text)
        return OverlayText(str(path), text)
    except OSError as error:
        raise ConfigError([Problem(str(path), 0, 0, f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(str(path), 0, 0, "a byte that is not UTF-8", _BACK)]) from error
