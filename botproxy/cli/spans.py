"""Durations on the command line, as the configuration has them."""

from __future__ import annotations

from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from botproxy.schema import Seconds

_SECONDS = TypeAdapter[float](Seconds)


class Span(click.ParamType[float]):
    """`30m`, `12h`, `7d`: seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds."""
        try:
            return _SECONDS.validate_python(value)
        except ValidationError:
            return self.fail(f"{value!r} is no duration: 90s, 30m, 12h, 7d", param, ctx)
