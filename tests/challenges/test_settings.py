"""Settings that would lock visitors out are refused with words that help."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from botproxy.challenges import Settings


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"minimum": 65}, "minimum .65. cannot be more than puzzles"),
        ({"difficulty": 40}, "difficulty"),
        ({"time_budget": "20s", "token_lifetime": "30s"}, "token_lifetime must be at least twice"),
        ({"store_away_clearance": "1h"}, "300"),
    ],
)
def test_what_cannot_work_is_refused(given: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Settings.model_validate(given)


def test_defaults_bound_the_time_of_a_visitor() -> None:
    assert Settings().time_budget <= 3
