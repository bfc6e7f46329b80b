"""Every setting in a table, made from the settings themselves, so that it cannot say anything else than they do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from botproxy.config.sections import alternatives, item_of, section_of
from botproxy.config.tree import Config

_TITLE = """\
# Every setting

Made by `botproxy schema --markdown` from the settings themselves. [Configuration](configuration.md) goes by what you
want to do, and [`config/botproxy.yaml`](../config/botproxy.yaml) shows all of it as one file. `[]` stands for each item
of a list.
"""

_DURATIONS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_SIZES = ((1024**3, "GB"), (1024**2, "MB"), (1024, "KB"))


def reference() -> str:
    """The page, in Markdown."""
    parts = [_TITLE]
    for name, section in sections():
        heading = f"`{name}`" if name else "At the top"
        rows = [_row(field, info) for field, info in section.model_fields.items()]
        parts.append(f"## {heading}\n\n| setting | default | what it is |\n|---|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def sections(model: type[BaseModel] = Config, name: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Every section by its place in the tree, such as `zones[].cookies`; "" is the whole."""
    yield name, model
    for field, info in model.model_fields.items():
        place = f"{name}.{field}" if name else field
        one = section_of(info.annotation)
        several = section_of(item_of(info.annotation))
        if one is not None:
            yield from sections(one, place)
        elif several is not None:
            yield from sections(several, f"{place}[]")


def _row(name: str, info: FieldInfo) -> str:
    meaning = " ".join((info.description or "").split()).replace("|", "\\|")
    words = [word for each in alternatives(info.annotation) if get_origin(each) is Literal for word in get_args(each)]
    if not all(str(word) in meaning for word in words):
        meaning += " One of " + ", ".join(f"`{word}`" for word in words) + "."
    return f"| `{name}` | {_default(info)} | {meaning} |"


def _default(info: FieldInfo) -> str:
    value = info.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined:
        return "has to be given"
    if section_of(info.annotation) is not None:
        return "see below" if value is not None else "none; see below"
    if isinstance(value, tuple) and any(isinstance(item, BaseModel) for item in value):
        return "one, see below" if len(value) == 1 else f"{len(value)}, see below"
    if value is None:
        return "none"
    return f"`{_written(value, _unit(info))}`"


def _unit(info: FieldInfo) -> str:
    for each in info.metadata:
        examples = (getattr(each, "json_schema", None) or {}).get("examples", ())
        if examples:
            return "size" if "16KB" in examples else "duration"
    return ""


def _written(value: object, unit: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list | frozenset):
        return "[" + ", ".join(_written(item, "") for item in value) + "]"
    if isinstance(value, Path | str):
        return str(value) or '""'
    if isinstance(value, int | float) and value:
        if unit == "size":
            return next((f"{int(value) // size}{word}" for size, word in _SIZES if not value % size), str(value))
        if unit == "duration":
            found = next((f"{int(value // long)}{word}" for long, word in _DURATIONS if not value % long), None)
            return found or f"{int(value * 1000)}ms"
    return f"{value:g}" if isinstance(value, float) else str(value)
