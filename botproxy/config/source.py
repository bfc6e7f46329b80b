"""Where a configuration comes from: a file, or the options of `botproxy serve --origin`.

A source travels: a freshly started process gets it as JSON, on its command line or in its environment, and loads the
same configuration from it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, NamedTuple

from botproxy.config.document import MAX_BYTES
from botproxy.config.problems import ConfigError, Problem

MAX_PINNED = 64 * 1024


class Source(NamedTuple):
    """Either `file` is set, or `origin` and the options beside it; see `from_file` and `from_origin`.

    `text` is the content of the file once it was pinned: a process that loads a pinned source reads that text and
    not the file, which an editor may be changing meanwhile. `overlay` is the text of the overlay that goes on top, and
    `overlay_file` its name in problems; None is what the data directory has, "" is none.
    """

    file: str = ""
    text: str | None = None
    overlay: str | None = None
    overlay_file: str = ""
    origin: str = ""
    mode: Literal["observe", "enforce"] | None = None
    listen: str | None = None
    admin: str | None = None
    workers: int | None = None
    data: str | None = None

    @classmethod
    def from_file(cls, path: str | Path) -> Source:
        """The configuration in this file."""
        return cls(file=str(path))

    @classmethod
    def from_origin(
        cls,
        origin: str,
        *,
        mode: Literal["observe", "enforce"] | None = None,
        listen: str | None = None,
        admin: str | None = None,
        workers: int | None = None,
        data: str | None = None,
    ) -> Source:
        """One site for every host in front of `origin`, without a file; options left out keep their defaults."""
        return cls(origin=origin, mode=mode, listen=listen, admin=admin, workers=workers, data=data)

    @property
    def zero_config(self) -> bool:
        """Whether this is the command line's one site rather than a file."""
        return not self.file

    def pinned(self) -> Source:
        """The same source with the file's text in it, as it is now. Raises `ConfigError` when it cannot be read.

        A text of more than 64 KB stays in its file: a source has to fit into one message between processes.
        """
        if self.zero_config or self.text is not None:
            return self
        text = read_text(self.file)
        return self._replace(text=text) if len(text.encode()) <= MAX_PINNED else self

    def to_json(self) -> str:
        """Text from which `from_json` makes an equal source; ASCII, without line breaks."""
        defaults = self._field_defaults
        return json.dumps({name: value for name, value in self._asdict().items() if value != defaults[name]})

    @classmethod
    def from_json(cls, text: str) -> Source:
        """The source that `to_json` wrote. For text of our own making: it is not checked."""
        return cls(**json.loads(text))


def read_text(file: str) -> str:
    """The text of a configuration file. Raises `ConfigError` when it is missing, too large, or not UTF-8."""
    try:
        with Path(file).open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        right = "give the path of a configuration file" if isinstance(error, FileNotFoundError) else ""
        raise ConfigError([Problem(file, 0, 0, f"cannot be read: {error.strerror}", right)]) from error
    except ValueError as error:  # a NUL byte in the path
        raise ConfigError([Problem(file, 0, 0, "is not the path of a file")]) from error
    if len(content) > MAX_BYTES:
        raise ConfigError([Problem(file, 0, 0, f"is larger than {MAX_BYTES // 1024**2} MB", "is this the right file?")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1) + 1
        raise ConfigError(
            [Problem(file, line, column, "a byte that is not UTF-8", "save the file as UTF-8")]
        ) from error
