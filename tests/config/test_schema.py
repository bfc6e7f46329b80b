"""The schema for editors: it explains every key, takes what the configuration takes, and refuses what it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from botproxy.config.document import read
from botproxy.config.reference import sections
from botproxy.config.schema import described_sections, json_schema
from botproxy.config.sections import alternatives

ROOT = Path(__file__).parents[2]
SCHEMA = json_schema()
KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "null": (type(None),),
    "array": (list,), "object": (dict,),
}  # fmt: skip


def faults(value: Any, schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """What an editor would underline: as much of JSON Schema as ours uses."""
    if "$ref" in schema:
        yield from faults(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], path)
    if "anyOf" in schema and all(list(faults(value, each, path)) for each in schema["anyOf"]):
        yield f"{path}: none of the alternatives"
    if "type" in schema and (
        not isinstance(value, KINDS[schema["type"]]) or (isinstance(value, bool) and schema["type"] != "boolean")
    ):
        yield f"{path}: no {schema['type']}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: not one of the words"
    if "const" in schema and value != schema["const"]:
        yield f"{path}: not the word"
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path}: another pattern"
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{path}: out of bounds"
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield f"{path}: too few or too many"
        for at, item in enumerate(value):
            yield from faults(item, schema.get("items", {}), f"{path}[{at}]")
    if isinstance(value, dict) and "properties" in schema:
        for name in {*schema.get("required", ())} - value.keys():
            yield f"{path}.{name}: missing"
        for name, item in value.items():
            if name in schema["properties"]:
                yield from faults(item, schema["properties"][name], f"{path}.{name}")
            elif schema.get("additionalProperties") is False:
                yield f"{path}.{name}: unknown"


def described() -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Every key of the schema with its place, and the setting that it is about."""
    for section, each in described_sections(SCHEMA):
        for name, info in section.model_fields.items():
            yield f"{section.__name__}.{name}", each["properties"][name], info


def test_every_section_is_described() -> None:
    assert {section for section, _ in described_sections(SCHEMA)} == {section for _, section in sections()}


@pytest.mark.parametrize(
    ("place", "key", "info"),
    list(described()),
    ids=lambda each: each if type(each) is str else "",
)
def test_every_key_has_its_description_default_and_words(place: str, key: dict[str, Any], info: Any) -> None:
    assert key["description"], place
    assert "\n" not in key["description"]
    if not info.is_required():
        assert "default" in key, place
    words = [w for each in alternatives(info.annotation) if get_origin(each) is Literal for w in get_args(each)]
    shown = str(key)
    assert all(repr(word) in shown for word in words), place


def test_it_takes_the_file_that_shows_every_setting() -> None:
    value = read((ROOT / "config" / "botproxy.yaml").read_text("utf-8"), "botproxy.yaml").value
    assert list(faults(value, SCHEMA)) == []


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("zonez: []", ".zonez: unknown"),
        ("mode: enforc", ".mode: not one of the words"),
        ("workers: many", ".workers: no integer"),
        ("timeouts: {idle: soon}", ".timeouts.idle: none of the alternatives"),
        ("lists: [{name: a, kind: redirect}]", ".lists[0].kind: not one of the words"),
        ("lists: [{name: A-B, kind: ip}]", ".lists[0].name: another pattern"),
        (
            "zones: [{name: a, origins: [x], rules: [{ref: a, expression: ssl}]}]",
            ".zones[0].rules[0].action: missing",
        ),
    ],
)
def test_it_refuses_what_is_misspelt(text: str, where: str) -> None:
    assert where in list(faults(read(text, "").value, SCHEMA))


@pytest.mark.parametrize(
    "case",
    sorted((Path(__file__).parent / "cases").glob("*.yaml")),
    ids=lambda case: case.stem,
)
def test_it_takes_whatever_the_configuration_takes(case: Path) -> None:
    """An editor must not underline what is right."""
    text = case.read_text("utf-8")
    if "\n#! fine" in text:
        assert list(faults(read(text, case.name).value, SCHEMA)) == []
