"""Small files written whole: after a crash or a full disk there is the old content or the new, never a part of one."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

MODE = 0o640


def write(path: Path, content: bytes) -> None:
    """Replace a file, and have the disk know before this returns. Raises OSError, and then nothing has changed."""
    write_draft(path, content)
    try:
        take_draft(path)
    except BaseException:
        discard_draft(path)
        raise


def write_draft(path: Path, content: bytes) -> None:
    """Write what the file is to hold beside it. Raises OSError, and then there is no draft."""
    draft = draft_of(path)
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, MODE)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
    except BaseException:
        discard_draft(path)
        raise


def take_draft(path: Path) -> None:
    """Have the draft take the file's place. Raises OSError."""
    os.replace(draft_of(path), path)
    # The name is an entry of the directory, which has to reach the disk as well.
    holder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(holder)
    finally:
        os.close(holder)


def discard_draft(path: Path) -> None:
    """Leave no draft behind."""
    with suppress(OSError):
        draft_of(path).unlink()


def draft_of(path: Path) -> Path:
    """Where the draft of a file is."""
    return path.with_name(f"{path.name}.new")
