"""What a scheme is: the fields that expressions of one purpose may name, with their types and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from botproxy.model import Facts
from botproxy.rules.types import Reader, Type


class FieldSpec(NamedTuple):
    """One field.

    `read` gives its value, or None while it is missing. `headers_only`: the value depends on the header block and
    nothing else, so what follows from it may be remembered with the block. `repeats`: it follows from what many
    visitors have in common, which is told in `repeating`.
    """

    name: str
    type: Type
    read: Reader
    headers_only: bool = False
    repeats: bool = False


class Scheme(NamedTuple):
    """Fields by every name that an expression may use for them (deprecated names lead to the current field)."""

    fields: Mapping[str, FieldSpec]


def missing(facts: Facts) -> None:
    """The reader of a field that this proxy cannot know."""
    return
