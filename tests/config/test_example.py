"""`config/botproxy.yaml` shows every setting there is, each with the value that it has when it is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from botproxy.config import Config, Source, ZoneSettings, examine
from botproxy.config.sections import fields_at

EXAMPLE = Path(__file__).parents[2] / "config" / "botproxy.yaml"


def sections(model: type[BaseModel], path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every setting below this section, lists taken at their first item."""
    for name in model.model_fields:
        here = (*path, name)
        below = next((p for p in (here, (*here, 0)) if fields_at(Config, p) is not None), None)
        yield here
        if below is not None:
            section = fields_at(Config, below)
            assert section is not None
            yield from sections(section, below)


def test_it_can_be_used_as_it_is() -> None:
    examined = examine(Source.from_file(EXAMPLE))
    assert examined.warnings == ()


def test_it_has_the_defaults() -> None:
    shown = examine(Source.from_file(EXAMPLE)).config
    default = Config(zones=(ZoneSettings(name="default", origins=("http://127.0.0.1:3000",)),))
    for name in set(Config.model_fields) - {"zones", "secret_file", "unknown_host", "data"}:
        assert getattr(shown, name) == getattr(default, name), name
    assert shown.data == EXAMPLE.parent / default.data
    (zone,) = shown.zones
    assert zone.model_copy(update={"rules": (), "presets": ()}) == default.zones[0]
    assert zone.presets == ("default",)


@pytest.mark.parametrize("path", list(sections(Config)), ids=lambda path: ".".join(map(str, path)))
def test_every_setting_is_in_it(path: tuple[str | int, ...]) -> None:
    """A setting that is off stands there as a comment."""
    text = EXAMPLE.read_text(encoding="utf-8")
    top = str(path[0])
    found = re.search(rf"^{top}:.*?(?=^[a-z_]+:|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, top
    block = found[0]
    for name in filter(lambda part: isinstance(part, str), path[1:]):
        inside = re.search(rf"^\s*(?:# *)?(?:- )?{name}:(.*)\Z", block, re.MULTILINE | re.DOTALL)
        assert inside is not None, name
        block = inside[0] if name == path[-1] else inside[1]


def test_the_schema_for_editors_takes_it() -> None:
    """Everything that is written as text for people, durations and sizes, is allowed in it."""
    schema = Config.model_json_schema()
    assert set(schema["properties"]) == set(Config.model_fields)
    idle = schema["$defs"]["Timeouts"]["properties"]["idle"]
    assert {"string", "number"} <= {kind.get("type") for kind in idle["anyOf"]}
    assert get_args(Config.model_fields["mode"].annotation) == ("observe", "enforce")
