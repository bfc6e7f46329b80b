"""Lists as an operator writes them, under the names of the original's API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StrictInt, StrictStr, field_validator, model_validator

from botproxy.schema import Section

MAX_ITEMS = 10_000
"""Items that stand in the configuration itself; more belong into a file."""


class ListSettings(Section):
    """A named list, for `in $name` in the expressions of every zone."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$", max_length=50)]
    """What expressions call it, behind a `$`: lower-case letters, digits, `_`, and `.` inside."""

    kind: Literal["ip", "hostname", "asn", "string"]
    """What it holds: `ip` addresses and networks, for fields such as ip.src; `hostname` names and `*.name` patterns,
    for http.host; `asn` numbers, for ip.src.asnum; `string` any text, compared exactly."""

    description: Annotated[str, Field(max_length=500)] = ""
    """What it is for, for people."""

    items: Annotated[tuple[StrictStr | StrictInt, ...], Field(max_length=MAX_ITEMS)] | None = None
    """What it holds, if that is not in a file."""

    file: Path | None = None
    """File with one item a line, read anew when it changes. What follows a comma, `#` or `;` is a remark; in a list of
    strings, only whole lines that begin with `#` are."""

    @field_validator("kind", mode="before")
    @classmethod
    def _not_redirects(cls, kind: object) -> object:
        if kind == "redirect":
            raise ValueError("`redirect` lists are for Bulk Redirects, which do not exist here — remove the list")
        return kind

    @model_validator(mode="after")
    def _from_one_place(self) -> ListSettings:
        if self.items is None and self.file is None:
            raise ValueError("a list without `items` and without `file` — one of them, `items: []` for an empty list")
        if self.items is not None and self.file is not None:
            raise ValueError("a list with both `items` and `file` — one of them, or two lists")
        return self
