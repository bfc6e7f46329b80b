"""Every example of docs/rulesets.md is a configuration that can be used."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from botproxy.config import Source, examine

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "rulesets.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 6


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: text.split("\n")[0])
def test_every_example_can_be_used(tmp_path: Path, text: str) -> None:
    given = yaml.safe_load(text)
    zones: list[dict[str, Any]] = [
        {"name": name, "hosts": [f"{name}.example"], "origins": ["http://127.0.0.1:3000"]} for name in ("shop", "blog")
    ]
    whole: dict[str, Any] = {"secret_file": "auto", "data": str(tmp_path), "zones": zones}
    if isinstance(given, list):
        zones[0]["rules"] = given
    else:
        for key, value in given.items():
            (whole if key == "rulesets" else zones[0])[key] = value
    file = tmp_path / "botproxy.yaml"
    file.write_text(json.dumps(whole))
    assert examine(Source.from_file(file)).warnings == ()
