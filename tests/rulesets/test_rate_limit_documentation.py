"""What docs/rate-limiting.md shows can be pasted, and every characteristic that it lists can be used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from botproxy.rulesets import RateLimiter, RateLimitSettings
from botproxy.rulesets.rate_limit_keys import compile_characteristic

PAGE = (Path(__file__).parents[2] / "docs" / "rate-limiting.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
TABLE = PAGE.partition("### Characteristics")[2].partition("###")[0]
CHARACTERISTICS = [
    code for line in re.findall(r"^\| (`.*?) \|", TABLE, re.MULTILINE) for code in re.findall(r"`([^`]+)`", line)
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_can_be_used(text: str) -> None:
    rules = [RateLimitSettings.model_validate(rule) for rule in yaml.safe_load(text)["rate_limits"]]
    limiter = RateLimiter.compile("zone", rules)
    assert limiter is not None
    assert len(limiter.rules) == len(rules)


@pytest.mark.parametrize("text", CHARACTERISTICS)
def test_every_characteristic_can_be_used(text: str) -> None:
    assert compile_characteristic(text, None) is not None


def test_the_page_lists_what_the_original_has() -> None:
    assert len(CHARACTERISTICS) >= 12
