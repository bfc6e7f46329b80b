"""Settings of the listener for operators."""

from __future__ import annotations

import os
from pathlib import Path

from botproxy.schema import Section

TOKEN_VARIABLE = "BOTPROXY_ADMIN_TOKEN"  # noqa: S105 - the name of a variable, not a token


SHORTEST_TOKEN = 16


def token_fault(token: str) -> str:
    """What a token has to be, when this is none; "" when it is one."""
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        return f"a token has at least {SHORTEST_TOKEN} printable ASCII characters without spaces"
    return ""


class Settings(Section):
    """The `admin` section: metrics, health, mode, reload."""

    listen: str = "127.0.0.1:9090"
    """`HOST:PORT`. An address that others can reach needs a token; the default is for this machine only."""

    token_file: Path | None = None
    """File with the token that requests must carry as `Authorization: Bearer TOKEN`; left out, the environment
    variable BOTPROXY_ADMIN_TOKEN is read. `/healthz` never asks for it."""

    @property
    def has_token(self) -> bool:
        """Whether a token is set anywhere; the file is not read here."""
        return self.token_file is not None or bool(os.environ.get(TOKEN_VARIABLE))
