"""Which settings an overlay may set: those that name no file, read from the annotations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel

from botproxy.config.overlay.shape import INSTANCE_SETTINGS, ZONE_SETTINGS
from botproxy.config.sections import alternatives, section_of
from botproxy.config.tree import Config, ZoneSettings

WEBHOOKS: Final = ("alerts", "webhooks")
"""Where this machine sends something is for those who write its files."""


class Settable(NamedTuple):
    """One setting. `path` is its place in the whole, or in its zone."""

    path: tuple[str, ...]
    kind: str  # "boolean", "integer", "number", "choice", "text", "list"
    choices: tuple[str, ...]
    nothing: bool  # whether it may be null
    help: str

    @property
    def name(self) -> str:
        """Its path with dots."""
        return ".".join(self.path)


def of_instance() -> list[Settable]:
    """Settings of the whole."""
    return list(_within(Config, INSTANCE_SETTINGS))


def of_zone() -> list[Settable]:
    """Settings of a zone."""
    return list(_within(ZoneSettings, ZONE_SETTINGS))


def _within(model: type[BaseModel], names: tuple[str, ...], before: tuple[str, ...] = ()) -> Iterator[Settable]:
    for name in names:
        field = model.model_fields.get(name)
        if field is None:
            continue
        section = section_of(field.annotation)
        path = (*before, name)
        if section is not None and name != "presets":
            yield from _within(section, tuple(section.model_fields), path)
        elif path != WEBHOOKS and not _names_file(field.annotation):
            kind, choices = _kind(field.annotation)
            nothing = type(None) in set(alternatives(field.annotation))
            yield Settable(path, kind, choices, nothing, " ".join((field.description or "").split()))


def _names_file(annotation: object) -> bool:
    if annotation is Path:
        return True
    return get_origin(annotation) is not Literal and any(_names_file(each) for each in get_args(annotation))


def _kind(annotation: object) -> tuple[str, tuple[str, ...]]:
    several: list[Any] = [each for each in alternatives(annotation) if each is not type(None)]
    if not several:
        return "number", ()  # a duration or a size, which is converted
    first = several[0]
    if get_origin(first) is Literal:
        return "choice", tuple(str(each) for each in get_args(first))
    if get_origin(first) in (tuple, list):
        return "list", ()
    return {bool: "boolean", int: "integer", float: "number"}.get(first, "text"), ()
