"""What docs/hooks.md shows can be used as it stands there, and what it lists is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from botproxy.hooks import Request
from botproxy.hooks.replies import RESULTS
from botproxy.hooks.spawn import USUAL

from .conftest import FactsMaker, Run

PAGE = (Path(__file__).parents[2] / "docs" / "hooks.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("code", EXAMPLES)
async def test_every_example_runs(run: Run, make_facts: FactsMaker, code: str) -> None:
    running = await run(code)
    for facts in (
        make_facts(b"/checkout", score=1),
        make_facts(b"/", ((b"X-Legacy-Client", b"1"),), score=50),
        make_facts(scoring_failed=True),
    ):
        assert (await running.ask(facts)).result in ("passed", "answered", "changed")


async def test_the_first_example_does_what_it_says(run: Run, make_facts: FactsMaker) -> None:
    running = await run(EXAMPLES[0])
    assert (await running.ask(make_facts(b"/checkout", score=1))).result == "answered"
    changed = await running.ask(make_facts(b"/checkout", score=80))
    assert changed.changes is not None
    assert changed.changes.request == ((b"x-user-tier", b"ordinary"),)
    assert (await running.ask(make_facts(b"/checkout", scoring_failed=True))).result == "passed"


def test_every_result_and_every_variable_is_listed() -> None:
    for result in RESULTS:
        assert f"`{result}`" in PAGE
    for name in USUAL:
        assert f"`{name}`" in PAGE or name.lower().endswith("_proxy")


def test_every_attribute_of_a_request_is_listed() -> None:
    for name in Request.__slots__:
        assert f"`request.{name}`" in PAGE
