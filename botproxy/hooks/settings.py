"""What operators can set about the hook of a zone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from botproxy.schema import Seconds, Section, Size

_NAME = "[A-Za-z_][A-Za-z0-9_]*"


class Settings(Section):
    """Code of your own that sees every request which the rules let through; each process of it serves one at a time."""

    module: Annotated[
        str,
        Field(max_length=256, pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$"),
    ]
    """The function, as `package.module:function`. It takes one request; see docs/hooks.md."""

    directory: Path | None = None
    """Where the module is, and where its processes run. Left out, it is one that is installed where botproxy is, and
    they run in `/`."""

    timeout: Annotated[Seconds, Field(ge=0.001, le=10)] = 0.05
    """For a request to wait for the hook; then it goes on without, and a hook that is still at it is ended."""

    processes: Annotated[int, Field(ge=1, le=64)] = 2
    """Processes of the hook for each worker: so many requests it can be at together."""

    queue: Annotated[int, Field(ge=0, le=10_000)] = 100
    """Requests of one worker that may wait for one of them; above it they go on without."""

    answer_size: Annotated[Size, Field(ge=1024, le=16 * 1024**2)] = 256 * 1024
    """Bytes of a body that the hook answers with; more is no answer."""

    memory: Annotated[Size, Field(ge=32 * 1024**2)] = 256 * 1024**2
    """Bytes of data that one process may hold; above it Python raises MemoryError in the hook."""

    own_headers: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$")], ...], Field(max_length=64)
    ] = ()
    """Request headers that the origin believes because the hook sets them, such as `x-user-tier`: they are taken out of
    what visitors send, in any spelling, also when the hook was not asked, said nothing, or failed."""

    environment: Annotated[
        tuple[Annotated[str, Field(pattern=rf"^{_NAME}$", max_length=128)], ...], Field(max_length=100)
    ] = ()
    """Names of environment variables that its processes are given besides the usual ones, such as `DATABASE_URL`."""
