"""A right configuration with one thing changed: whatever it is, it is taken or refused with its place, never raised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botproxy.config import ConfigError, Source, load
from botproxy.config.document import read

EXAMPLE = Path(__file__).parents[2] / "config" / "botproxy.yaml"
TREE: Any = read(EXAMPLE.read_text(encoding="utf-8"), "botproxy.yaml").value
TREE["listeners"][0]["tls"] = {"certificate": "a.pem", "key": "a.key"}
TREE["zones"].append(deepcopy(TREE["zones"][0]) | {"name": "other", "hosts": ["example.com", "*.example.com"]})
TREE["zones"][1]["cookies"]["cookie_domain"] = "example.com"

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every path of a tree but its root."""
    for key, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from paths(child, (*path, key))


def at(value: Any, key: str | int) -> Any:
    """What stands under this key; None when an earlier change took it away."""
    if isinstance(value, dict):
        return value.get(key)
    return value[key] if isinstance(value, list) and isinstance(key, int) and key < len(value) else None


PATHS = sorted(paths(TREE), key=str)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(PATHS), JUNK, st.sampled_from(["change", "remove", "add"])), min_size=1, max_size=3
    )
)
def test_whatever_is_changed_is_taken_or_refused_in_its_place(
    tmp_path: Path, changes: list[tuple[tuple[str | int, ...], Any, str]]
) -> None:
    """JSON is YAML, which makes a writer of it unnecessary."""
    tree = deepcopy(TREE)
    for path, junk, how in changes:
        here = tree
        for part in path[:-1]:
            here = at(here, part)
        if isinstance(here, dict):
            if how == "remove":
                here.pop(path[-1], None)
            else:
                here[path[-1] if how == "change" else f"{path[-1]}x"] = junk
    text = json.dumps(tree, indent=1, ensure_ascii=True)
    caught: ConfigError | None = None
    try:
        load(Source(file=str(tmp_path / "botproxy.yaml"), text=text))
    except ConfigError as error:
        caught = error
    assert caught is None or all(1 <= problem.line <= text.count("\n") + 1 for problem in caught.problems)
