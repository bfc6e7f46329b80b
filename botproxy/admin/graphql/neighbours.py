"""What is near a name that does not exist, where the words of its letters are not: `country`, `clientCountryName`."""

from __future__ import annotations

import re
from typing import Any, Final

from graphql import GraphQLSchema

NEAR: Final = 5
ALL: Final = 12

_UNKNOWN: Final = re.compile(
    r"(?:Cannot query field '(?P<field>\w+)' on type '(?P<type>\w+)'|"
    r"Expected value of type '(?P<input>\w+)' not to include unknown field '(?P<name>\w+)')(?!\. Did you mean)"
)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def named(text: str, schema: GraphQLSchema) -> str:
    """The text of a fault; one of an unknown name that nothing was offered for says what there is."""
    found = _UNKNOWN.match(text)
    if found is None:
        return text
    kind: Any = schema.type_map.get(found["type"] or found["input"])
    names = [*getattr(kind, "fields", ())]
    near = _near(found["field"] or found["name"], names)
    if near:
        said = f" Did you mean {_list(near)}?"
    elif names:
        more = ", …" if len(names) > ALL else ""
        said = f" There is {', '.join(repr(name) for name in names[:ALL])}{more}."
    else:
        return text
    return f"{found[0]}.{said}{text[found.end() :].lstrip('.').replace(', found:', ' Found:', 1)}"


def _near(name: str, names: list[str]) -> list[str]:
    """Names that share the most words with this one, the shortest first."""
    words = _words(name)
    shared = {each: len(words & _words(each)) for each in names}
    most = max(shared.values(), default=0)
    return sorted((each for each in names if most and shared[each] == most), key=len)[:NEAR]


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(name)} - {"ms"}


def _list(names: list[str]) -> str:
    quoted = [repr(name) for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
