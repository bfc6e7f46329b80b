"""The JSON Schema of the configuration, for editors that complete and check it while it is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from botproxy.config.sections import item_of, section_of
from botproxy.config.tree import Config

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Every key with its description, its words and its default; keys that do not exist are refused."""
    schema = Config.model_json_schema()
    for section, described in described_sections(schema):
        _complete(described, section)
    schema["$defs"] = dict(sorted(schema["$defs"].items()))
    return {"$schema": DIALECT, **_plain(schema), "title": "botproxy"}


def described_sections(
    schema: dict[str, Any],
) -> Iterator[tuple[type[BaseModel], dict[str, Any]]]:
    """Every section of the settings with what the schema says of it, each once."""
    seen: set[str] = set()

    def walk(section: type[BaseModel], described: dict[str, Any]) -> Iterator[tuple[type[BaseModel], dict[str, Any]]]:
        yield section, described
        for name, info in section.model_fields.items():
            inner = section_of(info.annotation) or section_of(item_of(info.annotation))
            reference = _reference(described["properties"][name])
            if inner is not None and reference not in seen:
                seen.add(reference)
                yield from walk(inner, schema["$defs"][reference])

    yield from walk(Config, schema)


def _reference(value: Any) -> str:
    """The name of the definition that is referred to within; "" when none is."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            return str(value["$ref"]).rpartition("/")[2]
        value = [each for name, each in value.items() if name != "default"]
    return next(filter(None, map(_reference, value)), "") if isinstance(value, list) else ""


def _complete(described: dict[str, Any], section: type[BaseModel]) -> None:
    """Defaults that are made anew for each section, and descriptions that say what that of the section says."""
    for name, info in section.model_fields.items():
        entry = described["properties"][name]
        entry.pop("title", None)
        entry.setdefault("description", info.description or "")
        if not info.is_required():
            default = info.get_default(call_default_factory=True, validated_data={})
            entry.setdefault("default", to_jsonable_python(default))


def _plain(value: Any) -> Any:
    """Descriptions on one line, however they are broken where they are declared."""
    if isinstance(value, dict):
        return {
            name: " ".join(each.split()) if name == "description" and isinstance(each, str) else _plain(each)
            for name, each in value.items()
        }
    return [_plain(each) for each in value] if isinstance(value, list) else value
