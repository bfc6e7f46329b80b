"""The examples of the operator's page are rules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from botproxy.rules import FIELDS, compile_expression

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "rules.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```rule\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 9


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_compiles(text: str) -> None:
    compile_expression(text)


def test_every_field_that_the_page_names_in_full_exists() -> None:
    named = set(re.findall(r"`((?:cf|http|ip|raw)\.[a-z_.0-9]+)`", PAGE))
    assert named
    assert named <= set(FIELDS.fields)
