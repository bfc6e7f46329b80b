"""Which section of the settings stands at which path of the tree, read from the annotations."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, PlainValidator, WrapValidator

Path = tuple[str | int, ...]

CONVERTING = (BeforeValidator, PlainValidator, WrapValidator)
"""Validators that see a value before pydantic does, and may take text where a number is meant (`30s`)."""


def fields_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """The section whose keys stand at this path of the tree; None where there is none."""
    here: object = model
    for part in path:
        section = section_of(here)
        if isinstance(part, int):
            here = item_of(here)
        elif section is not None and part in section.model_fields:
            here = section.model_fields[part].annotation
        else:
            return None
    return section_of(here)


def item_of(annotation: object) -> object:
    """What the items of a list are annotated with."""
    sequence = next((a for a in alternatives(annotation) if get_origin(a) in (tuple, list, frozenset, set)), None)
    return next(iter(get_args(sequence)), None)


def alternatives(annotation: object) -> Iterator[object]:
    """The alternatives of an annotation; one that is converted by a function of its own has none."""
    if get_origin(annotation) is Annotated:
        if any(isinstance(m, CONVERTING) for m in get_args(annotation)[1:]):
            return
        yield from alternatives(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from alternatives(part)
    else:
        yield annotation


def section_of(annotation: object) -> type[BaseModel] | None:
    """The section that a value with this annotation is; None when it is none."""
    return next((a for a in alternatives(annotation) if isinstance(a, type) and issubclass(a, BaseModel)), None)
