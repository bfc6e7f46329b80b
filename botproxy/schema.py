"""What every room's `Settings` is made of: a strict base and the units that operators write.

A room declares its own settings; `config` only composes them, reads the file and says where a problem stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?\Z")
_SECONDS = {"ms": 0.001, "s": 1.0, None: 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d+)\s*(B|KB|MB|GB|K|M|G)?\Z", re.IGNORECASE)
_BYTES = {"B": 1, "K": 1024, "M": 1024**2, "G": 1024**3}


class Section(BaseModel):
    """A mapping in the configuration: unknown keys are refused, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True)

    refused: ClassVar[Mapping[str, str]] = {}
    """Keys that people know from elsewhere and that are no settings here, and the reason for each."""


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a duration is a number of seconds or a text such as 500ms, 30s, 15m, 2h, 7d")
    if isinstance(value, str):
        found = _DURATION.match(value.strip())
        if found is None:
            raise ValueError("a duration is a number of seconds or a text such as 500ms, 30s, 15m, 2h, 7d")
        return float(found[1]) * _SECONDS[found[2]]
    if not 0 <= value < 1e12:
        raise ValueError("a duration cannot be negative, nor without end")
    return float(value)


def _size(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("a size is a number of bytes or a text such as 16KB, 10MB, 1GB")
    if isinstance(value, str):
        found = _SIZE.match(value.strip())
        if found is None:
            raise ValueError("a size is a number of bytes or a text such as 16KB, 10MB, 1GB")
        return int(found[1]) * _BYTES[(found[2] or "B")[0].upper()]
    if value < 0:
        raise ValueError("a size cannot be negative")
    return value


_DURATION_SCHEMA = {
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^\d+(\.\d+)?(ms|s|m|h|d)?$"}],
    "examples": ["500ms", "30s", "15m", "2h", "7d"],
}
_SIZE_SCHEMA = {
    "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d+\s*([KkMmGg]?[Bb]|[KkMmGg])?$"}],
    "examples": ["16KB", "10MB", "1GB"],
}

Seconds = Annotated[float, BeforeValidator(_seconds), WithJsonSchema(_DURATION_SCHEMA)]
"""A duration in seconds; operators may write `500ms`, `30s`, `15m`, `2h`, `7d`."""

Size = Annotated[int, BeforeValidator(_size), WithJsonSchema(_SIZE_SCHEMA)]
"""A number of bytes; operators may write `16KB`, `10MB`, `1GB` (powers of 1,024)."""
