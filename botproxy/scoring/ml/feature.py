"""How features are described."""

from __future__ import annotations

import math
from enum import Enum
from typing import Final, NamedTuple

MISSING: Final = math.nan
"""Of a feature that cannot be known; a tree never takes it for greater than anything."""


class Group(Enum):
    """What a feature is computed from."""

    HEADERS = "headers"  # the set, order and values of the headers, the User-Agent's text apart
    USER_AGENT = "user_agent"  # the text of the User-Agent, alone or against other headers
    REQUEST = "request"  # request line, body and what was asked for
    CONNECTION = "connection"  # TLS and HTTP/2
    CALLER = "caller"  # address, session, and what the caller did before


class Feature(NamedTuple):
    """One number of a vector."""

    name: str
    group: Group
    unit: str
    meaning: str
    missing: str = "never"
