"""What operators take back, and the file in which that outlives a restart.

Notices carry it to the workers of this node and, over shared state, to other nodes; each node writes down what it
knows.
"""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson

from botproxy.cookies import REVOKED, read_revocation, revocation
from botproxy.store import Notice, whole_file
from botproxy.supervisor.nursery import Refused
from botproxy.supervisor.state import SharedState
from botproxy.telemetry import log

FILE: Final = "revocations.json"

_log = logging.getLogger(__name__)


async def revoke(state: SharedState, kind: str, value: str, seconds: float) -> None:
    """Take back clearances, for as long as any that was given before can count. Raises `OperatorError` for a value that
    is none of its kind, `StoreFull` when too much was taken back already."""
    now = time.time()
    said = revocation(kind, value, now)  # type: ignore[arg-type]
    await state.post(REVOKED, Notice(said.name, said.encode(), now + seconds))


def listed(state: SharedState) -> list[dict[str, Any]]:
    """What is taken back now, the newest first."""
    rows = []
    for notice in state.board.posted_now(REVOKED):
        said = read_revocation(notice.body)
        if said is not None:
            rows.append({"kind": said.kind, "value": said.value, "at": said.at, "until": notice.expires})
    return sorted(rows, key=lambda row: -float(str(row["at"])))


def read(directory: Path, state: SharedState) -> None:
    """Have what was written down hold again. A file that cannot be understood is put aside and said.

    Raises `Refused` when there is a file and it cannot be read at all.
    """
    path = directory / FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise Refused([f"data: {path} cannot be read: {error.strerror}"]) from None
    try:
        for name, body, expires in orjson.loads(content):
            state.board.post_now(REVOKED, Notice(bytes.fromhex(name), bytes.fromhex(body), float(expires)))
    except (ValueError, TypeError) as error:
        aside = path.with_suffix(".json.unreadable")
        with suppress(OSError):
            os.replace(path, aside)
        _log.error(
            "clearances that were taken back cannot be read, and count again",
            extra=log.fields(file=path, moved_to=aside, error=error),
        )


def write(directory: Path, state: SharedState) -> None:
    """Write down all that is taken back now. Raises OSError."""
    rows = [[each.id.hex(), each.body.hex(), each.expires] for each in state.board.posted_now(REVOKED)]
    whole_file.write(directory / FILE, orjson.dumps(rows))
