"""What pydantic found, said for an operator: where it stands, what is wrong, what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from botproxy.config.document import Document, Path, Value
from botproxy.config.problems import SHOWN, Problem, shown
from botproxy.config.sections import CONVERTING, alternatives, fields_at, item_of, section_of
from botproxy.schema import Section

M = TypeVar("M", bound=BaseModel)

_KINDS: Mapping[str, str] = {
    "string_type": "text",
    "bool_type": "`true` or `false`",
    "bool_parsing": "`true` or `false`",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "tuple_type": "a list",
    "list_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping of keys and values",
    "mapping_type": "a mapping of keys and values",
    "model_type": "a mapping of keys and values",
    "model_attributes_type": "a mapping of keys and values",
    "path_type": "a path",
    "none_required": "nothing",
}


def validate(model: type[M], document: Document, file: str) -> tuple[M | None, dict[Path, Problem]]:
    """The document's settings, and what is wrong with them by path; None when anything is."""
    problems = dict(_mistaken(model, document, file))
    settings: M | None = None
    try:
        settings = model.model_validate(document.value)
    except ValidationError as error:
        problems = dict(_explain(error, model, document, file)) | problems
    return (None if problems else settings), problems


def _mistaken(model: type[BaseModel], document: Document, file: str) -> Iterator[tuple[Path, Problem]]:
    """Values that validation would quietly turn into something else: the text `010` into ten, `no` into false."""

    def walk(annotation: object, value: Value, path: Path) -> Iterator[tuple[Path, Problem]]:
        section = section_of(annotation)
        if isinstance(value, dict) and section is not None:
            for name, child in value.items():
                field = section.model_fields.get(name)
                if field is not None and not any(isinstance(m, CONVERTING) for m in field.metadata):
                    yield from walk(field.annotation, child, (*path, name))
        elif isinstance(value, list):
            for at, child in enumerate(value):
                yield from walk(item_of(annotation), child, (*path, at))
        else:
            wanted = set(alternatives(annotation)) - {type(None)}
            if (
                wanted
                and value is not None
                and wanted <= {bool, int, float}
                and not any(_fits(value, w) for w in wanted)
            ):
                word = _KINDS[{bool: "bool_type", int: "int_type", float: "float_type"}[next(iter(wanted))]]  # type: ignore[index]
                what, right = _wrong_kind(word, value, path)
                yield path, Problem(file, *document.place(path).value, what, right, dotted(path))

    yield from walk(model, document.value, ())


def _fits(value: Value, wanted: object) -> bool:
    if isinstance(value, bool) or wanted is bool:
        return isinstance(value, bool) and wanted is bool
    return isinstance(value, int) or (wanted is float and isinstance(value, float))


def _explain(
    error: ValidationError, model: type[BaseModel], document: Document, file: str
) -> Iterator[tuple[Path, Problem]]:
    """One problem for each thing that validation refused. Branches of one union are told as one."""
    found: dict[Path, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        if details["type"] == "too_short" and len(details["input"]) >= details["ctx"]["min_length"]:
            continue  # pydantic does not count faulty items, and they are told on their own
        path = _written(details["loc"], document, keep_last=details["type"] == "missing")
        found.setdefault(path, []).append(details)
    for path, several in found.items():
        # A branch that took the value for its own says best what is wrong with it.
        own = [details for details in several if details["type"] == "value_error"]
        said = [_say(details, path, model) for details in own or several]
        what = said[0][0]
        right = " or ".join(dict.fromkeys(each for _, each in said if each))
        place = document.place(path)
        mark = place.key if several[0]["type"] == "extra_forbidden" else place.value
        yield path, Problem(file, *mark, what, right, dotted(path))


def dotted(path: Path) -> str:
    """`("zones", 0, "hosts")` as `zones[0].hosts`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _written(loc: tuple[int | str, ...], document: Document, keep_last: bool) -> Path:
    """The part of a location that stands in the file; the names of a union's branches do not."""
    path: Path = ()
    for at, part in enumerate(loc):
        if (*path, part) in document.places or (keep_last and at == len(loc) - 1):
            path = (*path, part)
    return path


def _say(details: ErrorDetails, path: Path, model: type[BaseModel]) -> tuple[str, str]:
    kind, given, context = details["type"], details["input"], details.get("ctx", {})
    name = _name(path)
    if kind == "missing":
        return f"`{name}` is missing", f"add `{name}: …`{_meaning(model, path)}"
    if kind == "extra_forbidden":
        section = fields_at(model, path[:-1])
        reason = section.refused.get(name) if section is not None and issubclass(section, Section) else None
        if reason is not None:
            return f"{shown(name)} is no setting here", reason
        return f"unknown key {shown(name)}", nearest(name, section)
    if kind in _KINDS:
        return _wrong_kind(_KINDS[kind], given, path)
    if kind in ("literal_error", "enum"):
        return f"{described(given)} cannot be `{name}`", _allowed(str(context.get("expected", "")), given)
    if kind == "value_error":
        return _own_words(str(context.get("error", details["msg"])), given, name)
    if kind == "string_pattern_mismatch":
        return f"{described(given)} cannot be `{name}`", _meaning(model, path).removeprefix(": ")
    if kind in _BOUNDS:
        word, key = _BOUNDS[kind]
        return f"{described(given)} cannot be `{name}`", f"{word} {context.get(key)}"
    if kind in ("too_short", "string_too_short"):
        return f"`{name}` is too short", f"at least {context.get('min_length')}{_meaning(model, path)}"
    if kind in ("too_long", "string_too_long"):
        return f"`{name}` is too long", f"at most {context.get('max_length')}"
    message = details["msg"]
    return f"{described(given)} cannot be `{name}`", message[:1].lower() + message[1:]


def _wrong_kind(right: str, given: Any, path: Path) -> tuple[str, str]:
    name = _name(path)
    if right == "text" and isinstance(given, bool | int | float):
        right += f': put it into quotes, `"{written(given)}"`'
    if right == _KINDS["bool_type"] and isinstance(given, str) and given.lower() in _SWITCHES:
        right = f"`{_SWITCHES[given.lower()]}`"
    if right == "a list" and isinstance(given, str):
        right += f": `[{given[:SHOWN]}]`" if given.isprintable() else ""
    if isinstance(given, str) and "number" in right and given.lstrip("0").isdecimal():
        right += f": `{given.lstrip('0')}`"
    if isinstance(given, str) and name.endswith(_PRIVATE):
        return f"a text cannot be `{name}`", right  # it may well be the secret itself
    return f"{described(given)} cannot be `{name}`" if name else f"{described(given)} is no configuration", right


def _name(path: Path) -> str:
    return next((part for part in reversed(path) if isinstance(part, str)), "")


_PRIVATE = ("secret", "secret_key", "password", "token")
_SWITCHES = dict.fromkeys(("yes", "on", "y", "true"), "true") | dict.fromkeys(("no", "off", "n", "false"), "false")
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
    "multiple_of": ("a multiple of", "multiple_of"),
}


def _own_words(message: str, given: object, name: str) -> tuple[str, str]:
    """What a room's own check said: `what — right`, or only what would be right."""
    what, dash, right = message.partition(" — ")
    if not dash and isinstance(given, dict):
        return message, ""
    return (what, right) if dash else (f"{described(given)} cannot be `{name}`", message)


def _allowed(expected: str, given: object) -> str:
    choices = [choice.strip("'") for choice in expected.replace(" or ", ", ").split(", ")]
    close = difflib.get_close_matches(str(given)[:SHOWN], choices, 1)
    listed = " or ".join(f"`{choice}`" for choice in choices)
    return f"did you mean `{close[0]}`? It is {listed}" if close and len(choices) > 2 else listed


def nearest(name: str, section: type[BaseModel] | None) -> str:
    """What an unknown key was probably meant to be."""
    known = list(section.model_fields) if section is not None else []
    close = difflib.get_close_matches(name[:SHOWN].lower().replace("-", "_"), known, 2, 0.6)
    if close:
        return "did you mean " + " or ".join(f"`{key}`" for key in close) + "?"
    return "known here: " + ", ".join(f"`{key}`" for key in known) if known else "remove it"


def _meaning(model: type[BaseModel], path: Path) -> str:
    """What the setting at this path is for, from its own docstring, first sentence."""
    section = fields_at(model, path[:-1])
    field = section.model_fields.get(str(path[-1])) if section is not None and path else None
    if field is None or not field.description:
        return ""
    text = " ".join(field.description.split())
    return ": " + text[:300].removesuffix(".")


def described(given: Any) -> str:
    """A value as it is called in a message."""
    if isinstance(given, dict):
        return "a mapping"
    if isinstance(given, list | tuple):
        return "a list"
    return "nothing" if given is None else shown(written(given))


def written(value: Value) -> str:
    """A scalar as YAML writes it."""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
